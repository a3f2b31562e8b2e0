"""Geometry of the report's pictures: positions in per cent of the drawing, so that it stretches with the page."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from angelshare.findings import Finding, Outcome
from angelshare.report.summary import Summary
from angelshare.report.views import primary, to_reference
from angelshare.report.words import WHOLE, amount, deciding, figure, is_whole, number, scale, words


@dataclass(frozen=True)
class Axis:
    """Maps figures onto [inset, 100 - inset] per cent; `ticks` are (position, text)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()
    logarithmic: bool = False
    inset: float = 3.0

    def __call__(self, value: float) -> float:
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log10(low), math.log10(high), math.log10(max(value, 1e-300))
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.inset + (100 - 2 * self.inset) * min(max(share, 0.0), 1.0), 2)


def axis(
    values: Iterable[float | None], *, decimals: int | None = None, factor: float = 1.0, room: float = 0.05
) -> Axis:
    """An axis around the known values, with three to six round ticks."""
    known = [value for value in values if value is not None and math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    spread = (high - low) or max(abs(high), 1e-9) * 0.1
    low, high = low - room * spread, high + room * spread
    step = _round_step((high - low) * factor / 4) / factor
    places = max(0, -math.floor(math.log10(step * factor) + 1e-9)) if decimals is None else decimals
    bare = Axis(low, high)
    marks = (index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1))
    return Axis(low, high, tuple((bare(mark), number(mark * factor, places)) for mark in marks))


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


@dataclass(frozen=True)
class Whisker:
    """A difference with its interval against zero and the margin."""

    at: float
    low: float | None
    high: float | None
    zero: float
    margin: float | None
    outcome: Outcome


def shared(findings: Sequence[Finding]) -> Axis:
    """One axis for all differences of a card that are in points; those in other units are left to their words."""
    values: list[float | None] = [0.0]
    for finding in findings:
        if finding.delta is not None and words(finding.metric).unit == "points":
            ends = (finding.delta.value, *deciding(finding), None if finding.margin is None else -finding.margin)
            values += [None if end is None else end * scale(finding.metric) for end in ends]
    return axis(values)


def whisker(finding: Finding, along: Axis) -> Whisker | None:
    if finding.delta is None or words(finding.metric).unit != "points":
        return None
    factor = scale(finding.metric)
    low, high = (None if end is None else along(end * factor) for end in deciding(finding))
    margin = None if finding.margin is None else along(-finding.margin * factor)
    return Whisker(along(finding.delta.value * factor), low, high, along(0.0), margin, finding.outcome)


@dataclass(frozen=True)
class Rung:
    term: str
    identity: str
    student: float | None
    reference: float | None
    text: str
    flipped: bool


@dataclass(frozen=True)
class Ladder:
    model: str
    reference: str
    sentence: tuple[str, str, str]
    """Around and at the term: the sentence of the highest score."""
    gold: str
    abusive: bool
    axis: Axis
    middle: float | None
    rungs: tuple[Rung, ...]
    flips: int


def ladder(row: Mapping[str, Any], threshold: Any = 0.5) -> Ladder:
    """One sentence with its term swapped: a rung a term, highest score first."""
    entries = [entry for entry in row.get("entries") or () if _known(entry.get("score"))]
    entries.sort(key=lambda entry: -entry["score"])
    scores = [entry.get(key) for entry in entries for key in ("score", "reference_score")]
    known = [score for score in scores if _known(score)]
    unit = all(0 <= score <= 1 for score in known)
    along = axis([0.0, 1.0] if unit else known, room=0.0 if unit else 0.05)
    rungs = tuple(
        Rung(
            term=str(entry.get("term", "")),
            identity=str(entry.get("identity", "")),
            student=along(entry["score"]),
            reference=along(entry["reference_score"]) if _known(entry.get("reference_score")) else None,
            text=f"{number(entry['score'], 2)} against {number(_float(entry.get('reference_score')), 2)}",
            flipped=bool(entry.get("flipped")),
        )
        for entry in entries
    )
    return Ladder(
        model=str(row.get("model", "")),
        reference=str(row.get("reference") or "the reference"),
        sentence=_around(entries[0], row) if entries else ("", "", ""),
        gold="" if row.get("gold") is None else str(row["gold"]),
        abusive=bool(row.get("abusive")),
        axis=along,
        middle=along(threshold) if _known(threshold) and unit else None,
        rungs=rungs,
        flips=sum(rung.flipped for rung in rungs),
    )


def _around(entry: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, str, str]:
    text, term = str(entry.get("text") or row.get("template", "")), str(entry.get("term", ""))
    at = text.lower().find(term.lower()) if term else -1
    return (text, "", "") if at < 0 else (text[:at], text[at : at + len(term)], text[at + len(term) :])


def ladders(summary: Summary) -> list[Ladder]:
    """The ladders of all students, those with most flips and the widest spread first."""
    found = [ladder(row, summary.facts.get("threshold", 0.5)) for _, row in summary.rows("ladder")]
    return sorted((item for item in found if item.rungs), key=_spread)


def _spread(item: Ladder) -> tuple[int, float]:
    places = [rung.student for rung in item.rungs if rung.student is not None]
    return -item.flips, min(places) - max(places)


@dataclass(frozen=True)
class Dot:
    name: str
    role: str
    x: float
    y: float
    low: float | None
    high: float | None
    title: str
    near_edge: bool
    label_y: float


