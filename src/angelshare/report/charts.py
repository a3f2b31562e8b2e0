"""Geometry of the report's pictures: positions in per cent of the drawing, so that it stretches with the page."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from angelshare.findings import Finding, Outcome
from angelshare.report.summary import Summary
from angelshare.report.views import primary
from angelshare.report.words import deciding, figure, is_whole, number, scale, words


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


def axis(values: Iterable[float | None], *, decimals: int | None = None, factor: float = 1.0, room: float = 0.05) -> Axis:
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
    template: str
    length: int | None
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
        template=str(row.get("template", "")),
        length=row.get("template_length"),
        gold="" if row.get("gold") is None else str(row["gold"]),
        abusive=bool(row.get("abusive")),
        axis=along,
        middle=along(threshold) if _known(threshold) and unit else None,
        rungs=rungs,
        flips=sum(rung.flipped for rung in rungs),
    )


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


def amount(value: Any, kind: str = "count") -> str:
    """`80.3 K`, `22.7 M`; for bytes `340 kB`, `90.9 MB` (powers of 1,000). Empty where it is not known."""
    if not _known(value):
        return ""
    units = (" B", " kB", " MB", " GB", " TB") if kind == "bytes" else ("", " K", " M", " B", " T")
    size, place = float(value), 0
    while abs(size) >= 999.5 and place < len(units) - 1:
        size, place = size / 1000, place + 1
    return number(size, 0 if size >= 99.95 or (place == 0 and size == int(size)) else 1) + units[place]


def cost_rows(summary: Summary) -> list[Mapping[str, Any]]:
    """A row a model of what it costs; sizes come from the subjects where no cost was recorded."""
    recorded = {row.get("model"): row for _, row in summary.rows("cost")}
    return [
        {"parameters": subject.parameters, "size_bytes": subject.size_bytes, **recorded.get(subject.name, {}), "model": subject.name}
        for subject in summary.subjects
        if subject.name in recorded or subject.size_bytes is not None
    ]


def scatters(summary: Summary) -> list[Scatter]:
    """Quality against size and against speed, where both are known for two models at least."""
    main = primary(summary)
    if main is None:
        return []
    found = {
        f.model: f for f in summary.findings if (f.suite, f.audit, f.metric) == main and is_whole(f) and f.value is not None
    }
    out = []
    for key, label, kind in COSTS[:2]:
        rows = [row for row in cost_rows(summary) if _known(row.get(key)) and row[key] > 0 and row["model"] in found]
        if len({row[key] for row in rows}) > 1:
            out.append(_scatter(summary, main[2], rows, found, (key, label, kind)))
    return out


def _scatter(
    summary: Summary,
    metric: str,
    rows: Sequence[Mapping[str, Any]],
    found: Mapping[str, Finding],
    cost: tuple[str, str, str],
) -> Scatter:
    key, label, kind = cost
    low = 10 ** math.floor(math.log10(min(row[key] for row in rows)))
    high = 10 ** math.ceil(math.log10(max(row[key] for row in rows)) + 1e-9)
    bare = Axis(low, high, logarithmic=True)
    decades = range(round(math.log10(low)), round(math.log10(high)) + 1)
    x = Axis(low, high, tuple((bare(10.0**decade), amount(10.0**decade, kind)) for decade in decades), logarithmic=True)
    estimates = {row["model"]: found[row["model"]].value for row in rows}
    y = axis((end for e in estimates.values() if e for end in (e.value, e.low, e.high)), factor=scale(metric))
    roles = {subject.name: subject.role for subject in summary.subjects}
    dots = []
    for row in rows:
        e = estimates[row["model"]]
        if e is None:
            continue
        low_y, high_y = (None if end is None else 100 - y(end) for end in (e.low, e.high))
        title = f"{row['model']}: {words(metric).label} {figure(metric, e.value)}, {label} {amount(row[key], kind)}"
        at = x(row[key])
        dots.append(Dot(row["model"], roles.get(row["model"], "other"), at, 100 - y(e.value), low_y, high_y, title, at > 72))
    name = words(metric).label
    return Scatter(f"{name} against {label}", label, name, x, y, _one_a_place(dots))


def _one_a_place(dots: Sequence[Dot]) -> tuple[Dot, ...]:
    """Controls share the size of their student: their dots keep their place, students are drawn last, on top."""
    return tuple(sorted(dots, key=lambda dot: dot.role not in ("control", "other")))


@dataclass(frozen=True)
class Reliability:
    model: str
    points: tuple[tuple[float, float, float, str], ...]
    """(x, y, radius, title) of each bin."""
    path: str


def reliabilities(summary: Summary) -> list[Reliability]:
    out = []
    for _, row in summary.rows("calibration"):
        bins = [b for b in row.get("bins") or () if _known(b.get("mean_p")) and _known(b.get("rate"))]
        most = max((_float(b.get("n")) or 0 for b in bins), default=0)
        points = tuple(
            (
                round(100 * b["mean_p"], 1),
                round(100 - 100 * b["rate"], 1),
                round(1.4 + 2.6 * math.sqrt((_float(b.get("n")) or 0) / most), 1) if most else 2.0,
                f"said {figure('rate', b['mean_p'])}, was {figure('rate', b['rate'])}, n {number(_float(b.get('n')), 0)}",
            )
            for b in bins
        )
        if points:
            out.append(Reliability(str(row.get("model", "")), points, " ".join(f"{x},{y}" for x, y, _, _ in points)))
    return out


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _float(value: Any) -> float | None:
    return float(value) if _known(value) else None
