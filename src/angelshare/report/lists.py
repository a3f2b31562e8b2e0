"""The long lists of a report, cut to a length a page can bear: what is left out stands in summary.json."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from angelshare.findings import Finding, Outcome, Subject
from angelshare.report import charts
from angelshare.report.charts import Ladder
from angelshare.report.sentences import suites
from angelshare.report.summary import Summary, Verdict
from angelshare.report.views import StepRow, audits
from angelshare.report.words import audit_label, is_whole, number

T = TypeVar("T")

FIGURES = 600
"""Rows of the full tables, over all audits."""
DISAGREEMENTS = 40
LADDERS = 6
PHRASES = 30

FACTS = {
    "data": "Data",
    "positive": "Positive label",
    "threshold": "Threshold",
    "level": "Confidence level",
    "draws": "Resamples",
    "seed": "Seed",
    "unit": "Resampling unit",
    "budget": "Margins",
    "lexicon": "Identity lexicon",
    "created": "Computed at",
    "packages": "Versions",
    "machine": "Machine",
    "python": "Python",
}


@dataclass(frozen=True)
class Groups:
    title: str
    shown: list[Finding]
    more: int


def pick(summary: Summary, indices: Sequence[int], most: int) -> list[Finding]:
    return [summary.findings[index] for index in indices[:most]]


def worst_groups(summary: Summary, verdict: Verdict, most: int) -> Groups:
    """The groups that lost most; where none did, those nearest to a loss."""
    found = [summary.findings[index] for index in verdict.groups]
    for outcomes, title in (
        ((Outcome.FAILED, Outcome.LOSS), "the groups that lost most"),
        ((Outcome.INCONCLUSIVE,), "no loss is shown; least settled"),
        ((Outcome.NO_LOSS, Outcome.GAIN), "no group lost more than its margin; nearest to it"),
    ):
        chosen = [finding for finding in found if finding.outcome in outcomes]
        if chosen:
            return Groups(title, chosen[:most], max(len(chosen) - most, 0))
    return Groups("", [], 0)


def where(summary: Summary, finding: Finding | StepRow) -> str:
    """What tells this figure from another of its name: the audit, and the suite where there are several."""
    audit = "" if finding.audit == "quality" else audit_label(finding.audit).lower()
    return " ".join(part for part in (audit, suite(summary, finding)) if part)


def suite(summary: Summary, finding: Finding | StepRow) -> str:
    """The figure's suite, where there are several."""
    return finding.suite if len(suites(summary)) > 1 else ""


def role(subject: Subject) -> str:
    if subject.role == "control":
        return "control"
    return {"reference": "reference", "student": "student", "tfidf": "baseline"}.get(subject.role, "model")


@dataclass(frozen=True)
class Listing:
    suite: str
    audit: str
    anchor: str
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0


def anchor(summary: Summary, suite: str, audit: str) -> str:
    # A number, because the names are a stranger's.
    return f"figures-{audits(summary).index((suite, audit))}"


def full(summary: Summary) -> list[Listing]:
    """Every audit's figures, those over all rows before those of one slice where not all have room."""
    wanted = sorted(summary.findings, key=lambda finding: not is_whole(finding))[:FIGURES]
    kept = {id(finding) for finding in wanted}
    out = []
    for suite, audit in audits(summary):
        found = [f for f in summary.findings if (f.suite, f.audit) == (suite, audit)]
        shown = [f for f in found if id(f) in kept]
        out.append(Listing(suite, audit, anchor(summary, suite, audit), shown, len(found) - len(shown)))
    return out


def chances(finding: Finding) -> str:
    """The three p-values, in the order of the table's head."""
    values = (finding.p, finding.p_holm, finding.p_bh)
    if all(value is None for value in values):
        return ""
    return " · ".join("–" if value is None else "<.001" if value < 0.001 else number(value, 3) for value in values)


def behind(finding: Finding) -> str:
    """The rows behind a figure, and how its interval was made."""
    source = finding.delta or finding.value
    parts = [f"{key.replace('_', ' ')} {count:,}" for key, count in finding.counts.items()]
    if source is not None:
        parts += [f"n {source.n:,}"] if source.n else []
        parts += [f"{source.method}, by {source.unit}"] if source.method != "none" else []
    return ", ".join(parts)


