"""Which student is likely enough: read off the teacher's word-order sensitivity by a rule that is shown with it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from angelshare.findings import Estimate, Finding
from angelshare.report.summary import Summary
from angelshare.report.words import estimate, interval, is_whole, number


@dataclass(frozen=True)
class Rule:
    """A student that was enough below a sensitivity, and where that was seen."""

    below: float
    student: str
    source: str


BLOG = "The unreasonable effectiveness of distillation"
"""The blog series in which the sources of `RULES` stand; Emotion's .14 is .08 where six labels count as six."""

RULES = (
    Rule(0.30, "bow", "Emotion .08 and IMDB .28, where a bag of words lost 1.2 and 1.6 points against its teacher"),
    Rule(0.66, "bilstm", "SST-2 .34, where a bag of words lost 7 points and a BiLSTM 3"),
    Rule(math.inf, "transformer", "CoLA .99, where a BiLSTM lost 29 points of MCC and a transformer of 6 layers 1.5"),
)
"""Of .30 the blog says so itself; .66 lies halfway between SST-2 and CoLA, and nothing was seen near it."""

LOCAL = "cnn"
"""Where blocks of three words keep what single words lose, models of neighbouring words can follow. Our reasoning:
the blog has no such student."""

FEW_ROWS, LONG, MANY_LABELS, LOPSIDED = 1_000, 100, 6, 0.8


@dataclass(frozen=True)
class Evidence:
    """A figure, and the rule that it entered."""

    figure: str
    value: str
    rule: str


@dataclass(frozen=True)
class Advice:
    """What is likely enough for one set of rows.

    Attributes
    ----------
    student : its kind; empty where the sensitivity could not be measured.
    upper : the kind at the upper end of the sensitivity's interval.
    unsure : what the rule does not know, a sentence each.
    """

    suite: str
    teacher: str
    student: str
    upper: str
    evidence: tuple[Evidence, ...]
    unsure: tuple[str, ...]

    @property
    def headline(self) -> str:
        if not self.student:
            return "which student is enough cannot be told"
        also = "" if self.upper == self.student else f"; at the upper end of the interval it would be {self.upper}"
        return f"{self.student} is likely enough{also}"


def advice(summary: Summary) -> list[Advice]:
    """One for each set of rows on which the reference's sensitivity was asked for."""
    name = summary.reference.name if summary.reference else None
    mine = {(f.suite, f.metric): f for f in summary.findings if f.model == name and is_whole(f)}
    made = {exhibit.suite: row for exhibit, row in summary.rows("material")}
    return [_advice(summary, suite, mine, made.get(suite, {})) for suite, metric in mine if metric == "wos"]


def rule_of(sensitivity: float) -> Rule:
    return next(rule for rule in RULES if sensitivity < rule.below)


def _advice(summary: Summary, suite: str, mine: Mapping[Any, Finding], made: Mapping[str, Any]) -> Advice:
    found, blocks = mine[suite, "wos"], mine.get((suite, "wos_3"))
    teacher = found.model
    if found.value is None or blocks is None or blocks.value is None:
        return Advice(suite, teacher, "", "", (), (found.note or "The sensitivity has no figure.",))
    value, low, high = found.value.value, found.value.low, found.value.high
    rule = rule_of(value)
    student, upper = _student(value, blocks.value.value), _student(value if high is None else high, blocks.value.value)
    limit = f"below {number(rule.below, 2)}" if math.isfinite(rule.below) else f"from {number(RULES[-2].below, 2)}"
    near = "below" if blocks.value.value < RULES[0].below else "not below"
    evidence = [
        Evidence("word-order sensitivity", _said("wos", found.value), f"{limit}: {rule.student}, as on {rule.source}"),
        Evidence(
            "of blocks of 3 words",
            _said("wos_3", blocks.value),
            f"{near} {number(RULES[0].below, 2)}: what neighbouring words hold together is"
            f"{'' if near == 'below' else ' not'} enough" + (f", hence {LOCAL}" if student == LOCAL else ""),
        ),
        *_quality(suite, mine),
        *_material(summary, made),
    ]
    return Advice(suite, teacher, student, upper, tuple(evidence), tuple(_unsure(found, low, high, summary, made)))


def _student(sensitivity: float, blocks: float) -> str:
    rule = rule_of(sensitivity)
    return LOCAL if rule is not RULES[0] and blocks < RULES[0].below else rule.student


def _said(metric: str, found: Estimate) -> str:
    ends = interval(metric, found.low, found.high)
    return estimate(metric, found) + (f" ({ends})" if ends else "")


def _quality(suite: str, mine: Mapping[Any, Finding]) -> list[Evidence]:
    found = mine.get((suite, "accuracy"))
    if found is None or found.value is None:
        return []
    said = _said(found.metric, found.value)
    return [Evidence("the teacher’s accuracy", said, "the sensitivity is of what it gets right")]


def _rows(summary: Summary, made: Mapping[str, Any]) -> int | None:
    """Of the whole data, where some were drawn."""
    data = summary.facts.get("data")
    whole = data.get("drawn_from") if isinstance(data, Mapping) else None
    rows = whole if whole is not None else made.get("rows")
    return int(rows) if isinstance(rows, int | float) else None


def _material(summary: Summary, made: Mapping[str, Any]) -> list[Evidence]:
    rows, length, labels, entropy = _rows(summary, made), made.get("words"), made.get("labels"), made.get("entropy")
    out = []
    if rows is not None:
        out.append(Evidence("rows", f"{rows:,}", f"the fewest behind the rules: {FEW_ROWS:,}, IMDB’s labelled ones"))
    if length is not None:
        out.append(Evidence("words of a text, median", number(length, 0), f"up to {LONG} but for IMDB (175)"))
    if labels is not None:
        out.append(Evidence("labels", f"{labels:,}", f"two to {MANY_LABELS} behind the rules"))
    if entropy is not None:
        said = f"1 is balanced; below {number(LOPSIDED, 1)} accuracy hides the rare labels"
        out.append(Evidence("entropy of the labels, of 1", number(entropy, 2), said))
    return out


def _unsure(
    found: Finding, low: float | None, high: float | None, summary: Summary, made: Mapping[str, Any]
) -> list[str]:
    rows, length, labels, entropy = _rows(summary, made), made.get("words"), made.get("labels"), made.get("entropy")
    out = []
    limits = [rule.below for rule in RULES if low is not None and high is not None and low < rule.below <= high]
    if limits:
        out.append(f"The interval holds the limit of {' and '.join(number(limit, 2) for limit in limits)}.")
    value = found.value.value if found.value else 0.0
    if 0.34 < value < 0.99:
        out.append("Between .34 and .99 no data set stands behind the rules.")
    if rows is not None and rows < FEW_ROWS:
        out.append(
            f"Fewer than {FEW_ROWS:,} rows: the interval is wide, and a student needs more texts than these, labelled "
            "by the teacher."
        )
    if length is not None and length > LONG:
        out.append("Long texts: of these only IMDB stands behind the rules.")
    if labels is not None and labels > MANY_LABELS:
        out.append(f"More than {MANY_LABELS} labels: a small student may lack room for them, whatever the word order.")
    if made.get("multilabel") and (labels or 0) > 1:
        out.append("Several labels may hold: the rules were seen where one does.")
    if entropy is not None and entropy < LOPSIDED:
        rarest = made.get("rarest_rows")
        few = "" if rarest is None else f" (the rarest label has {rarest:,} rows)"
        out.append(f"Lopsided labels{few}: hold students to macro-F1 or MCC, not to accuracy.")
    return out
