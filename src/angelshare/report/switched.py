"""What a switch does at every threshold, and to whom: its curve, its slider's stops, its table by identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from angelshare.findings import Finding
from angelshare.report.charts import Axis, axis
from angelshare.report.study import height
from angelshare.report.summary import Summary
from angelshare.report.words import NO_FIGURE, figure, interval, is_whole, number, spaced

DRAWN = 0.6
"""Shares deferred up to here are drawn: beyond, a switch is little faster than its teacher."""

GROUPS = 30
"""Rows of a table by identity."""

BOUNDS = ("oracle", "random")


@dataclass(frozen=True)
class Stop:
    """One threshold; `x` is where the picture marks it, `said` what the slider says of it."""

    threshold: str
    deferred: str
    accuracy: str
    loss: str
    interval: str
    worst: str
    worst_group: str
    speed: str
    x: float
    said: str


@dataclass(frozen=True)
class Line:
    signal: str
    path: str
    shade: str
    """The class of its colour: own, bound or other."""
    title: str


@dataclass(frozen=True)
class Picture:
    """One switch on one suite; `now` is the stop nearest to its own threshold."""

    model: str
    suite: str
    meaning: str
    signal: str
    share: str
    stops: tuple[Stop, ...]
    lines: tuple[Line, ...]
    across: Axis
    up: Axis
    own: float
    now: int
    worst_known: bool


@dataclass(frozen=True)
class Who:
    """A group against everyone outside of it: figure and interval of each column."""

    group: str
    rows: str
    cells: tuple[tuple[str, str], ...]


COLUMNS = (
    ("deferred", "sent to the teacher"),
    ("deferred_gap", "against others"),
    ("error", "error"),
    ("error_gap", "against others"),
    ("teacher_loss", "lost against the teacher"),
)


def pictures(summary: Summary) -> list[Picture]:
    found = []
    for exhibit in summary.exhibits:
        if exhibit.kind == "switch-curve":
            own = [row for row in exhibit.rows if row.get("own")]
            found += [_picture(exhibit.suite, exhibit.note, row, exhibit.rows) for row in own]
    return found


def _picture(suite: str, meaning: str, own: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Picture:
    mine = [row for row in rows if row["model"] == own["model"]]
    drawn = [point for row in mine for point in row["points"] if point["share"] <= DRAWN]
    bare = Axis(0.0, DRAWN, inset=0)
    shares = (0.0, 0.2, 0.4, 0.6)
    across = Axis(0.0, DRAWN, tuple((bare(share), f"{number(100 * share, 0)} %") for share in shares), inset=0)
    up = axis([0.0, *(point["loss"] for point in drawn)], factor=100)
    stops = tuple(_stop(point, across) for point in own["points"])
    gaps = [abs(point["deferred"] - own["share"]) for point in own["points"]]
    return Picture(
        model=str(own["model"]),
        suite=suite,
        meaning=meaning,
        signal=str(own["signal"]),
        share=f"{number(100 * own['share'], 1)} %",
        stops=stops,
        lines=tuple(_line(row, across, up) for row in sorted(mine, key=lambda row: bool(row.get("own")))),
        across=across,
        up=up,
        own=across(min(own["share"], DRAWN)),
        now=gaps.index(min(gaps)),
        worst_known=any(stop.worst for stop in stops),
    )


def _points(value: float | None, *, sign: bool = False) -> str:
    return NO_FIGURE if value is None else number(100 * value, 2, sign=sign)


def _stop(point: Mapping[str, Any], across: Axis) -> Stop:
    accuracy = "" if point.get("accuracy") is None else number(100 * point["accuracy"], 1)
    threshold = "none" if point["threshold"] is None else f"{point['threshold']:.3g}"
    low, high = point.get("loss_low"), point.get("loss_high")
    ends = "" if low is None or high is None else f"{_points(low)} to {_points(high)}"
    worst = "" if point.get("worst") is None else _points(point["worst"])
    group = spaced(str(point.get("worst_group", ""))) if worst else ""
    speed = "" if point.get("speed") is None else number(point["speed"], 1)
    deferred = f"{number(100 * point['deferred'], 1)} %"
    said = [f"{deferred} to the teacher", f"threshold {threshold}"]
    said += [f"accuracy {accuracy}"] if accuracy else []
    said += [f"{_points(point['loss'])} points lost"]
    said += [f"{worst} by the worst group, {group}"] if worst else []
    said += [f"{speed} times the teacher’s speed"] if speed else []
    x = across(min(point["deferred"], DRAWN))
    return Stop(threshold, deferred, accuracy, _points(point["loss"]), ends, worst, group, speed, x, ", ".join(said))


def _line(row: Mapping[str, Any], across: Axis, up: Axis) -> Line:
    points = [point for point in row["points"] if point["share"] <= DRAWN]
    path = " ".join(f"{across(point['share'])},{height(up, point['loss'])}" for point in points)
    shade = "own" if row.get("own") else "bound" if row["signal"] in BOUNDS else "other"
    return Line(str(row["signal"]), path, shade, _won(row))


def _won(row: Mapping[str, Any]) -> str:
    """What a signal wins back of the student's loss when 20 % are deferred."""
    for point in row["points"]:
        if point["share"] == 0.2 and point.get("recovered") is not None:
            low, high = point.get("recovered_low"), point.get("recovered_high")
            ends = "" if low is None or high is None else f" ({number(100 * low, 0)} to {number(100 * high, 0)})"
            return f"{row['signal']}: {number(100 * point['recovered'], 0)} % of the loss won back at 20 %{ends}"
    return str(row["signal"])


def people(summary: Summary, picture: Picture) -> tuple[list[str], list[Who]]:
    """The table by identity, the group sent most often above its others first; and the heads of its columns."""
    mine: dict[str, dict[str, Finding]] = {}
    for found in summary.findings:
        place = (found.audit, found.suite, found.model)
        if place == ("deferral", picture.suite, picture.model) and not is_whole(found) and found.value is not None:
            mine.setdefault(found.slice, {})[found.metric] = found
    columns = [(metric, label) for metric, label in COLUMNS if any(metric in each for each in mine.values())]
    order = sorted(mine, key=lambda name: -_gap(mine[name]))[:GROUPS]
    metrics = [metric for metric, _ in columns]
    return [label for _, label in columns], [_who(name, mine[name], metrics) for name in order]


def _gap(found: Mapping[str, Finding]) -> float:
    gap = found.get("deferred_gap")
    return gap.value.value if gap is not None and gap.value is not None else -1.0


def _who(name: str, found: Mapping[str, Finding], metrics: Sequence[str]) -> Who:
    cells = []
    for metric in metrics:
        value = found[metric].value if metric in found else None
        signed = metric.endswith("_gap") or metric == "teacher_loss"
        text = "" if value is None else figure(metric, value.value, sign=signed)
        ends = "" if value is None else interval(metric, value.low, value.high, sign=signed)
        cells.append((text, ends))
    rows = next((each.counts.get("rows") for each in found.values()), None)
    return Who(spaced(name), "" if rows is None else f"{rows:,}", tuple(cells))


def lowest(picture: Picture) -> float:
    """Where no loss at all stands in the drawing."""
    return height(picture.up, 0.0)
