"""The one typed object behind every rendering of an audit. It counts, sorts and picks; it computes no metric."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from angelshare.errors import DamagedFile
from angelshare.findings import SCHEMA, Estimate, Exhibit, Finding, Outcome, Subject, worst
from angelshare.report.hostile import LIMIT
from angelshare.report.words import is_whole

ROLES = ("reference", "student", "other", "control", "tfidf")
TEXTS = ("text", "template")
"""Keys of exhibit rows whose texts are cut at `LIMIT`; the full length then stands in `<key>_length`."""

EMPTY = ("counts", "seeds")
"""Fields of a finding that are empty by default."""


@dataclass(frozen=True)
class AuditVerdict:
    """The worst outcome of one audit for one model; `outcome` is None where nothing could be judged."""

    suite: str
    audit: str
    outcome: Outcome | None
    tally: Mapping[str, int]


@dataclass(frozen=True)
class Verdict:
    """What a model lost against the reference.

    `everyone` and `groups` are indices into `Summary.findings`: judged comparisons over all rows, and those over one
    slice each; worst outcome first, within it the audit `quality`, then the most margins below zero.
    """

    model: str
    reference: str | None
    outcome: Outcome | None
    tally: Mapping[str, int]
    """How many comparisons had each outcome."""
    audits: tuple[AuditVerdict, ...]
    everyone: tuple[int, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True)
class Summary:
    """Everything a report shows. `verdicts` follow from the rest, students first."""

    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...]
    exhibits: tuple[Exhibit, ...]
    facts: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    schema: int = SCHEMA

    @property
    def reference(self) -> Subject | None:
        return next((subject for subject in self.subjects if subject.role == "reference"), None)

    @property
    def students(self) -> tuple[Subject, ...]:
        """The models a verdict is asked for: students, and models of no stated role."""
        return tuple(subject for subject in self.subjects if subject.role in ("student", "other"))

    def verdict(self, model: str) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if verdict.model == model), None)

    def rows(self, kind: str) -> list[tuple[Exhibit, Mapping[str, Any]]]:
        return [(exhibit, row) for exhibit in self.exhibits if exhibit.kind == kind for row in exhibit.rows]


def summarise(
    findings: Sequence[Finding], subjects: Sequence[Subject], exhibits: Sequence[Exhibit], facts: Mapping[str, Any]
) -> Summary:
    """Put what audits found in the order a reader needs it.

    Figures that are not finite become None with a note, never zero; long texts of exhibits are cut, their length kept.
    """
    kept = tuple(_finite(finding) for finding in findings)
    ordered = tuple(sorted(map(_subject, subjects), key=lambda subject: ROLES.index(subject.role)))
    reference = next((subject.name for subject in ordered if subject.role == "reference"), None)
    return Summary(
        subjects=ordered,
        findings=kept,
        exhibits=tuple(_exhibit(exhibit) for exhibit in exhibits),
        facts=json_value(facts),
        verdicts=tuple(_verdict(subject, reference, kept) for subject in ordered if subject.role != "reference"),
    )


def to_json(summary: Summary) -> str:
    """A JSON document that `from_json` reads back to an equal summary; valid UTF-8 whatever the texts hold.

    A line a subject, finding, exhibit and verdict. Of a finding, what is as `Finding` and `Estimate` have it by default
    is left out: thousands of them say mostly that.
    """
    found = {f.name: getattr(summary, f.name) for f in fields(summary)}
    return "{\n" + ",\n".join(f'"{name}": {_lines(value)}' for name, value in found.items()) + "\n}\n"


def _lines(value: Any) -> str:
    if isinstance(value, tuple):
        return "[\n" + ",\n".join(map(_line, value)) + "\n]" if value else "[]"
    return _line(value)


def _line(value: Any) -> str:
    plain = value
    if isinstance(value, Finding):
        plain = _sparse(value)
    elif is_dataclass(value) and not isinstance(value, type):
        plain = asdict(value)
    return json.dumps(plain, allow_nan=False, ensure_ascii=True)


def _sparse(found: Finding | Estimate) -> dict[str, Any]:
    values = ((f, getattr(found, f.name)) for f in fields(found))
    said = (
        (f.name, value) for f, value in values if value != f.default and not (value in ({}, ()) and f.name in EMPTY)
    )
    return {name: _sparse(value) if isinstance(value, Estimate) else value for name, value in said}


def from_json(text: str) -> Summary:
    """Read what `to_json` wrote; raises DamagedFile when it is anything else."""
    try:
        found = json.loads(text)
        schema = found["schema"]
        if schema != SCHEMA:
            raise DamagedFile(f"The summary has schema {schema!r}, this angelshare reads {SCHEMA}. Audit again.")
        return summarise(
            [_read_finding(row) for row in found["findings"]],
            [Subject(**row) for row in found["subjects"]],
            [Exhibit(**row) for row in found["exhibits"]],
            found["facts"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(f"This is not a summary of an audit: {error!r}. Audit again.") from error


def json_value(value: Any) -> Any:
    """The nearest JSON value: numbers that are not finite become None, what JSON does not know becomes its name."""
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return json_value(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Iterable):
        return [json_value(item) for item in value]
    return str(value)


def _read_finding(row: Mapping[str, Any]) -> Finding:
    names = {f.name for f in fields(Finding)}
    unknown = set(row) - names
    if unknown:
        raise ValueError(f"a finding has unknown fields {sorted(unknown)}")
    parts = {key: Estimate(**row[key]) if row.get(key) is not None else None for key in ("value", "delta")}
    return Finding(**{**row, **parts, "outcome": Outcome(row["outcome"])})


def _end(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _estimate(found: Estimate | None) -> Estimate | None:
    if found is None or not math.isfinite(found.value):
        return None
    return replace(found, value=float(found.value), low=_end(found.low), high=_end(found.high), n=int(found.n))


def _finite(finding: Finding) -> Finding:
    value, delta = _estimate(finding.value), _estimate(finding.delta)
    lost = (finding.value is not None and value is None) or (finding.delta is not None and delta is None)
    note = "The figure was not finite."
    ends: dict[str, Any] = {
        name: _end(getattr(finding, name))
        for name in ("family_low", "family_high", "p", "p_holm", "p_bh", "margin", "target")
    }
    return replace(
        finding,
        value=value,
        delta=delta,
        counts={str(key): int(count) for key, count in finding.counts.items()},
        seeds=tuple(json_value(list(finding.seeds))),
        note=f"{finding.note} {note}".strip() if lost and note not in finding.note else finding.note,
        **ends,
    )


def _subject(subject: Subject) -> Subject:
    role = subject.role if subject.role in ROLES else "other"
    return replace(subject, role=role, fingerprints=tuple(subject.fingerprints), labels=tuple(subject.labels))


def _exhibit(exhibit: Exhibit) -> Exhibit:
    return replace(exhibit, rows=tuple(_row(row) for row in exhibit.rows))


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = json_value(row)
    for key in TEXTS:
        text = clean.get(key)
        if isinstance(text, str) and len(text) > LIMIT:
            clean.setdefault(f"{key}_length", len(text))
            clean[key] = text[:LIMIT]
    if isinstance(clean.get("entries"), list):
        clean["entries"] = [_row(entry) for entry in clean["entries"] if isinstance(entry, dict)]
    return clean


def _severity(finding: Finding) -> float:
    """The difference in margins: orders metrics of different units. Without a figure, last."""
    if finding.delta is None:
        return math.inf
    return finding.delta.value / finding.margin if finding.margin else finding.delta.value


def _verdict(subject: Subject, reference: str | None, findings: Sequence[Finding]) -> Verdict:
    # Steps between controls have another reference; they explain a loss and are not part of the verdict.
    mine = [
        (index, finding)
        for index, finding in enumerate(findings)
        if finding.model == subject.name and finding.reference in (None, reference)
    ]
    order = list(Outcome)
    judged = sorted(
        ((i, f) for i, f in mine if worst([f.outcome]) is not None),
        key=lambda pair: (order.index(pair[1].outcome), pair[1].audit != "quality", _severity(pair[1])),
    )
    audits: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for _, finding in mine:
        audits[finding.suite, finding.audit].append(finding.outcome)
    return Verdict(
        model=subject.name,
        reference=reference,
        outcome=worst(finding.outcome for _, finding in mine),
        tally=_tally(finding.outcome for _, finding in mine),
        audits=tuple(
            AuditVerdict(suite, audit, worst(outcomes), _tally(outcomes)) for (suite, audit), outcomes in audits.items()
        ),
        everyone=tuple(i for i, f in judged if is_whole(f)),
        groups=tuple(i for i, f in judged if not is_whole(f)),
    )


def _tally(outcomes: Iterable[Outcome]) -> dict[str, int]:
    counts = Counter(outcomes)
    return {outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]}
