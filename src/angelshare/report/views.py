"""The tables of a report: findings laid out by model, metric and slice. Nothing is computed, only arranged."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from angelshare.findings import Finding, Outcome, Subject
from angelshare.report.summary import Summary
from angelshare.report.words import (
    OUTCOMES,
    SHORT,
    WHOLE,
    change,
    deciding,
    estimate,
    interval,
    is_whole,
    scale,
    words,
)

STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Edges of the heat map's colours in points: fixed, so that two reports can be laid side by side."""

NOTES = 5

MAP_METRICS = 3
"""Metrics of one heat map; what more an audit measured stands in the full table."""

SLICES = 60
"""Rows of one heat map."""

CELLS = 1_600
"""Cells of all heat maps together: a third of a megabyte."""

PRIMARY = ("auc_roc", "accuracy", "macro_f1", "auc")


@dataclass(frozen=True)
class Cell:
    """One finding as a table shows it. `shade` runs from -6 (much worse) to 6; None where there is no colour."""

    finding: Finding
    value: str
    interval: str
    change: str
    outcome: Outcome
    shade: int | None

    @property
    def ends(self) -> str:
        return ends(self.finding)

    @property
    def title(self) -> str:
        return described(self.finding)


@dataclass(frozen=True)
class Row:
    metric: str
    label: str
    better: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Block:
    """The figures over all rows that one audit of one suite gave, a row a metric and a column a subject."""

    suite: str
    audit: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """Why figures are missing."""


@dataclass(frozen=True)
class MapRow:
    slice: str
    positives: int | None
    negatives: int | None
    cells: tuple[Cell | None, ...]
    """Models outside, metrics inside."""


@dataclass(frozen=True)
class HeatMap:
    suite: str
    audit: str
    metrics: tuple[str, ...]
    subjects: tuple[Subject, ...]
    rows: tuple[MapRow, ...]
    left_out: int = 0

    @property
    def columns(self) -> int:
        return len(self.subjects) * len(self.metrics)

    @property
    def counted(self) -> bool:
        return any(row.positives is not None or row.negatives is not None for row in self.rows)

    @property
    def labels(self) -> list[tuple[str, str]]:
        return [(SHORT.get(metric, words(metric).label), words(metric).label) for metric in self.metrics]


@dataclass(frozen=True)
class Steps:
    """What more text, soft labels and capacity gave one student, metric by metric."""

    student: str
    gold: str | None
    hard: str | None
    reference: str
    rows: tuple["StepRow", ...]


@dataclass(frozen=True)
class StepRow:
    suite: str
    audit: str
    metric: str
    values: tuple[Cell | None, ...]
    """Of gold, hard, student and reference."""
    changes: tuple[Cell | None, ...]
    """From gold to hard, from hard to student, from the reference to the student."""


def described(finding: Finding) -> str:
    """Everything a cell stands for, in one line."""
    parts = [
        f"{finding.model}, {words(finding.metric).label}, {finding.slice or 'all'}: {OUTCOMES[finding.outcome].label}"
    ]
    if finding.delta is not None:
        kind = "simultaneous " if finding.family_low is not None else ""
        parts.append(f"difference {change(finding)}" + (f" ({kind}{ends(finding)})" if ends(finding) else ""))
    if finding.value is not None:
        parts.append(f"value {estimate(finding.metric, finding.value)}")
    positives, negatives = sizes([finding])
    if positives is not None or negatives is not None:
        parts.append(f"n+ {_count(positives)}, n− {_count(negatives)}")
    if finding.approximate:
        parts.append("approximate")
    if finding.note:
        parts.append(finding.note)
    return "; ".join(parts)


def ends(finding: Finding) -> str:
    """The interval of the difference that decided."""
    return interval(finding.metric, *deciding(finding), sign=True)


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def sizes(findings: Iterable[Finding]) -> tuple[int | None, int | None]:
    """Positives and negatives behind a slice, where a finding says so."""
    for finding in findings:
        if "positives" in finding.counts or "negatives" in finding.counts:
            return finding.counts.get("positives"), finding.counts.get("negatives")
    return None, None


