"""The reference's own bias, and what became of it in a student: read off the findings of identity-auc and quality.

A model is marked for a group of a suite where the whole interval of its BPSN AUC lies below that of its own AUC-ROC
over all rows of the suite: it puts harmless texts about the group above toxic ones more often than it does elsewhere.
A model that ranks everything worse is not marked for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from angelshare.findings import Finding, Outcome
from angelshare.report.summary import Summary
from angelshare.report.words import WHOLE, is_whole

AUDIT, METRIC = "identity-auc", "bpsn_auc"
Groups: TypeAlias = Mapping[tuple[str, str], Finding]
"""A model's finding of each (suite, group)."""


@dataclass(frozen=True)
class Inherited:
    """Findings of a student's BPSN AUC, by what became of the reference's bias.

    Attributes
    ----------
    worst : the reference's finding farthest below `overall`, its AUC-ROC on the same rows.
    groups : how many groups of all suites were compared.
    lessened, worsened : gains and losses where the reference is marked; `kept`: neither is shown.
    added : losses where the student is marked and the reference is not, the largest first.
    """

    worst: Finding
    overall: Finding
    groups: int
    lessened: tuple[Finding, ...]
    kept: tuple[Finding, ...]
    worsened: tuple[Finding, ...]
    added: tuple[Finding, ...]

    @property
    def marked(self) -> int:
        return len(self.lessened) + len(self.kept) + len(self.worsened)


def inherited(summary: Summary, model: str) -> Inherited | None:
    """What became of the reference's bias in `model`; None where the reference is marked for no group."""
    reference = summary.reference
    if reference is None:
        return None
    theirs, mine = _groups(summary, reference.name, None), _groups(summary, model, reference.name)
    marks = _marked(summary, reference.name, theirs)
    judged = {key: finding for key, finding in mine.items() if finding.delta is not None and key in theirs}
    shared = [judged[key] for key in marks if key in judged]
    if not shared:
        return None
    worst, overall = min(
        ((theirs[key], overall) for key, overall in marks.items() if key in judged), key=lambda pair: _below(*pair)
    )
    added = [
        judged[key]
        for key in _marked(summary, model, mine)
        if key in judged and key not in marks and judged[key].outcome is Outcome.LOSS
    ]
    return Inherited(
        worst=worst,
        overall=overall,
        groups=len(judged),
        lessened=tuple(f for f in shared if f.outcome is Outcome.GAIN),
        kept=tuple(f for f in shared if f.outcome not in (Outcome.GAIN, Outcome.LOSS)),
        worsened=tuple(f for f in shared if f.outcome is Outcome.LOSS),
        added=tuple(sorted(added, key=lambda f: f.delta.value if f.delta else 0.0)),
    )


def _groups(summary: Summary, model: str, against: str | None) -> Groups:
    return {
        (f.suite, f.slice): f
        for f in summary.findings
        if (f.audit, f.metric, f.model) == (AUDIT, METRIC, model)
        and not is_whole(f)
        and f.value is not None
        and against in (None, f.reference)
    }


def _marked(summary: Summary, model: str, groups: Groups) -> Groups:
    """The groups a model is marked for, each with the model's AUC-ROC over all rows."""
    overall = {suite: found for suite in {suite for suite, _ in groups} if (found := _overall(summary, model, suite))}
    return {
        key: overall[key[0]]
        for key, finding in groups.items()
        if key[0] in overall and _apart(finding, overall[key[0]])
    }


def _overall(summary: Summary, model: str, suite: str) -> Finding | None:
    """AUC-ROC of the positive label: a slice of its own where several labels may hold."""
    found = {
        f.slice: f
        for f in summary.findings
        if (f.suite, f.audit, f.metric, f.model) == (suite, "quality", "auc_roc", model)
        and f.reference in (None, summary.reference.name if summary.reference else None)
    }
    return next((found[name] for name in (summary.facts.get("positive"), *WHOLE) if name in found), None)


def _apart(finding: Finding, overall: Finding) -> bool:
    high = finding.value.high if finding.value else None
    low = overall.value.low if overall.value else None
    return high is not None and low is not None and high < low


def _below(finding: Finding, overall: Finding) -> float:
    assert finding.value is not None and overall.value is not None
    return finding.value.value - overall.value.value
