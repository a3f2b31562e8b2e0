"""GLUE's tasks (Wang et al. 2019, https://arxiv.org/abs/1804.07461): what is learnt from, what judged, and by what."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from angelshare import runs
from angelshare.data.catalogue import open_set
from angelshare.data.tables import Table
from angelshare.errors import DamagedFile, DataError

__all__ = [
    "GOLD",
    "ORIGINAL",
    "PART",
    "PREDICTIONS",
    "TASKS",
    "TASK_SCORE",
    "Task",
    "open_task",
    "read_gold",
    "tasks_named",
    "write_gold",
]

GOLD, PREDICTIONS = "gold.parquet", "predictions.parquet"
"""In the directory of a task, and below it in that of a seed."""

TASK_SCORE = "task_score"

PART = "part"
"""The kind of a judged row: the part of its task."""

FACTS = b"angelshare"


@dataclass(frozen=True, eq=False)
class Task:
    """One task.

    Attributes
    ----------
    name : of the task and of the public set it is made of.
    figures : by which it is judged, GLUE's own; the task's score is their mean.
    judged : parts of the set that are judged, by the name a finding gives them.
    """

    name: str
    figures: tuple[str, ...]
    judged: Mapping[str, str]

    @property
    def scored(self) -> tuple[str, str]:
        """Metric and slice of the finding that is the task's score: a cell of a table of GLUE scores."""
        slices = tuple(self.judged)
        if len(self.figures) == len(slices) == 1:
            return self.figures[0], slices[0]
        return TASK_SCORE, self.name


def _task(name: str, *figures: str, part: str = "dev") -> Task:
    return Task(name, figures, {name: part})


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task("mnli", ("accuracy",), {"mnli matched": "matched", "mnli mismatched": "mismatched"}),
        _task("qqp", "f1", "accuracy"),
        _task("qnli", "accuracy"),
        _task("sst2", "accuracy"),
        _task("cola", "mcc", part="glue"),
        _task("stsb", "pearson", "spearman"),
        _task("mrpc", "f1", "accuracy", part="test"),
        _task("rte", "accuracy"),
        _task("sts", "pearson", "spearman", part="test"),
    )
}
"""By name. `sts` is STS 2015, which stands in where STS-B is not at hand. Published rows with labels are judged: those
of MRPC are its test rows, which its publisher labelled; the other tests' labels are hidden."""

ORIGINAL = tuple(name for name in TASKS if name != "sts")
"""The tasks of GLUE that its paper's tables have (WNLI apart)."""


def tasks_named(names: Sequence[str]) -> tuple[Task, ...]:
    """Raises DataError, with the names there are, for one that is no task, is there twice, or for none at all."""
    for name in names or ("",):
        if name not in TASKS:
            raise DataError(f"A GLUE task must be one of {', '.join(TASKS)}. Got '{name}' instead.")
        if names.count(name) > 1:
            raise DataError(f"The task '{name}' is named twice. Name each once.")
    return tuple(TASKS[name] for name in names)


def open_task(task: Task, root: str | Path | None = None) -> tuple[Table, Table]:
    """The rows to learn from, and those that are judged: ids say their part, as `kinds` do.

    Raises
    ------
    DataError
        When its files are nowhere, or broken.
    """
    parts = {name: open_set(task.name, part, root) for name, part in task.judged.items()}
    return open_set(task.name, "train", root), _joined(task, parts)


def _joined(task: Task, parts: Mapping[str, Table]) -> Table:
    tables = list(parts.values())
    seconds = [table.pairs for table in tables if table.pairs is not None]
    names = [name for name, table in parts.items() for _ in range(len(table))]
    return replace(
        tables[0],
        name=task.name,
        ids=np.array([f"{name}/{row_id}" for name, t in parts.items() for row_id in t.ids], dtype=object),
        texts=[text for table in tables for text in table.texts],
        pairs=[text for each in seconds for text in each] if seconds else None,
        targets=np.concatenate([table.targets for table in tables if table.targets is not None]),
        kinds={PART: np.array(names, dtype=object)},
    )


def write_gold(path: Path, table: Table) -> None:
    """Ids, parts and golden labels of judged rows, without their texts: what an audit needs of them."""
    assert table.targets is not None
    gold = table.targets[:, 0] if table.regression else table.classes
    columns = {
        "id": pa.array(list(map(str, table.ids)), pa.string()),
        PART: pa.array(list(table.kinds[PART]), pa.string()),
        "gold": pa.array(np.asarray(gold, dtype=np.float64)),
    }
    facts = {"task": table.name, "labels": table.labels, "regression": table.regression}
    found = pa.table(columns).replace_schema_metadata({FACTS: json.dumps(facts)})
    with runs.atomic_file(path) as aside:
        pq.write_table(found, aside, write_page_checksum=True, compression="zstd")


def read_gold(path: Path) -> Table:
    """What `write_gold` left, as a table of empty texts.

    Raises
    ------
    DamagedFile
        Where the file is missing, damaged, or no such file.
    """
    try:
        found = pq.read_table(path, page_checksum_verification=True, memory_map=False)
        facts = json.loads((found.schema.metadata or {})[FACTS])
        labels, regression = tuple(facts["labels"]), bool(facts["regression"])
        gold = found["gold"].to_numpy()
        targets = gold[:, None] if regression else np.eye(len(labels))[gold.astype(np.int64)]
        return Table(
            name=TASKS[facts["task"]].name,
            source=str(path),
            ids=np.array(found["id"].to_pylist(), dtype=object),
            texts=[""] * len(gold),
            labels=labels,
            multilabel=regression,
            targets=targets.astype(np.float32),
            kinds={PART: np.array(found[PART].to_pylist(), dtype=object)},
            regression=regression,
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamagedFile(f"{path} cannot be read as golden labels: {reason}. Run angelshare glue again.") from error
