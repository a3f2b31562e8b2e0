"""Texts to score elsewhere: for models that cannot be loaded, whose predictions file then comes back."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from angelshare import runs
from angelshare.audits import registry
from angelshare.audits.base import FollowsUp, Settings
from angelshare.collect.loaded import Voice
from angelshare.collect.plan import Data, Wanted, plan
from angelshare.collect.readings import READERS
from angelshare.collect.suites import Entry
from angelshare.data.tables import Columns
from angelshare.errors import DataError


def export_texts(
    path: str | Path,
    *,
    data: Data | Sequence[Data] | None = None,
    suites: Sequence[Entry] | None = None,
    columns: Columns | None = None,
    positive: str | None = None,
    swaps: Literal["toxicity", "sentiment"] | None = None,
    rows: int | None = None,
    seed: int = 0,
    reference: Voice | None = None,
) -> int:
    """Write every text that the audits would have scored, as `id` and `text`: CSV, or JSON lines by the file's name.

    Returns
    -------
    How many texts. A predictions file holds the same ids and a column a label.

    Raises
    ------
    DataError
        Where an id names two texts, or the file exists.
    """
    path = Path(path)
    if path.exists():
        raise DataError(f"{path} exists, and is not written over. Name another file, or delete it.")
    tasks = plan(Wanted(data, suites, columns, positive, None, Settings(swaps=swaps, seed=seed), rows), reference)
    texts: dict[str, str] = {}
    for task in tasks:
        for code in task.codes:
            audit = registry.find(code)
            requests = [] if audit.inapplicable(task.data) else audit.ask(task.data)
            if requests and isinstance(audit, FollowsUp):
                requests += audit.follow(task.data, None)[0]
            for request in (request for request in requests if request.kind not in READERS):  # files hold scores
                for row_id, text in zip(request.ids, request.texts, strict=True):
                    if texts.setdefault(str(row_id), text) != text:
                        raise DataError(
                            f"The id '{row_id}' names two texts. Give the data an id column with names of their own."
                        )
    with runs.atomic_file(path) as aside, open(aside, "w", encoding="utf-8", newline="") as stream:
        if path.suffix == ".jsonl":
            stream.writelines(json.dumps({"id": i, "text": text}) + "\n" for i, text in texts.items())
        else:
            writer = csv.writer(stream)
            writer.writerow(("id", "text"))
            writer.writerows(texts.items())
    return len(texts)
