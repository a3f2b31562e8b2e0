"""What `angelshare glue` made of several encoders, judged: their answers are read, and no model is loaded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from angelshare import runs, store
from angelshare.audits.base import Answers, AuditData, Identities, Member, Settings
from angelshare.audits.encoder.glue import Glue
from angelshare.collect.plan import Data, Task
from angelshare.collect.subjects import Contestant, contestants
from angelshare.collect.suites import Entry
from angelshare.data.glue import GOLD, PART, PREDICTIONS, TASKS, read_gold
from angelshare.data.tables import Table
from angelshare.errors import DamagedFile, DataError
from angelshare.findings import Finding, Subject
from angelshare.types import Predictions

__all__ = ["Judged", "Run", "asked", "judge", "read_run"]

ABOUT = "training.json"
AGAIN = "Give a directory that angelshare glue made."


@dataclass(frozen=True, eq=False)
class Run:
    """What one `angelshare glue` left.

    Attributes
    ----------
    about : the encoder's name, kind and number of parameters.
    digests : of each task's judged rows, texts and all.
    gold : their golden labels by task, without texts.
    answers : what each seed's model said, by task.
    """

    directory: Path
    about: Mapping[str, Any]
    digests: Mapping[str, str]
    gold: Mapping[str, Table]
    answers: Mapping[str, Sequence[Predictions]]

    @property
    def seeds(self) -> int:
        return len(next(iter(self.answers.values())))


def read_run(directory: str | Path) -> Run:
    """Read a directory that `angelshare glue` made, every file verified.

    Raises
    ------
    DataError
        Where it is none.
    DamagedFile
        Where a file is missing or differs from its manifest.
    """
    folder = Path(directory)
    try:
        told = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        facts, about = told["facts"], told["training"]
        if facts["command"] != "glue":
            raise ValueError(f"it was made by angelshare {facts['command']}")
        digests = {task: found["judged"] for task, found in facts["data"].items()}
        tasks = [task for task in TASKS if task in digests]
        seeds = range(int(facts["options"]["seeds"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{folder} holds no answers to GLUE's tasks ({reason}). {AGAIN}") from error
    for part in (folder, *(folder / task for task in tasks)):
        runs.verify(part)
    gold = {task: read_gold(folder / task / GOLD) for task in tasks}
    answers = {
        task: [_answers(folder / task / f"seed-{seed}", digests[task], gold[task]) for seed in seeds] for task in tasks
    }
    return Run(folder, about, digests, gold, answers)


def _answers(place: Path, digest: str, gold: Table) -> Predictions:
    runs.verify(place)
    try:
        found = store.read_answer(place / PREDICTIONS, digest)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamagedFile(f"{place / PREDICTIONS} cannot be read: {reason}. Run angelshare glue again.") from error
    if not isinstance(found, Predictions):
        raise DamagedFile(f"{place / PREDICTIONS} holds no predictions. Run angelshare glue again.")
    if found.labels != gold.labels or not np.array_equal(found.ids, gold.ids) or not np.isfinite(found.scores).all():
        raise DamagedFile(f"{place / PREDICTIONS} has not an answer to every judged row. Run angelshare glue again.")
    return found


def asked(suites: Sequence[Entry] | None, data: Data | Sequence[Data] | None) -> bool:
    """Whether the audit `glue` is asked for; raises DataError where something else is too."""
    if Glue.code not in (suites or ()):
        return False
    if len(suites or ()) > 1 or data is not None:
        raise DataError(
            "The audit glue judges directories that angelshare glue made, and the other audits ask a model: "
            "audit with --suite glue alone, and without --data."
        )
    return True


@dataclass(frozen=True, eq=False)
class Judged:
    """What the audit found, of whom, and on which rows."""

    findings: Sequence[Finding]
    subjects: Sequence[Subject]
    task: Task


def judge(reference: Any, students: Mapping[str, Any], settings: Settings) -> Judged:
    """Judge directories that `angelshare glue` made; several of one name are further seeds of one model.

    Raises
    ------
    DataError
        Where one is none, or was judged on other tasks or rows than the reference.
    """
    found = contestants(reference, students)
    read = {each.name: [read_run(_directory(each.name, source)) for source in each.sources] for each in found}
    first = read[found[0].name][0]
    for run in (run for each in read.values() for run in each):
        _same_rows(first, run)
    members = [
        (Member(each.name, each.role, seed), answers)
        for each in found
        for seed, answers in enumerate(_by_seed(read[each.name]))
    ]
    data = _data(first, settings)
    answers = Answers(
        [member for member, _ in members],
        {task: [replace(said[task], model=member.model) for member, said in members] for task in first.gold},
    )
    subjects = [_subject(each, read[each.name]) for each in found]
    findings = Glue().judge(data, answers).findings
    return Judged(findings, subjects, Task(data, [Glue.code], data.table, len(data.table)))


def _directory(name: str, source: Any) -> str | Path:
    if isinstance(source, str | Path):
        return source
    raise DataError(f"'{name}' must be a directory for the audit glue. Got a {type(source).__name__} instead. {AGAIN}")


def _same_rows(first: Run, other: Run) -> None:
    if list(first.gold) != list(other.gold):
        raise DataError(
            f"{first.directory} answers to the tasks {', '.join(first.gold)}, {other.directory} to "
            f"{', '.join(other.gold)}. Run angelshare glue with the same --tasks."
        )
    task = next((task for task in first.gold if first.digests[task] != other.digests[task]), None)
    if task is not None:
        raise DataError(
            f"{first.directory} and {other.directory} were judged on other rows of {task}. "
            "Run angelshare glue on the same files."
        )


def _by_seed(read: Sequence[Run]) -> list[dict[str, Predictions]]:
    return [{task: said[seed] for task, said in run.answers.items()} for run in read for seed in range(run.seeds)]


def _data(first: Run, settings: Settings) -> AuditData:
    """All judged rows as one table, for the report to count; each task's own beside it."""
    names = [name for table in first.gold.values() for name in table.ids]
    kinds = [part for table in first.gold.values() for part in table.kinds[PART]]
    rows = Table(
        Glue.code, "GLUE", np.array(names, dtype=object), [""] * len(names), kinds={PART: np.array(kinds, dtype=object)}
    )
    return AuditData(Glue.code, rows, (), False, None, settings, _nobody, tasks=first.gold)


def _nobody(table: Table) -> Identities:
    """The audit asks of nobody who is mentioned, and has no texts to look at."""
    return Identities((), np.zeros((len(table), 0), dtype=bool), None, "none")


def _subject(each: Contestant, read: Sequence[Run]) -> Subject:
    about = read[0].about
    return Subject(
        name=each.name,
        role=each.role,
        source=read[0].directory.name,
        fingerprints=tuple(runs.digest(*(found.fingerprint for found in said.values())) for said in _by_seed(read)),
        kind=str(about.get("kind", "")),
        parameters=about.get("parameters"),
        of=each.of,
    )
