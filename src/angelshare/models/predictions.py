"""A file of predictions in place of a model that cannot be loaded: it answers for the rows it has."""

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow.parquet as pq

from angelshare import runs
from angelshare.data.tables import read_scores
from angelshare.errors import DataError, ModelError
from angelshare.types import Predictions, Scale

NOT_LABELS = ("id", "text")
"""Columns of a predictions file that are no label's."""

SUM_TOLERANCE = 0.01
"""Rows of probabilities that sum to 1 within this are one decision of several labels; rounding to 2 digits passes."""


class PredictionsFile:
    """Scores by row id, read once: CSV, TSV, JSONL or Parquet with `id` and a column a label.

    Parameters
    ----------
    labels : the labels' columns; every column but `id` and `text` where None.
    multilabel : whether each label is decided alone; where None, a single column is, and probabilities of
        which a row does not sum to 1.
    scores : what the columns hold; ranking uses them as they are.

    Raises
    ------
    DataError : a missing column, a broken or duplicate row, a probability outside [0, 1].
    """

    def __init__(
        self,
        path: str | Path,
        *,
        labels: Sequence[str] | None = None,
        multilabel: bool | None = None,
        scores: Scale = "probabilities",
    ) -> None:
        self.path = Path(path)
        self.source = str(path)
        self.scale = scores
        self.labels = tuple(labels) if labels else label_columns(self.path)
        self.ids, self.scores = read_scores(path, self.labels)
        if scores == "probabilities":
            self._check_range()
        self.multilabel = self._alone() if multilabel is None else multilabel
        if len(self.labels) == 1 and not self.multilabel:
            raise ModelError(f"{path} has one label column: it is multi-label, decided alone.")
        if scores == "probabilities" and not self.multilabel:
            self._check_sum()
        self.fingerprint = runs.digest(runs.sha256(self.path), scores, str(self.multilabel), *self.labels)
        self._place = {row_id: index for index, row_id in enumerate(self.ids)}

    kind = "predictions file"
    parameters: int | None = None
    size_bytes: int | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def predictions(self, ids: Sequence[str] | np.ndarray, model: str = "") -> Predictions:
        """The scores of the rows asked for, in that order.

        Raises
        ------
        DataError : a row that the file does not have.
        """
        index = np.empty(len(ids), dtype=np.int64)
        for at, row_id in enumerate(ids):
            found = self._place.get(str(row_id))
            if found is None:
                missing = sum(str(other) not in self._place for other in ids)
                raise DataError(
                    f"{self.path} has no row with the id '{row_id}' ({missing} of {len(ids)} rows are missing). "
                    "Score every exported text and keep its id, or name the data's column of ids with --id."
                )
            index[at] = found
        return Predictions(
            model or self.path.stem,
            np.asarray(ids, dtype=object),
            self.labels,
            self.multilabel,
            self.scores[index],
            self.scale,
            self.fingerprint,
        )

    def _check_range(self) -> None:
        outside = np.argwhere((self.scores < 0) | (self.scores > 1))
        if len(outside):
            row, column = outside[0]
            raise DataError(
                f"{self.path}, id '{self.ids[row]}', column '{self.labels[column]}': a probability must lie in [0, 1]. "
                f"Got {self.scores[row, column]:g} instead; say --scores logits if the columns hold log-odds."
            )

    def _check_sum(self) -> None:
        off = np.flatnonzero(np.abs(self.scores.sum(1) - 1) > SUM_TOLERANCE)
        if len(off):
            raise DataError(
                f"{self.path}, id '{self.ids[off[0]]}': the probabilities of labels one of which holds must sum to 1. "
                f"They sum to {self.scores[off[0]].sum():.3g}; say --scores logits if the columns hold log-odds."
            )

    def _alone(self) -> bool:
        if len(self.labels) == 1 or self.scale == "logits":
            return len(self.labels) == 1
        return bool(np.abs(self.scores.sum(1) - 1).max() > SUM_TOLERANCE)


def label_columns(path: Path) -> tuple[str, ...]:
    """The columns of a predictions file that must be labels: all but `id` and `text`.

    Raises
    ------
    DataError : the file cannot be read, or has no such column.
    """
    try:
        names = _header(path)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}. Give a CSV, TSV, JSONL or Parquet file.") from error
    found = tuple(name for name in names if name not in NOT_LABELS)
    if not found:
        raise DataError(f"{path} has no label column beside 'id'. Give one column of scores a label.")
    return found


def _header(path: Path) -> list[str]:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return list(pq.read_schema(path).names)
    opener: Callable[..., TextIO] = gzip.open if name.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig") as lines:
        if ".jsonl" in name:
            first = json.loads(lines.readline() or "{}")
            return list(first) if isinstance(first, dict) else []
        return next(csv.reader(lines, delimiter="\t" if ".tsv" in name else ","), [])