def shade(finding: Finding) -> int | None:
    if finding.delta is None or words(finding.metric).unit != "points":
        return None
    size = abs(finding.delta.value) * scale(finding.metric)
    step = sum(size >= edge for edge in STEPS)
    return int(math.copysign(step, finding.delta.value)) if step else 0


def colour(step: int | None) -> str:
    """The class of a shade: `worse-3`, `same`, `better-2`."""
    if step is None:
        return "bare"
    return "same" if step == 0 else f"{'worse' if step < 0 else 'better'}-{abs(step)}"


def cell(finding: Finding | None) -> Cell | None:
    if finding is None:
        return None
    own = finding.value
    return Cell(
        finding=finding,
        value=estimate(finding.metric, finding.value),
        interval=interval(finding.metric, own.low, own.high) if own else "",
        change=change(finding) if finding.delta else "",
        outcome=finding.outcome,
        shade=shade(finding),
    )


def arranged(summary: Summary) -> tuple[Subject, ...]:
    """Subjects side by side: the reference, each student with its controls behind it, then tf-idf."""
    order: list[Subject] = [subject for subject in summary.subjects if subject.role == "reference"]
    for student in summary.students:
        order += [student, *(s for s in summary.subjects if s.role == "control" and s.of == student.name)]
    return (*order, *(subject for subject in summary.subjects if subject not in order))


def audits(summary: Summary) -> list[tuple[str, str]]:
    return list(dict.fromkeys((finding.suite, finding.audit) for finding in summary.findings))


def to_reference(summary: Summary) -> list[Finding]:
    """Findings that compare with the main reference, or with nothing: not the steps between controls."""
    main = summary.reference.name if summary.reference else None
    return [finding for finding in summary.findings if finding.reference in (None, main)]


def _by_order(metrics: Iterable[str]) -> list[str]:
    return sorted(dict.fromkeys(metrics), key=lambda metric: words(metric).order)


def comparison(summary: Summary) -> list[Block]:
    blocks = []
    subjects = arranged(summary)
    for suite, audit in audits(summary):
        if audit == "cost":
            # Shown with the recorded costs, in their own section.
            continue
        found = {
            (finding.metric, finding.model): finding
            for finding in to_reference(summary)
            if (finding.suite, finding.audit) == (suite, audit) and is_whole(finding)
        }
        rows = []
        for metric in _by_order(metric for metric, _ in found if metric not in WHOLE):
            cells = tuple(cell(found.get((metric, subject.name))) for subject in subjects)
            if not any(
                c and c.finding.value for c, subject in zip(cells, subjects, strict=True) if subject.role == "reference"
            ):
                # Agreement with the reference: its own figure is a tautology, and so is a difference to it.
                cells = tuple(c and replace(c, change="") for c in cells)
            better = next((c.finding.better for c in cells if c), "higher")
            rows.append(Row(metric, words(metric).label, better, cells))
        why = [(f.outcome, f.note) for f in found.values() if f.value is None and f.note]
        notes = tuple(f"{OUTCOMES[outcome].label}: {note}" for outcome, note in dict.fromkeys(why))
        if rows or notes:
            blocks.append(Block(suite, audit, tuple(rows), notes[:NOTES]))
    return blocks


def primary(summary: Summary) -> tuple[str, str, str] | None:
    """The (suite, audit, metric) that pictures of quality use: the first of `PRIMARY` that the reference has."""
    name = summary.reference.name if summary.reference else None
    for metric in PRIMARY:
        for f in summary.findings:
            if f.metric == metric and is_whole(f) and f.value and name in (None, f.model):
                return f.suite, f.audit, metric
    return None


