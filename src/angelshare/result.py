"""What an audit found, and the ways to look at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from angelshare import runs, store
from angelshare.errors import DamagedFile, DataError
from angelshare.findings import Exhibit, Finding, Outcome, Subject, worst
from angelshare.report import hostile, junit, render, sentences, summary
from angelshare.types import Answer

if TYPE_CHECKING:
    import polars

FINDINGS, SUMMARY, PREDICTIONS = "findings.parquet", "summary.json", "predictions"
FILES = (FINDINGS, SUMMARY, "report.html", "report.md", "junit.xml")
"""What `save` writes beside the predictions. Other things in the folder, models say, are none of the audit's."""


def refuse_others(directory: Path) -> None:
    """Raises DataError where the manifest of a model or a transfer set would be written over."""
    if (directory / runs.MANIFEST).exists() and not (directory / FINDINGS).exists():
        raise DataError(f"{directory} holds what another command made ({runs.MANIFEST}). Name another --out.")


@dataclass(frozen=True, eq=False, repr=False)
class AuditResult:
    """Findings about every model, and what a report shows beside them.

    Attributes
    ----------
    exhibits : disagreements, swap ladders, reliability curves, costs.
    facts : what it takes to do this again.
    predictions : what each model answered, by the digest of model and texts.
    """

    findings: Sequence[Finding]
    subjects: Sequence[Subject]
    exhibits: Sequence[Exhibit] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    predictions: Mapping[str, Answer] = field(default_factory=dict)

    @cached_property
    def summary(self) -> summary.Summary:
        return summary.summarise(self.findings, self.subjects, self.exhibits, self.facts)

    @property
    def reference(self) -> str | None:
        return next((subject.name for subject in self.subjects if subject.role == "reference"), None)

    def about_students(self) -> list[Finding]:
        """The findings a verdict rests on: of students, not of their controls, the baseline or the reference."""
        names = {subject.name for subject in self.subjects if subject.role in ("student", "other")}
        return [finding for finding in self.findings if finding.model in names]

    def outcome(self, code: str | None = None, model: str | None = None) -> Outcome:
        """The worst outcome of an audit or suite for the students, or for one model.

        Parameters
        ----------
        code : an audit's or a suite's name; of everything when None.

        Raises
        ------
        DataError
            For an audit or model that is not in the result.

        Examples
        --------
        >>> result.outcome("identity-auc")  # doctest: +SKIP
        <Outcome.LOSS: 'loss'>
        """
        for kind, name, known in (
            ("audit or suite", code, {name for f in self.findings for name in (f.audit, f.suite)}),
            ("model", model, {f.model for f in self.findings}),
        ):
            if name is not None and name not in known:
                raise DataError(f"This audit has no {kind} '{name}'. It has: {', '.join(sorted(known))}.")
        found = self.about_students() if model is None else [f for f in self.findings if f.model == model]
        outcomes = [f.outcome for f in found if code is None or code in (f.audit, f.suite)]
        judged = worst(outcomes)
        if judged is not None:
            return judged
        rest = (Outcome.NOT_ENOUGH_DATA, Outcome.NOT_JUDGED)
        return next((outcome for outcome in rest if outcome in outcomes), Outcome.NOT_APPLICABLE)

    def verdicts(self) -> list[str]:
        """A line a student: whether it is within budget, what weighs most, and how sure that is."""
        found = self.summary
        names = {subject.name for subject in found.students}
        return [
            f"{hostile.plain(verdict.model)}: within budget? {sentences.within(verdict)}. "
            f"{_plain(sentences.capital(sentences.headline(found, verdict)))}. {sentences.certainty(verdict)}."
            for verdict in found.verdicts
            if verdict.model in names
        ]

    def frame(self) -> "polars.DataFrame":
        """One row a finding; estimates as structs."""
        import polars

        found = store.findings_table(self.findings)
        # A map of counts has no polars type: it becomes a list of key and value.
        frame = polars.from_arrow(found)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def to_markdown(self) -> str:
        return render.to_markdown(self.summary)

    def to_html(self, path: str | Path) -> None:
        """Write the report: one file that needs no other."""
        _write(Path(path), render.to_html(self.summary))

    def to_json(self, path: str | Path) -> None:
        _write(Path(path), summary.to_json(self.summary))

    def __repr__(self) -> str:
        return "\n".join([f"AuditResult of {len(self.findings):,} findings", *self.verdicts()])

    def save(self, directory: str | Path) -> None:
        """Write findings.parquet, predictions/, summary.json, report.html, report.md, junit.xml and their manifest.

        Each file appears whole; the manifest, last, holds the sha256 of all.
        """
        directory = Path(directory)
        for name, found in self.predictions.items():
            path = prediction_path(directory / PREDICTIONS, name)
            if not path.is_file():
                store.write_answer(path, name, found)
        store.write_findings(directory / FINDINGS, self.findings)
        self.to_json(directory / SUMMARY)
        self.to_html(directory / "report.html")
        _write(directory / "report.md", self.to_markdown())
        _write(directory / "junit.xml", junit.to_junit(self.summary))
        files = [*FILES, *(str(prediction_path(Path(PREDICTIONS), name)) for name in self.predictions)]
        hashes = {name: runs.sha256(directory / name) for name in sorted(files)}
        runs.write_json(directory / runs.MANIFEST, {"kind": "audit", "files": hashes})

    @classmethod
    def load(cls, directory: str | Path) -> "AuditResult":
        """Read what `save` wrote.

        Raises
        ------
        DamagedFile
            Where a file is missing or differs from the manifest, or where there is no audit at all.
        """
        directory = Path(directory)
        if not (directory / runs.MANIFEST).is_file():
            raise DamagedFile(f"{directory} holds no audit. Give the --out of an angelshare audit.")
        manifest = runs.verify(directory)
        if manifest.get("kind") != "audit":
            raise DamagedFile(f"{directory} holds no audit. Give the --out of an angelshare audit.")
        told = summary.from_json((directory / SUMMARY).read_text(encoding="utf-8"))
        kept = [directory / name for name in manifest["files"] if name.startswith(f"{PREDICTIONS}/")]
        return cls(
            findings=store.read_findings(directory / FINDINGS),
            subjects=told.subjects,
            exhibits=told.exhibits,
            facts=told.facts,
            predictions={path.stem: store.read_answer(path) for path in kept},
        )


def _plain(parts: sentences.Words) -> str:
    return "".join(hostile.plain(part.text) if isinstance(part, sentences.Name) else part for part in parts)


def prediction_path(folder: Path, name: str) -> Path:
    """Where the predictions of a key are kept."""
    return folder / f"{name[:32]}.parquet"


def _write(path: Path, text: str) -> None:
    with runs.atomic_file(path) as aside:
        aside.write_text(text, encoding="utf-8")
