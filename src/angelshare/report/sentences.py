"""A finding in plain words: `bow loses 3.1 points of AUC-ROC against teacher (2.4 to 3.9; margin 1.0)`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from angelshare.findings import Finding, Outcome
from angelshare.report.hostile import markdown, plain, show
from angelshare.report.inherited import inherited
from angelshare.report.summary import Summary, Verdict
from angelshare.report.words import (
    OUTCOMES,
    WHOLE,
    WITHIN,
    change,
    deciding,
    digits,
    estimate,
    figure,
    interval,
    is_whole,
    spaced,
    the,
    words,
)

UNITS = {"points": " points", "nats": " nats", "plain": ""}


@dataclass(frozen=True)
class Name:
    """A word in a sentence that a stranger chose: each renderer escapes it in its own way."""

    text: str


Words = Iterator[str | Name]


def suites(summary: Summary) -> set[str]:
    """The suites that figures were judged on. Where there are several, a sentence names the one it is about.

    The sentences of our own are one audit's alone, which tells them well enough.
    """
    judged = (f for f in summary.findings if f.delta is not None and f.audit != "identity-swaps")
    return {finding.suite for finding in judged if finding.suite}


def sentence(finding: Finding, *, named: bool = False) -> Words:
    """Say what a judged comparison found, its size, its interval and the margin; `named`: on which suite, too."""
    on: tuple[str | Name, ...] = (" on ", Name(finding.suite)) if named and finding.suite else ()
    if not is_whole(finding):
        yield from ("on ", Name(spaced(finding.slice)), ": ")
    yield Name(finding.model)
    if finding.metric in WHOLE:
        yield from (": the audit ", Name(finding.audit), " has no figure", *on, f", {OUTCOMES[finding.outcome].label}")
        yield from (": ", Name(finding.note)) if finding.note else ()
        return
    metric = Name(words(finding.metric).label)
    if finding.delta is None or finding.outcome is Outcome.FAILED:
        yield from (f": {OUTCOMES[finding.outcome].label}, ", metric, " has no figure", *on)
        if finding.note:
            yield from (": ", Name(finding.note))
        return
    low, high = deciding(finding)
    size = figure(finding.metric, abs(finding.delta.value), digits(finding.metric, low, high))
    amount = size + UNITS[words(finding.metric).unit]
    signed = False
    if finding.outcome is Outcome.LOSS:
        low, high = (None if high is None else -high), (None if low is None else -low)
        higher = finding.better == "higher"
        yield from (f" loses {amount} of ", metric) if higher else (" is worse on ", metric, f" by {amount}")
    elif finding.outcome is Outcome.GAIN:
        higher = finding.better == "higher"
        yield from (f" gains {amount} of ", metric) if higher else (" is better on ", metric, f" by {amount}")
    else:
        signed = True
        verb = " may lose " if finding.outcome is Outcome.INCONCLUSIVE else " holds "
        yield from (verb, metric, f": {change(finding)}{UNITS[words(finding.metric).unit]}")
    yield from (" against ", Name(the(finding.reference)), *on)
    ends = interval(finding.metric, low, high, sign=signed) or "no interval"
    margin = "" if finding.margin is None else f"; margin {figure(finding.metric, finding.margin)}"
    yield f" ({ends}{margin})"


def headline(summary: Summary, verdict: Verdict) -> Words:
    """The first sentence of a report: the worst of what was found over all rows, or else on a group."""
    first = [summary.findings[i] for i in (*verdict.everyone, *verdict.groups)]
    worst = next((finding for finding in first if finding.outcome is verdict.outcome), None)
    if worst is None:
        yield from ("nothing about ", Name(verdict.model), " could be judged against ")
        yield Name(verdict.reference or "a reference")
        return
    if not is_whole(worst) and verdict.everyone and worst.outcome in (Outcome.LOSS, Outcome.INCONCLUSIVE):
        yield "over all rows no loss is shown, yet "
    yield from sentence(worst, named=len(suites(summary)) > 1)


def bias(summary: Summary, model: str) -> Words:
    """Whether a student inherits, worsens or lessens the reference's own bias; nothing where none is marked."""
    found = inherited(summary, model)
    if found is None:
        return
    worst = found.worst
    yield the(worst.model) if worst.model == "reference" else Name(worst.model)
    yield f" ranks harmless texts on {found.marked} of {found.groups} groups too high, on "
    yield from (Name(spaced(worst.slice)), f" most ({words(worst.metric).label} {estimate(worst.metric, worst.value)}")
    yield from (f" against {estimate('auc_roc', found.overall.value)} over all rows of ", Name(worst.suite), "): ")
    yield Name(model)
    yield from (" lessens that for ", *_count(found.lessened), ", inherits it for ", *_count(found.kept, moved=False))
    yield from (" and worsens it for ", *_count(found.worsened))
    if found.added:
        yield from ("; it adds such a bias for ", *_count(found.added))


