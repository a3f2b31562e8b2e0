"""What SEAT found: a table a pooling with a line a test, and where reference and student stand on each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from angelshare.findings import Finding, Subject
from angelshare.report.charts import Axis, axis
from angelshare.report.summary import Summary
from angelshare.report.views import Cell, arranged, cell, ends
from angelshare.report.words import POOLINGS, WHOLE, change, number

EFFECT, CHANCE = "effect_size", "permutation_p"
MEANS = (("mean_effect", "mean of d"), ("mean_effect_size", "mean of |d|"))

LINES = 60
"""Tests of one table."""

PICTURED = 12
"""Tests of one picture."""


@dataclass(frozen=True)
class Side:
    """One model on one test; `chance` is its p after Holm."""

    cell: Cell | None
    chance: str


@dataclass(frozen=True)
class Line:
    test: str
    about: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Place:
    """Where reference and student stand on one test, in per cent of the picture."""

    test: str
    reference: float
    student: float
    change: str
    finding: Finding


@dataclass(frozen=True)
class Picture:
    model: str
    axis: Axis
    zero: float
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Board:
    """Everything about one pooling: a line a test, then those of the means."""

    suite: str
    pooling: str
    subjects: tuple[Subject, ...]
    lines: tuple[Line, ...]
    pictures: tuple[Picture, ...]
    left_out: int


def boards(summary: Summary) -> list[Board]:
    """One a suite and pooling, in the order of the findings."""
    out = []
    for suite in dict.fromkeys(exhibit.suite for exhibit, _ in summary.rows("associations")):
        tests = [row for exhibit, row in summary.rows("associations") if exhibit.suite == suite]
        found = {(f.metric, f.slice, f.model): f for f in summary.findings if f.suite == suite}
        poolings = dict.fromkeys(metric.partition("@")[2] for metric, _, _ in found if metric.startswith(f"{EFFECT}@"))
        for pooling in poolings:
            models = {model for metric, _, model in found if metric == f"{EFFECT}@{pooling}"}
            subjects = tuple(subject for subject in arranged(summary) if subject.name in models)
            lines = [_line(found, subjects, pooling, row) for row in tests[:LINES]]
            if len(tests) > 1:
                lines += [_mean(found, subjects, f"{metric}@{pooling}", said) for metric, said in MEANS]
            pictures = _pictures(summary, found, subjects, pooling, tests[:PICTURED])
            said = POOLINGS.get(pooling, pooling)
            out.append(Board(suite, said, subjects, tuple(lines), pictures, len(tests) - len(tests[:LINES])))
    return out


Found = Mapping[tuple[str, str, str], Finding]


def _line(found: Found, subjects: Sequence[Subject], pooling: str, row: Mapping[str, Any]) -> Line:
    test = str(row.get("test", ""))
    sides = tuple(
        Side(
            cell(found.get((f"{EFFECT}@{pooling}", test, subject.name))),
            _chance(found.get((f"{CHANCE}@{pooling}", test, subject.name))),
        )
        for subject in subjects
    )
    return Line(str(row.get("short", test)), f"{_pair(row, 'targets')}; {_pair(row, 'attributes')}", sides)


def _mean(found: Found, subjects: Sequence[Subject], metric: str, said: str) -> Line:
    whole = {f.model: f for (name, slice, _), f in found.items() if name == metric and slice in WHOLE}
    return Line(said, "", tuple(Side(cell(whole.get(subject.name)), "") for subject in subjects))


def _pair(row: Mapping[str, Any], key: str) -> str:
    names = row.get(key)
    return " against ".join(map(str, names)) if isinstance(names, list) else ""


def _chance(finding: Finding | None) -> str:
    if finding is None or finding.p_holm is None:
        return ""
    return "p < .001" if finding.p_holm < 0.001 else f"p {number(finding.p_holm, 3)}"


def _pictures(
    summary: Summary, found: Found, subjects: Sequence[Subject], pooling: str, tests: Sequence[Mapping[str, Any]]
) -> tuple[Picture, ...]:
    out = []
    students = {student.name for student in summary.students}
    for subject in subjects:
        if subject.name not in students or summary.reference is None:
            continue
        pairs = []
        for row in tests:
            key = f"{EFFECT}@{pooling}", str(row.get("test", ""))
            base, own = found.get((*key, summary.reference.name)), found.get((*key, subject.name))
            if base and own and base.value and own.value and own.delta:
                pairs.append((str(row.get("short", key[1])), base.value.value, own.value.value, own))
        if pairs:
            along = axis([0.0, *(value for _, *both, _ in pairs for value in both)])
            places = tuple(Place(name, along(one), along(two), _change(own), own) for name, one, two, own in pairs)
            out.append(Picture(subject.name, along, along(0.0), places))
    return tuple(out)


def _change(finding: Finding) -> str:
    return change(finding) + (f" ({ends(finding)})" if ends(finding) else "")