def maps(summary: Summary) -> list[HeatMap]:
    """Every audit that looked at slices, as differences to the reference; slices that lost most come first."""
    reference = summary.reference.name if summary.reference else None
    out = []
    for suite, audit in audits(summary):
        if audit in ("deferral", "seat"):
            # They have sections of their own.
            continue
        found = {
            (finding.model, finding.metric, finding.slice): finding
            for finding in to_reference(summary)
            if (finding.suite, finding.audit) == (suite, audit)
            and not is_whole(finding)
            and finding.model != reference
            and finding.better != "neutral"
        }
        models = {model for model, _, _ in found}
        subjects = tuple(subject for subject in arranged(summary) if subject.name in models)
        metrics = tuple(_by_order(metric for _, metric, _ in found)[:MAP_METRICS])
        if not subjects:
            continue
        slices = dict.fromkeys(name for _, _, name in found)
        rows = [_map_row(summary, (suite, audit), name, subjects, metrics, found) for name in slices]
        students = {student.name for student in summary.students}
        rows.sort(key=lambda row: _least(row, students))
        out.append(HeatMap(suite, audit, metrics, subjects, tuple(rows)))
    return _cut(out)


def _cut(whole: Sequence[HeatMap]) -> list[HeatMap]:
    """The rows that lost most: each map gets what the smaller ones leave of the cells, shared alike."""
    left, kept = CELLS, {}
    for count, found in enumerate(sorted(whole, key=lambda found: len(found.rows) * found.columns)):
        share = left // (len(whole) - count)
        kept[found.suite, found.audit] = rows = min(len(found.rows), SLICES, max(1, share // found.columns))
        left -= rows * found.columns
    counts = ((found, kept[found.suite, found.audit]) for found in whole)
    return [replace(found, rows=found.rows[:rows], left_out=len(found.rows) - rows) for found, rows in counts]


def _map_row(
    summary: Summary,
    where: tuple[str, str],
    name: str,
    subjects: Sequence[Subject],
    metrics: Sequence[str],
    found: dict[tuple[str, str, str], Finding],
) -> MapRow:
    cells = tuple(cell(found.get((subject.name, metric, name))) for subject in subjects for metric in metrics)
    positives, negatives = sizes(c.finding for c in cells if c)
    if positives is None and negatives is None:
        for exhibit, row in summary.rows("identities"):
            if row.get("identity") == name and where[0] == exhibit.suite:
                positives, negatives = row.get("positives"), row.get("negatives")
    return MapRow(name, positives, negatives, cells)


def _least(row: MapRow, students: set[str]) -> float:
    known = [c.finding.delta.value for c in row.cells if c and c.finding.delta]
    own = [c.finding.delta.value for c in row.cells if c and c.finding.delta and c.finding.model in students]
    return min(own or known, default=math.inf)


def steps(summary: Summary) -> list[Steps]:
    """Gold → hard → soft for every student that has a control; intervals stand only where an audit paired them."""
    if summary.reference is None:
        return []
    out = []
    by_name: dict[str, list[Finding]] = defaultdict(list)
    for finding in summary.findings:
        by_name[finding.model].append(finding)
    for student in summary.students:
        controls = [s.name for s in summary.subjects if s.role == "control" and s.of == student.name]
        gold = next((name for name in controls if "gold" in name.removeprefix(student.name)), None)
        hard = next((name for name in controls if "hard" in name.removeprefix(student.name)), None)
        if gold or hard:
            rows = _step_rows(summary.reference.name, student.name, gold, hard, by_name)
            out.append(Steps(student.name, gold, hard, summary.reference.name, rows))
    return out


def _step_rows(
    reference: str, student: str, gold: str | None, hard: str | None, findings: dict[str, list[Finding]]
) -> tuple[StepRow, ...]:
    compared = [f for f in findings[student] if is_whole(f) and f.delta is not None and f.reference == reference]
    rows = []
    for key in dict.fromkeys((f.suite, f.audit, f.metric) for f in compared):

        def pick(model: str | None, against: str | None, key: tuple[str, str, str] = key) -> Cell | None:
            same = [f for f in findings[model or ""] if (f.suite, f.audit, f.metric) == key and is_whole(f)]
            return cell(next((f for f in same if against is None or f.reference == against), None))

        values = tuple(pick(model, None) for model in (gold, hard, student, reference))
        pairs = ((hard, gold), (student, hard), (student, reference))
        changes = tuple(pick(model, against) if model and against else None for model, against in pairs)
        rows.append(StepRow(*key, values, changes))
    return tuple(rows)
