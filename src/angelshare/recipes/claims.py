"""What a paper claimed, checked against findings: holds, fails, or cannot be told. Nothing is computed anew."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from angelshare.collect.subjects import REFERENCE
from angelshare.findings import Estimate, Exhibit, Finding
from angelshare.recipes.schema import Claim, Figure, Less, Part

__all__ = ["CANNOT", "FAILS", "HOLDS", "Found", "Place", "answers", "difference", "measured", "whole", "within"]

HOLDS, FAILS, CANNOT = "holds", "fails", "cannot be told"
ABOVE, BELOW = "above 0", "below 0"

Found = Mapping[str, Sequence[Finding]]
"""The findings of each study."""


def within(low: float, high: float, part: Part | Figure) -> str:
    """Whether an interval lies in the region of a claim, outside of it, or across its edge."""
    if part.low <= low and high <= part.high:
        return HOLDS
    return FAILS if high < part.low or low > part.high else CANNOT


def answers(
    claims: Sequence[Claim],
    found: Found,
    unsettled: Mapping[tuple[str, str], str],
    figures: Mapping[str, Estimate] | None = None,
) -> Exhibit:
    """Each claim with its answer and the differences that it rests on.

    Parameters
    ----------
    unsettled : (study, model) -> why the model supports no claim.
    figures : what the study computed itself, by name.
    """
    rows = [
        {"number": at, "text": claim.text, "rule": claim.rule, **_answer(claim, found, unsettled, figures or {})}
        for at, claim in enumerate(claims, start=1)
    ]
    return Exhibit("", "recipe", "claims", rows)


def _answer(
    claim: Claim, found: Found, unsettled: Mapping[tuple[str, str], str], figures: Mapping[str, Estimate]
) -> dict[str, Any]:
    evidence = [row for part in claim.parts for row in _evidence(part, found, unsettled)]
    evidence += [_figure(each, figures.get(each.name)) for each in claim.figures]
    verdicts = [row["answer"] for row in evidence]
    if claim.mixed:
        both = [_sided(row) for part in claim.mixed for row in _evidence(part, found, unsettled)]
        verdicts.append(_mixed(both))
        evidence = both + evidence
    if claim.less is not None:
        row = _less(claim.less, found, unsettled)
        evidence.append(row)
        verdicts.append(row["answer"])
    return {"answer": _all(verdicts), "evidence": evidence}


def _all(verdicts: Iterable[str]) -> str:
    given = list(verdicts)
    if FAILS in given:
        return FAILS
    return HOLDS if given and set(given) == {HOLDS} else CANNOT


def _evidence(part: Part, found: Found, unsettled: Mapping[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
    for model in part.models:
        for suite in part.suites:
            row = difference(found, part.study, model, suite, part.metric)
            why = unsettled.get((part.study, model)) or at_chance(found, part.study, suite, part.metric)
            told = row["low"] is not None and not row["seeds_disagree"] and not why
            answer = within(row["low"], row["high"], part) if told else CANNOT
            yield row | {"answer": answer, "note": why or row["note"], "why": why}


def _figure(wanted: Figure, found: Estimate | None) -> dict[str, Any]:
    row: dict[str, Any] = {"about": wanted.name, "change": None, "low": None, "high": None, "answer": CANNOT}
    if found is None or found.low is None or found.high is None:
        return row | {"note": "This was not measured."}
    row |= {"change": found.value, "low": found.low, "high": found.high, "note": ""}
    return row | {"answer": within(found.low, found.high, wanted)}


def _sided(row: dict[str, Any]) -> dict[str, Any]:
    """The row, its answer the side of 0 on which the whole interval lies, where it tells anything."""
    if row["answer"] == CANNOT:
        return row
    return row | {"answer": ABOVE if row["low"] > 0 else BELOW if row["high"] < 0 else CANNOT}


def _mixed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Some surely above 0 and some surely below; fails where all are surely on one side."""
    sides = {row["answer"] for row in rows}
    if {ABOVE, BELOW} <= sides:
        return HOLDS
    return FAILS if sides in ({ABOVE}, {BELOW}) else CANNOT


