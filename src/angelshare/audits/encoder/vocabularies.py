"""Figures a token compare only between models that cut texts into the same tokens."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from angelshare.audits.base import Answers, AuditData
from angelshare.audits.judging import Figured, judged, shown
from angelshare.findings import Finding, Outcome
from angelshare.types import Readings

OTHER_TOKENS = "It cuts texts into other tokens than the reference, so the two figures do not compare."


def compared(
    data: AuditData,
    audit: str,
    answers: Answers,
    found: Sequence[Readings],
    figured: Callable[[Sequence[Readings]], Figured],
) -> list[Finding]:
    """Findings of the models with the reference's tokens, judged; of the others each figure alone, to look at."""
    same = [at for at, each in enumerate(found) if each.vocabulary == found[0].vocabulary]
    members = [answers.members[at] for at in same]
    findings = judged(data, audit, Answers(members), figured([found[at] for at in same]))
    for at in range(len(found)):
        if at not in same:
            alone = shown(data, audit, [answers.members[at]], figured([found[at]]))
            findings += [replace(each, outcome=Outcome.NOT_APPLICABLE, note=OTHER_TOKENS) for each in alone]
    return findings
