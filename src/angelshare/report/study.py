"""What a recipe found, beside the paper: claims, tables, curves over data, data against bias. Nothing is computed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from angelshare.findings import Outcome
from angelshare.report.charts import Axis, axis
from angelshare.report.summary import Summary
from angelshare.report.words import NO_FIGURE, amount, figure, interval, number, words

WIDE = 3
"""With more metrics the paper's figures and ours stand one above the other."""

HEIGHT = 120
"""Units of a curve's drawing; across it is in per cent."""

ANSWERS = {"holds": "no_loss", "fails": "loss"}
"""The colour of an answer; the others take that of what cannot be told."""


@dataclass(frozen=True)
class Claim:
    number: int
    text: str
    rule: str
    answer: str
    shade: str
    why: tuple[str, ...]
    """Why some of the evidence tells nothing, whatever its intervals."""
    evidence: tuple["Evidence", ...]


@dataclass(frozen=True)
class Evidence:
    about: str
    change: str
    interval: str
    answer: str
    note: str


def claims(summary: Summary) -> list[Claim]:
    return [
        Claim(
            number=row["number"],
            text=row["text"],
            rule=row["rule"],
            answer=row["answer"],
            shade=ANSWERS.get(row["answer"], "inconclusive"),
            why=tuple(dict.fromkeys(each["why"] for each in row["evidence"] if each.get("why"))),
            evidence=tuple(_evidence(each) for each in row["evidence"]),
        )
        for _, row in summary.rows("claims")
    ]


def _evidence(row: Mapping[str, Any]) -> Evidence:
    if "about" in row:
        low, high = row["low"], row["high"]
        range_ = "" if low is None or high is None else f"{number(low, 2)} to {number(high, 2)}"
        return Evidence(row["about"], number(row["change"], 2), range_, row["answer"], row["note"])
    metric = "" if row["metric"] == "auc_roc" else f", {words(row['metric']).label}"
    about = f"{row['model']} of the track ‘{row['study']}’ on {row['suite']}{metric}"
    metric = row["metric"]
    change = figure(metric, row["change"], sign=True)
    return Evidence(about, change, interval(metric, row["low"], row["high"], sign=True), row["answer"], row["note"])


def points(value: float | None, *, sign: bool = False) -> str:
    return NO_FIGURE if value is None else number(100 * value, 1, sign=sign)


def between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{points(low, sign=True)} to {points(high, sign=True)}"


@dataclass(frozen=True)
class Side:
    """A model's half of a row: the paper's, or ours."""

    model: str
    parameters: str
    values: tuple[str, ...]
    change: str