def methods(summary: Summary) -> list[str]:
    """Every way in which an interval of this report was made."""
    found = [
        estimate for f in summary.findings for estimate in (f.value, f.delta) if estimate and estimate.low is not None
    ]
    made = {f"{e.method.replace('_', ' ')} at {number(100 * e.level, 0)} %, by {e.unit}" for e in found}
    return sorted(made) or ["none"]


@dataclass(frozen=True)
class Quote:
    id: str
    text: str
    cut: str
    gold: str
    model: str
    direction: str
    student: str
    reference: str
    change: str
    identities: tuple[str, ...]
    abusive: bool
    model_index: int
    identity_indices: str


@dataclass(frozen=True)
class Quotes:
    rows: tuple[Quote, ...]
    identities: tuple[str, ...]
    models: tuple[str, ...]
    left_out: int


def disagreements(summary: Summary, most: int = DISAGREEMENTS) -> Quotes:
    """The texts on which scores moved furthest, furthest first."""
    rows = sorted((row for _, row in summary.rows("disagreements")), key=_size)
    shown = sorted(fairly(rows, lambda row: row.get("model"))[:most], key=_size)
    models = tuple(dict.fromkeys(str(row.get("model", "")) for row in shown))
    identities = tuple(sorted({name for row in shown for name in _names(row)}))
    quotes = tuple(_quote(row, models, identities) for row in shown)
    return Quotes(quotes, identities, models, len(rows) - len(shown))


def _size(row: Mapping[str, Any]) -> float:
    return -abs(_number(row.get("change")) or 0.0)


def fairly(items: Iterable[T], whose: Callable[[T], Hashable]) -> list[T]:
    """Items taken in turns from each owner, so that the worst model does not crowd out the others."""
    seen: Counter[Hashable] = Counter()
    turns = []
    for item in items:
        turns.append((seen[whose(item)], item))
        seen[whose(item)] += 1
    return [item for _, item in sorted(turns, key=lambda turn: turn[0])]


def ladders(summary: Summary) -> list[Ladder]:
    """The ladders of all students in turns: most flips, then the widest spread, first."""
    return fairly(charts.ladders(summary), lambda ladder: ladder.model)


@dataclass(frozen=True)
class Phrase:
    text: str
    gold: str
    model: str
    reference: str
    student: str
    change: str
    abusive: bool


def phrases(summary: Summary, most: int = PHRASES) -> list[Phrase]:
    """Single sentences with both scores and what they are at the threshold, as "Lost in Distillation" prints them."""
    rows = fairly((row for _, row in summary.rows("phrases")), lambda row: row.get("model"))[:most]
    return [
        Phrase(
            text=str(row.get("text", "")),
            gold="" if row.get("gold") is None else str(row["gold"]).lower(),
            model=str(row.get("model", "")),
            reference=_scored(row, "reference"),
            student=_scored(row, "student"),
            change=number(_number(row.get("change")), 2, sign=True),
            abusive=bool(row.get("abusive")),
        )
        for row in rows
    ]


def _scored(row: Mapping[str, Any], who: str) -> str:
    """A score with its decision, `0.57 (FP)`; the decision only where it is one of the four."""
    decision = row.get(f"{who}_decision")
    score = number(_number(row.get(f"{who}_score")), 2)
    return f"{score} ({decision})" if decision in ("TP", "FP", "TN", "FN") else score


def _names(row: Any) -> list[str]:
    found = row.get("identities")
    return [str(name) for name in found] if isinstance(found, list) else []


def _quote(row: Any, models: tuple[str, ...], identities: tuple[str, ...]) -> Quote:
    length = row.get("text_length")
    names = tuple(dict.fromkeys(_names(row)))
    model = str(row.get("model", ""))
    return Quote(
        id=str(row.get("id", "")),
        text=str(row.get("text", "")),
        cut=f" [cut: {length:,} characters in all]" if isinstance(length, int) else "",
        gold="" if row.get("gold") is None else str(row["gold"]),
        model=model,
        direction="up" if row.get("direction") == "up" else "down",
        student=number(_number(row.get("student_score")), 2),
        reference=number(_number(row.get("reference_score")), 2),
        change=number(_number(row.get("change")), 2, sign=True),
        identities=names,
        abusive=bool(row.get("abusive")),
        model_index=models.index(model),
        identity_indices=" ".join(f"i{identities.index(name)}" for name in names),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
