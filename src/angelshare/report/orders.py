"""What shuffling words breaks, a line a model: how much of what it gets right, by the length of blocks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from angelshare.report.charts import Axis, axis
from angelshare.report.summary import Summary
from angelshare.report.words import estimate, figure, interval, is_whole

BLOCKS = ("single words", "blocks of two", "blocks of three")


@dataclass(frozen=True)
class Line:
    model: str
    places: tuple[float, ...]
    """Where the shares broken stand, one a length of blocks."""
    share: str
    """Of single words, in per cent."""
    blocks: str
    sensitivity: str


@dataclass(frozen=True)
class Picture:
    suite: str
    axis: Axis
    lines: tuple[Line, ...]
    several: bool
    """Whether the texts have several sentences, shuffled one by one."""


def pictures(summary: Summary) -> list[Picture]:
    """One a set of rows, the models in the report's order."""
    suites: dict[str, list[Mapping[str, Any]]] = {}
    for exhibit, row in summary.rows("order"):
        shares = row.get("broken")
        if isinstance(shares, list) and len(shares) == len(BLOCKS) and all(isinstance(x, int | float) for x in shares):
            suites.setdefault(exhibit.suite, []).append(row)
    out = []
    for suite, rows in suites.items():
        along = axis([0.0, *(share for row in rows for share in row["broken"])], factor=100)
        lines = tuple(_line(summary, suite, row, along) for row in rows)
        out.append(Picture(suite, along, lines, any(bool(row.get("several")) for row in rows)))
    return out


def _line(summary: Summary, suite: str, row: Mapping[str, Any], along: Axis) -> Line:
    shares, model = row["broken"], str(row.get("model", ""))
    found = next(
        (f for f in summary.findings if (f.suite, f.model, f.metric) == (suite, model, "wos") and is_whole(f)), None
    )
    said = ""
    if found is not None and found.value is not None:
        ends = interval("wos", found.value.low, found.value.high)
        said = estimate("wos", found.value) + (f" ({ends})" if ends else "")
    one, *blocks = (figure("share", share) for share in shares)
    return Line(model, tuple(along(share) for share in shares), one, " and ".join(blocks), said)