def _less(less: Less, found: Found, unsettled: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """By intervals that do not overlap: the two differences have other references."""
    one = difference(found, less.study, less.model, less.suite, "auc_roc")
    other = difference(found, less.than.study, less.than.model, less.suite, "auc_roc")
    why = next(filter(None, (unsettled.get((each.study, each.model)) for each in (less, less.than))), "")
    why = why or at_chance(found, less.study, less.suite) or at_chance(found, less.than.study, less.suite)
    answer = CANNOT
    told = not why and not one["seeds_disagree"] and not other["seeds_disagree"]
    if told and one["low"] is not None and other["low"] is not None:
        answer = HOLDS if one["low"] > other["high"] else FAILS if one["high"] < other["low"] else CANNOT
    note = why or f"Drops less than {less.than.model} of the track '{less.than.study}'."
    return one | {"answer": answer, "note": note, "why": why}


def difference(found: Found, study: str, model: str, suite: str, metric: str) -> dict[str, Any]:
    row: dict[str, Any] = {"study": study, "model": model, "suite": suite, "metric": metric}
    finding = whole(found.get(study, ()), model, suite, metric)
    if finding is None or finding.delta is None:
        note = "This was not measured." if finding is None else finding.note
        return row | {"change": None, "low": None, "high": None, "note": note, "seeds_disagree": False}
    family = finding.family_low is not None and finding.family_high is not None
    low, high = (finding.family_low, finding.family_high) if family else (finding.delta.low, finding.delta.high)
    row |= {"change": finding.delta.value, "low": low, "high": high, "seeds_disagree": finding.seeds_disagree}
    return row | {"note": "The seeds disagree." if finding.seeds_disagree else finding.note}


CHANCE = 0.5
"""The AUC of scores that know nothing, where there is nothing for a student to lose or to keep."""

AUCS = ("auc_roc", "subgroup_auc", "bpsn_auc", "bnsp_auc")


def at_chance(found: Found, study: str, suite: str, metric: str = "auc_roc") -> str:
    """Why a difference to the teacher tells nothing, where its own AUC is not surely above chance; else empty."""
    finding = whole(found.get(study, ()), REFERENCE, suite, metric)
    own = None if finding is None else finding.value
    if metric.removesuffix("_mean") not in AUCS or own is None or own.low is None or own.high is None:
        return ""
    if own.low > CHANCE:
        return ""
    ends = f"{100 * own.low:.1f} to {100 * own.high:.1f}"
    said = f"{100 * own.value:.1f} ({ends})"
    return f"The teacher of the track ‘{study}’ itself ranks no better than chance on {suite}: {said}."


AUDITS = (
    "quality", "false-positives", "identity-swaps", "identity-auc", "word-order", "seat", "pair-swaps", "glue"
)  # fmt: skip
"""Audits whose figures over all rows of a suite are a table's: one of them has the metric."""


def whole(findings: Iterable[Finding], model: str, suite: str, metric: str) -> Finding | None:
    """A model's figure over all rows of a suite; not a step from one control to the next."""
    named = (model, suite, metric)
    return next(
        (
            finding
            for finding in findings
            if (finding.model, finding.suite, finding.metric) == named
            and finding.slice in ("all", "")
            and finding.audit in AUDITS
            and finding.reference in (None, REFERENCE)
        ),
        None,
    )


@dataclass(frozen=True)
class Place:
    """Where a figure of ours stands: the model's figures over all rows of a suite, in a study."""

    study: str
    model: str
    suite: str


def measured(found: Found, place: Place, metrics: Sequence[str]) -> dict[str, Any]:
    """Our half of a row beside the paper's: a value a metric, and the difference of the last one to the reference."""
    ours = [whole(found.get(place.study, ()), place.model, place.suite, metric) for metric in metrics]
    change = difference(found, place.study, place.model, place.suite, metrics[-1])
    last = ours[-1]
    return {
        "model": place.model,
        "metrics": tuple(metrics),
        "values": tuple(each.value.value if each and each.value else None for each in ours),
        **{key: change[key] for key in ("change", "low", "high")},
        "outcome": None if last is None or change["change"] is None else last.outcome.value,
    }