@dataclass(frozen=True)
class Scatter:
    title: str
    x_label: str
    y_label: str
    x: Axis
    y: Axis
    dots: tuple[Dot, ...]


COSTS = (
    ("size_bytes", "size on disk", "bytes"),
    ("texts_per_second_batch", "texts a second, in batches", "count"),
    ("texts_per_second_single", "texts a second, one by one", "count"),
)


def cost_rows(summary: Summary) -> list[Mapping[str, Any]]:
    """A row a model of what it costs; sizes come from the subjects where no cost was recorded."""
    recorded = {row.get("model"): row for _, row in summary.rows("cost")}
    return [
        {
            "parameters": subject.parameters,
            "size_bytes": subject.size_bytes,
            **recorded.get(subject.name, {}),
            "model": subject.name,
        }
        for subject in summary.subjects
        if subject.name in recorded or subject.size_bytes is not None
    ]


def quality(summary: Summary) -> dict[str, Finding]:
    """The finding of each model that pictures of quality show."""
    main = primary(summary)
    return {
        f.model: f
        for f in to_reference(summary)
        if (f.suite, f.audit, f.metric) == main and is_whole(f) and f.value is not None
    }


def scatters(summary: Summary) -> list[Scatter]:
    """Quality against size and against speed, where both are known for two models at least."""
    found = quality(summary)
    roles = {subject.name: subject.role for subject in summary.subjects}
    out = []
    for key, label, kind in COSTS[:2]:
        rows = [row for row in cost_rows(summary) if _known(row.get(key)) and row[key] > 0 and row["model"] in found]
        if len({row[key] for row in rows}) > 1:
            x = _decades([row[key] for row in rows], kind)
            out.append(scatter(roles, found, rows, (key, label, kind), x))
    return out


def _decades(values: Sequence[float], kind: str) -> Axis:
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)) + 1e-9)
    bare = Axis(low, high, logarithmic=True)
    decades = range(round(math.log10(low)), round(math.log10(high)) + 1)
    return Axis(low, high, tuple((bare(10.0**decade), amount(10.0**decade, kind)) for decade in decades), True)


def scatter(
    roles: Mapping[str, str],
    found: Mapping[str, Finding],
    rows: Sequence[Mapping[str, Any]],
    cost: tuple[str, str, str],
    x: Axis,
) -> Scatter:
    """Quality, up, against what `cost` names, across: its key in `rows`, its label and its unit."""
    key, label, kind = cost
    metric = found[rows[0]["model"]].metric
    estimates = {row["model"]: found[row["model"]].value for row in rows}
    y = axis((end for e in estimates.values() if e for end in (e.value, e.low, e.high)), factor=scale(metric))
    dots = []
    for row in rows:
        e = estimates[row["model"]]
        if e is None:
            continue
        low_y, high_y = (None if end is None else 100 - y(end) for end in (e.low, e.high))
        title = f"{row['model']}: {words(metric).label} {figure(metric, e.value)}, {label} {amount(row[key], kind)}"
        at = x(row[key])
        place = 100 - y(e.value)
        role = roles.get(row["model"], "other")
        dots.append(Dot(row["model"], role, at, place, low_y, high_y, title, near_edge=at > 72, label_y=place))
    name = words(metric).label
    return Scatter(f"{name} against {label}", label, name, x, y, _apart(dots))


def _apart(dots: Sequence[Dot], least: float = 6.0) -> tuple[Dot, ...]:
    """Push labels of neighbouring dots apart, downwards; students are drawn last, on top."""
    placed: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: dot.y):
        near = [other.label_y for other in placed if abs(other.x - dot.x) < 20]
        label = max([dot.y, *(y + least for y in near if y + least > dot.y)])
        placed.append(replace(dot, label_y=round(label, 2)))
    return tuple(sorted(placed, key=lambda dot: dot.role not in ("control", "other")))


CURVES = 12


@dataclass(frozen=True)
class Reliability:
    model: str
    slice: str
    points: tuple[tuple[float, float, float, str], ...]
    """(x, y, radius, title) of each bin."""
    path: str


def reliabilities(summary: Summary) -> list[Reliability]:
    """A curve a model, over all rows where an audit gave it; of single labels no more than `CURVES`."""
    out = []
    rows = sorted((row for _, row in summary.rows("calibration")), key=lambda row: row.get("slice", "all") not in WHOLE)
    for row in rows[:CURVES]:
        bins = [b for b in row.get("bins") or () if _known(b.get("mean_p")) and _known(b.get("rate"))]
        most = max((_float(b.get("n")) or 0 for b in bins), default=0)
        if bins:
            points = tuple(_bin(b, most) for b in bins)
            part = str(row.get("slice", ""))
            path = " ".join(f"{x},{y}" for x, y, _, _ in points)
            out.append(Reliability(str(row.get("model", "")), "" if part in WHOLE else part, points, path))
    return out


def _bin(found: Mapping[str, Any], most: float) -> tuple[float, float, float, str]:
    count = _float(found.get("n"))
    radius = round(1.4 + 2.6 * math.sqrt((count or 0) / most), 1) if most else 2.0
    said, was = (figure("rate", found[key]) for key in ("mean_p", "rate"))
    title = f"said {said}, was {was}, n {number(count, 0)}"
    return round(100 * found["mean_p"], 1), round(100 - 100 * found["rate"], 1), radius, title


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _float(value: Any) -> float | None:
    return float(value) if _known(value) else None
