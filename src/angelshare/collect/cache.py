"""Answers on disk: given once, read back only if every byte is as it was written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from angelshare import runs, store
from angelshare.progress import say
from angelshare.result import prediction_path
from angelshare.types import Answer


def key(fingerprint: str, labels: Sequence[str], texts: Sequence[str]) -> str:
    """What a file of predictions is of: a model, its labels, and texts in their order."""
    return runs.digest("predictions 1", fingerprint, *labels, "", *texts)


class Cache:
    """A folder of Parquet files, one a model and list of texts; without a folder it remembers nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def get(self, name: str, ids: np.ndarray) -> Answer | None:
        """What was kept under the key `name`, for these ids; None where nothing was, or where it is damaged."""
        path = None if self.folder is None else prediction_path(self.folder, name)
        if path is None or not path.is_file():
            return None
        try:
            found = store.read_answer(path, name)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            say(f"{path} is damaged ({str(error).splitlines()[0]}): its texts are scored again.")
            return None
        return replace(found, ids=ids) if len(found) == len(ids) else None

    def put(self, name: str, answer: Answer) -> None:
        if self.folder is not None:
            store.write_answer(prediction_path(self.folder, name), name, answer)