@dataclass(frozen=True)
class PaperRow:
    """A model of the paper and ours; a note where we have none."""

    paper: Side
    ours: Side
    interval: str
    outcome: Outcome | None
    note: str


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper's beside ours: the metrics' names, and (group, suite, rows)."""

    title: str
    metrics: tuple[str, ...]
    groups: tuple[tuple[str, str, tuple[PaperRow, ...]], ...]


def tables(summary: Summary) -> list[PaperTable]:
    found: dict[str, dict[tuple[str, str], list[PaperRow]]] = {}
    metrics: dict[str, tuple[str, ...]] = {}
    for _, row in summary.rows("paper"):
        place = found.setdefault(row["table"], {})
        place.setdefault((row["group"], row["suite"]), []).append(_paper_row(row))
        metrics.setdefault(row["table"], tuple(words(metric).label for metric in row["metrics"]))
    return [
        PaperTable(title, metrics[title], tuple((*names, tuple(rows)) for names, rows in groups.items()))
        for title, groups in found.items()
    ]


def _paper_row(row: Mapping[str, Any]) -> PaperRow:
    last = row["metrics"][-1]

    def side(prefix: str, parameters: str) -> Side:
        values, change = row[f"{prefix}values"], row[f"{prefix}change"]
        return Side(
            row[f"{prefix}model"],
            parameters,
            tuple(
                "·" if value is None else figure(metric, value)
                for metric, value in zip(row["metrics"], values, strict=True)
            ),
            "" if change is None else figure(last, change, sign=True),
        )

    return PaperRow(
        paper=side("paper_", row["paper_parameters"]),
        ours=side("", amount(row["parameters"]) or "·"),
        interval=interval(last, row["low"], row["high"], sign=True),
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        note=row.get("note", ""),
    )


@dataclass(frozen=True)
class Line:
    model: str
    path: str
    points: tuple[tuple[float, float, float | None, float | None, str], ...]
    """(across in per cent, up, ends of the interval, title)."""


@dataclass(frozen=True)
class Curve:
    """Differences of one suite over an amount of data."""

    suite: str
    lines: tuple[Line, ...]
    zero: float
    across: Axis
    up: Axis


UP = "the student’s AUC-ROC less its teacher’s, in points"


@dataclass(frozen=True)
class Curves:
    """A drawing a suite: what is drawn, what lies across, and what goes up."""

    title: str
    along: str
    up: str
    models: tuple[str, ...]
    suites: tuple[Curve, ...]


def curves(summary: Summary) -> list[Curves]:
    found = []
    for exhibit in summary.exhibits:
        if exhibit.kind == "curve" and exhibit.rows:
            title, along, *rest = exhibit.note.split(": ", 2)
            names = tuple(dict.fromkeys(str(row["model"]) for row in exhibit.rows))
            suites = dict.fromkeys(str(row["suite"]) for row in exhibit.rows)
            drawn = (_curve(suite, names, [r for r in exhibit.rows if r["suite"] == suite]) for suite in suites)
            found.append(Curves(title, along, rest[0] if rest else UP, names, tuple(drawn)))
    return found


def _curve(suite: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Curve:
    amounts = sorted({float(row["x"]) for row in rows})
    bare = Axis(amounts[0], amounts[-1], logarithmic=True, inset=8)
    marks = (amounts[0], amounts[-1]) if len(amounts) > 1 else (amounts[0],)
    across = Axis(bare.low, bare.high, tuple((bare(x), amount(x)) for x in marks), True, 8)
    up = axis([0.0, *(row[key] for row in rows for key in ("change", "low", "high"))], factor=100)
    lines = [_line(name, [row for row in rows if row["model"] == name], across, up) for name in names]
    return Curve(suite, tuple(line for line in lines if line.points), height(up, 0.0), across, up)


def height(up: Axis, value: float) -> float:
    """Down from the top of the drawing."""
    return round(HEIGHT * (1 - up(value) / 100), 2)


def _line(name: str, rows: Iterable[Mapping[str, Any]], across: Axis, up: Axis) -> Line:
    known = [row for row in rows if row["change"] is not None and math.isfinite(row["change"])]
    drawn = tuple(
        (
            across(float(row["x"])),
            height(up, row["change"]),
            None if row["low"] is None else height(up, row["low"]),
            None if row["high"] is None else height(up, row["high"]),
            f"{name}, {amount(row['x'])}: {points(row['change'], sign=True)} ({between(row['low'], row['high'])})",
        )
        for row in known
    )
    return Line(name, " ".join(f"{x},{y}" for x, y, *_ in drawn), drawn)


@dataclass(frozen=True)
class Change:
    """A figure before and after data against bias."""

    about: str
    model: str
    before: str
    after: str
    change: str
    interval: str
    outcome: Outcome


def against_bias(summary: Summary) -> list[Change]:
    return [
        Change(
            f"{words(row['metric']).label} on {row['suite']}",
            row["model"],
            points(row["before"]),
            points(row["after"]),
            points(row["change"], sign=True),
            between(row["low"], row["high"]),
            Outcome(row["outcome"]),
        )
        for _, row in summary.rows("mitigation")
    ]


def changes(summary: Summary) -> list[Mapping[str, Any]]:
    """What differs from the paper: part, paper, ours."""
    return [row for _, row in summary.rows("changes")]
