"""On which kinds of rows is a model right, by the data's own columns?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from angelshare.audits.base import NO_LABELS, NO_POSITIVE, ROWS, Answers, AuditData, Judgement, Request, ask_rows
from angelshare.audits.classifier.problems import Problem, problems
from angelshare.audits.classifier.quality import strata
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.findings import Exhibit
from angelshare.stats.resample import tallies
from angelshare.types import Predictions

NO_COLUMNS = "No column says what kind of row each is: name some with --by."


@dataclass(frozen=True, eq=False)
class Kinds:
    """Every value of every column: (rows, kinds) which rows are of it."""

    columns: tuple[str, ...]
    values: tuple[str, ...]
    members: Bool[np.ndarray, "rows kinds"]

    @classmethod
    def of(cls, data: AuditData) -> "Kinds":
        pairs = [(column, value) for column, found in data.table.kinds.items() for value in sorted(set(found)) if value]
        members = [np.asarray(data.table.kinds[column] == value) for column, value in pairs]
        shape = (len(data.table), len(pairs))
        return cls(
            tuple(column for column, _ in pairs),
            tuple(value for _, value in pairs),
            np.stack(members, axis=1) if members else np.zeros(shape, dtype=bool),
        )

    @property
    def slices(self) -> list[str]:
        return [f"{column}: {value}" for column, value in zip(self.columns, self.values, strict=True)]


class ByColumn:
    """Accuracy on the rows of each kind; see docs/audits/by-column.md."""

    code = "by-column"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        if not data.labelled:
            return NO_LABELS
        if not data.table.kinds:
            return NO_COLUMNS
        return NO_POSITIVE if data.multilabel and data.positive is None else ""

    def ask(self, data: AuditData) -> list[Request]:
        return ask_rows(data)

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        kinds, problem = Kinds.of(data), posed(data, answers.predictions[ROWS])
        right = problem.decisions == problem.truth[:, None]
        resampling = data.resampling(strata([problem]))
        codes, patterns = patterned(kinds.members)
        sums = tallies(codes, len(patterns), np.column_stack((np.ones(len(codes)), right)), resampling)
        point = rates(kinds.members.T.astype(np.float64) @ np.column_stack((np.ones(len(right)), right)))
        replicates = rates(np.einsum("pk,dpc->dkc", patterns.astype(np.float64), sums))
        least = data.settings.min_cell
        rows = kinds.members.sum(axis=0)
        enough = rows >= least
        stats = [
            Stat(
                "accuracy",
                name,
                counts(data, kinds.members[:, at], problem),
                f"by-column/{kinds.columns[at]}",
                "" if enough[at] else f"Fewer than {least} rows.",
            )
            for at, name in enumerate(kinds.slices)
        ]
        point[:, ~enough] = np.nan
        findings = judged(data, self.code, answers, Figured(stats, point, replicates, resampling))
        return Judgement(findings, [listed(data, kinds)])


def posed(data: AuditData, members: Sequence[Predictions]) -> Problem:
    """The one decision that is right or wrong: of a table of several labels that may hold, the positive one's."""
    found = list(problems(data, members))
    return found[0 if len(found) == 1 else data.labels.index(str(data.positive))]


def patterned(members: Bool[np.ndarray, "rows kinds"]) -> tuple[np.ndarray, np.ndarray]:
    """Rows as numbers of the combinations of kinds there are, so that one pass over them serves every kind."""
    found, codes = np.unique(members, axis=0, return_inverse=True)
    return codes.reshape(-1), found


def rates(sums: Float64[np.ndarray, "*draws kinds columns"]) -> Float64[np.ndarray, "*draws members kinds"]:
    """From (kinds, 1 + members) rows and hits to shares; NaN where a replicate has no row of the kind."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.moveaxis(sums[..., 1:] / sums[..., :1], -1, -2))


def counts(data: AuditData, rows: Bool[np.ndarray, " rows"], problem: Problem) -> dict[str, int]:
    """Rows by class; a class that the kind never has is left out: it is no cell. Clusters where there are some."""
    found = {"rows": int(rows.sum())}
    if problem.classes == 2:
        positive = problem.ranked[0][0]
        sizes = {"positives": int((rows & positive).sum()), "negatives": int((rows & ~positive).sum())}
        found |= {name: size for name, size in sizes.items() if size}
    if data.table.clusters is not None:
        found["clusters"] = len(np.unique(data.table.clusters[rows]))
    return found


def listed(data: AuditData, kinds: Kinds) -> Exhibit:
    """Which kinds stand in one picture: those of one column."""
    rows = [
        {"column": column, "value": value, "slice": name}
        for column, value, name in zip(kinds.columns, kinds.values, kinds.slices, strict=True)
    ]
    return Exhibit(data.suite, ByColumn.code, "kinds", rows)