def _count(findings: Sequence[Finding], *, moved: bool = True) -> Words:
    """How many groups, and which of them moved most."""
    yield f"{len(findings)}" if findings else "none"
    if findings and moved:
        first = max(findings, key=lambda finding: abs(finding.delta.value) if finding.delta else 0.0)
        yield from (" (" if len(findings) == 1 else " (most ", Name(spaced(first.slice)), f" {change(first)})")


def lede(summary: Summary) -> Words:
    """What was compared with what, on which rows."""
    names = [student.name for student in summary.students]
    for place, name in enumerate(names):
        yield from ("" if place == 0 else " and " if place == len(names) - 1 else ", ", Name(name))
    yield " against " if names else "against "
    yield Name(the(summary.reference.name)) if summary.reference else "no reference"
    data = summary.facts.get("data")
    known = data if isinstance(data, Mapping) else {"name": data}
    sets = [found for found in known.get("sets") or () if isinstance(found, Mapping)]
    for place, found in enumerate(sets if len(sets) > 1 else [known]):
        called = found.get("name")
        if isinstance(called, str):
            yield from (" on " if place == 0 else " and " if place == len(sets) - 1 else ", ", Name(called))
    rows = [found.get("rows") for found in (sets or [known])]
    total = sum(count for count in rows if isinstance(count, int))
    if total:
        yield f", {total:,} rows"


def nobody(summary: Summary, verdict: Verdict) -> str:
    """Why no group stands under `On whom`."""
    mine = [f for f in summary.findings if f.model == verdict.model and not is_whole(f)]
    groups = {f.slice for f in mine if f.outcome is Outcome.NOT_ENOUGH_DATA}
    if not groups:
        return "no audit looked at groups one by one"
    named = "the one group found has" if len(groups) == 1 else f"none of the {len(groups)} groups found has"
    short = "too few rows" if len(groups) == 1 else "enough rows"
    return f"{named} {short} to judge: that no loss is shown is no evidence that none is there"


def within(verdict: Verdict) -> str:
    return WITHIN[verdict.outcome]


def certainty(verdict: Verdict) -> str:
    """How many comparisons said what: `Of 84 comparisons: 6 losses, 12 inconclusive, ...`."""
    tally = verdict.tally
    judged = sum(tally.get(outcome.value, 0) for outcome in (Outcome.LOSS, Outcome.NO_LOSS, Outcome.GAIN))
    unsure = tally.get(Outcome.INCONCLUSIVE.value, 0)
    failed = tally.get(Outcome.FAILED.value, 0)
    short = tally.get(Outcome.NOT_ENOUGH_DATA.value, 0)
    total = judged + unsure + failed
    parts = [f"{judged} of {total} comparison{'' if total == 1 else 's'} {'is' if judged == 1 else 'are'} settled"]
    parts += [f"{unsure} {'is' if unsure == 1 else 'are'} inconclusive"] if unsure else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{short} more had not enough data"] if short else []
    return "; ".join(parts)


def seeds_agree(summary: Summary, finding: Finding) -> tuple[int, int] | None:
    """(seeds on the side of the outcome, seeds): None for one seed or without a reference's figure."""
    if len(finding.seeds) < 2 or finding.delta is None:
        return None
    key = (finding.suite, finding.audit, finding.metric, finding.slice, finding.reference)
    base = next((f.value for f in summary.findings if (f.suite, f.audit, f.metric, f.slice, f.model) == key), None)
    if base is None:
        return None
    values = [seed for seed in finding.seeds if seed is not None]
    if finding.better == "target":
        goal = finding.target or 0.0
        better = [abs(base.value - goal) - abs(seed - goal) for seed in values]
    else:
        better = [seed - base.value if finding.better == "higher" else base.value - seed for seed in values]
    side = finding.delta.value < 0
    return sum((step < 0) == side for step in better), len(finding.seeds)


def seeds(summary: Summary, findings: Sequence[Finding]) -> list[str]:
    """Whether the seeds tell the same story: a sentence, or none where a model has one seed."""
    agreed = [(finding, found) for finding in findings if (found := seeds_agree(summary, finding))]
    if not agreed:
        return []
    split = [words(finding.metric).label for finding, (same, total) in agreed if same < total]
    total = max(count for _, (_, count) in agreed)
    if not split:
        return [f"All {total} seeds lie on the same side of the reference."]
    return [f"The {total} seeds do not agree on {', '.join(split)}: nothing follows for the method."]


def _join(parts: Words, name: Callable[[str], str]) -> str:
    return "".join(name(part.text) if isinstance(part, Name) else part for part in parts)


def say(finding: Finding) -> str:
    return _join(sentence(finding), plain)


def capital(parts: Words) -> Words:
    """Begin with a capital, unless a name comes first."""
    for place, part in enumerate(parts):
        yield part[:1].upper() + part[1:] if place == 0 and isinstance(part, str) else part


def html(parts: Words) -> Markup:
    return Markup("").join(show(part.text) if isinstance(part, Name) else escape(part) for part in parts)


def in_markdown(parts: Words) -> str:
    return _join(parts, markdown)
