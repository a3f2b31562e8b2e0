"""How well does an encoder do what it is fine-tuned for? GLUE's tasks, each by its own figures, and their average."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from angelshare.audits.base import WHOLE, Answers, AuditData, Judgement, Request
from angelshare.audits.classifier.problems import f1_of
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.data.glue import PART, TASK_SCORE, TASKS, Task
from angelshare.data.tables import Table
from angelshare.metrics.classification import accuracy_of, confusion_codes, mcc_of
from angelshare.metrics.correlation import moments, pearson_of
from angelshare.metrics.fidelity import rank_correlation, rank_correlation_replicates
from angelshare.runs import rng
from angelshare.stats.resample import Resampling, tallies
from angelshare.types import Predictions

AVERAGE = "glue_average"
NO_TASKS = "There is nothing that fine-tuned models said: make it with angelshare glue."
FAMILY = "glue/tasks"
"""The tasks are looked at together: their outcomes use intervals that hold for all of them."""

OF_CONFUSION = {"accuracy": accuracy_of, "f1": f1_of, "mcc": mcc_of}


@dataclass(frozen=True, eq=False)
class Column:
    """One figure of every member, and of every replicate."""

    stat: Stat
    point: Float64[np.ndarray, " members"]
    replicates: Float64[np.ndarray, "draws members"]


class Glue:
    """Each task's own figures and their average; see docs/audits/glue.md."""

    code = "glue"
    own_rows = True

    def inapplicable(self, data: AuditData) -> str:
        return "" if data.tasks else NO_TASKS

    def ask(self, data: AuditData) -> list[Request]:
        return [Request(name, table.ids, table.texts) for name, table in data.tasks.items()]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        columns: list[Column] = []
        scores: list[Column] = []
        for name, table in data.tasks.items():
            found = list(figures(data, TASKS[name], table, answers.predictions[name]))
            score = (
                found[0] if len(found) == 1 else mean_of(Stat(TASK_SCORE, name, found[0].stat.counts, FAMILY), found)
            )
            columns += found if len(found) == 1 else [score, *found]
            scores.append(score)
        note = f"Mean of {', '.join(data.tasks)}."
        columns.insert(0, mean_of(Stat(AVERAGE, WHOLE, {"tasks": len(scores)}, note=note), scores))
        figured = Figured(
            [column.stat for column in columns],
            np.stack([column.point for column in columns], axis=-1),
            np.stack([column.replicates for column in columns], axis=-1),
            Resampling(np.zeros(len(data.table), dtype=np.int64), draws=data.settings.draws),
        )
        return Judgement(judged(data, self.code, answers, figured))


def mean_of(stat: Stat, columns: Sequence[Column]) -> Column:
    """The mean of the columns, replicate by replicate; NaN for a member that lacks one of them."""
    point = np.mean([column.point for column in columns], axis=0)
    replicates = np.mean([column.replicates for column in columns], axis=0)
    rows = {column.stat.slice: column.stat.rows or 0 for column in columns}
    return Column(replace(stat, rows=sum(rows.values())), point, replicates)


def figures(data: AuditData, task: Task, table: Table, members: Sequence[Predictions]) -> Iterator[Column]:
    """The task's figures, part by part."""
    for part in task.judged:
        at = np.flatnonzero(table.kinds[PART] == part)
        yield from of_part(data, task, part, table.take(at), [member.take(at) for member in members])


def of_part(data: AuditData, task: Task, part: str, table: Table, members: Sequence[Predictions]) -> Iterator[Column]:
    """The figures of one set of rows; without values where it has too few."""
    strata, counts = _strata(table)
    # A seed of its own: tasks of one seed would draw the same rows, and their figures rise and fall together.
    seed = int(rng(data.settings.seed, "glue", part).integers(2**31))
    resampling = Resampling(strata, draws=data.settings.draws, seed=seed)
    shape = (len(members), len(task.figures))
    point, replicates, note = np.full(shape, np.nan), np.full((resampling.draws, *shape), np.nan), ""
    if min(counts.values()) < data.settings.min_cell:
        note = f"Fewer than {data.settings.min_cell} rows of a kind."
    else:
        measure = correlations if table.regression else rates
        for at, member in enumerate(members):
            point[at], replicates[:, at] = measure(task.figures, table, member, resampling)
    for at, figure in enumerate(task.figures):
        stat = Stat(figure, part, counts, FAMILY, note, rows=len(table))
        yield Column(stat, point[:, at], replicates[:, :, at])


def _strata(table: Table) -> tuple[np.ndarray, dict[str, int]]:
    """Rows by golden label, and how many there are of each; of numbers to predict, all together."""
    if table.regression:
        return np.zeros(len(table), dtype=np.int64), {"rows": len(table)}
    sizes = np.bincount(table.classes, minlength=len(table.labels)).tolist()
    names = ("negatives", "positives") if len(table.labels) == 2 else table.labels
    return table.classes, dict(zip(names, sizes, strict=True))


Measured = tuple[Float64[np.ndarray, " figures"], Float64[np.ndarray, "draws figures"]]


def rates(names: Sequence[str], table: Table, member: Predictions, resampling: Resampling) -> Measured:
    """Figures of a confusion matrix, of the rows as they are and of every replicate."""
    classes = len(table.labels)
    codes = confusion_codes(member.decisions(), table.classes, classes)
    shape = (classes, classes)
    whole = np.bincount(codes, minlength=classes**2).astype(np.float64).reshape(shape)
    drawn = tallies(codes, classes**2, None, resampling).reshape(-1, *shape)

    def figured(matrices: np.ndarray) -> np.ndarray:
        return np.stack([OF_CONFUSION[name](matrices) for name in names], axis=-1)

    return figured(whole), figured(drawn)


def correlations(names: Sequence[str], table: Table, member: Predictions, resampling: Resampling) -> Measured:
    """Correlations with the golden numbers, of the rows as they are and of every replicate."""
    assert table.targets is not None
    truth, said = (np.asarray(values[:, 0], dtype=np.float64) for values in (table.targets, member.scores))
    parts = moments(truth, said)
    sums = tallies(np.zeros(len(truth), dtype=np.int64), 1, parts, resampling)[:, 0]
    found = {"pearson": pearson_of(parts.sum(axis=0)), "spearman": np.asarray(rank_correlation(truth, said))}
    drawn = {"pearson": pearson_of(sums), "spearman": rank_correlation_replicates(truth, said, resampling)}
    return np.stack([found[name] for name in names]), np.stack([drawn[name] for name in names], axis=-1)
