"""Paired dots: the reference and one student on every kind of row, the largest drop first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from angelshare.findings import Finding
from angelshare.report.charts import Axis, axis
from angelshare.report.lists import fairly
from angelshare.report.summary import Summary
from angelshare.report.views import described, ends, to_reference
from angelshare.report.words import change, scale, spaced, words

FIGURES = 8
"""Pictures of one page."""

MEANS = ("subgroup_auc_mean", "bpsn_auc_mean", "bnsp_auc_mean")


@dataclass(frozen=True)
class Pair:
    label: str
    finding: Finding
    student: float
    reference: float
    change: str
    title: str


@dataclass(frozen=True)
class Pairs:
    model: str
    reference: str
    suite: str
    about: str
    """What the rows are: the name of a column, or of the figures' mean."""
    metric: str
    axis: Axis
    rows: tuple[Pair, ...]
    left_out: int
    """Kinds without a figure of both models: too few rows."""

    @property
    def lower(self) -> int:
        return sum(row.finding.delta is not None and row.finding.delta.value < 0 for row in self.rows)


def kinds(summary: Summary) -> list[Pairs]:
    """Accuracy by the values of each column that `by-column` looked at, a picture a student and column."""
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for exhibit, row in summary.rows("kinds"):
        place = exhibit.suite, str(row.get("column", ""))
        columns.setdefault(place, []).append((str(row.get("slice", "")), str(row.get("value", ""))))
    found: list[Pairs] = []
    for (suite, column), values in columns.items():
        wanted = [((suite, "by-column", "accuracy", name), value) for name, value in values]
        found += _pictures(summary, suite, spaced(column), "accuracy", wanted)
    return fairly(found, lambda pairs: pairs.model)


def averages(summary: Summary) -> list[Pairs]:
    """The bias AUCs averaged over identities, as in figures 6 and 7 of "Lost in Distillation"."""
    found: list[Pairs] = []
    for suite in dict.fromkeys(f.suite for f in summary.findings if f.metric in MEANS):
        wanted = [((suite, "identity-auc", metric, "all"), words(metric).label) for metric in MEANS]
        found += _pictures(summary, suite, "mean over identities", "bias AUCs", wanted)
    return fairly(found, lambda pairs: pairs.model)


Key = tuple[str, str, str, str]


def _pictures(
    summary: Summary, suite: str, about: str, metric: str, wanted: Sequence[tuple[Key, str]]
) -> Iterable[Pairs]:
    if summary.reference is None:
        return
    name = summary.reference.name
    by_key = {(f.model, f.suite, f.audit, f.metric, f.slice): f for f in to_reference(summary)}
    for student in summary.students:
        pairs = [(label, by_key.get((name, *key)), by_key.get((student.name, *key))) for key, label in wanted]
        known = [(label, base, own) for label, base, own in pairs if base and own and base.value and _measured(own)]
        if not known:
            continue
        factor = scale(known[0][2].metric)
        along = axis((f.value.value for _, *both in known for f in both if f.value), factor=factor)
        rows = [_pair(label, base, own, along) for label, base, own in known]
        rows.sort(key=lambda row: row.finding.delta.value if row.finding.delta else 0.0)
        yield Pairs(student.name, name, suite, about, metric, along, tuple(rows), len(pairs) - len(known))


def _measured(finding: Finding) -> bool:
    return finding.value is not None and finding.delta is not None


def _pair(label: str, base: Finding, own: Finding, along: Axis) -> Pair:
    assert base.value is not None
    assert own.value is not None
    said = change(own) + (f" ({ends(own)})" if ends(own) else "")
    return Pair(spaced(label), own, along(own.value.value), along(base.value.value), said, described(own))
