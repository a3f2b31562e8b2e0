"""A switch out of a student and a teacher: both answer the calibration rows, which must be in no audit set."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from angelshare import runs
from angelshare.audits.base import Identities, Member
from angelshare.audits.classifier.identities import finder
from angelshare.collect.cache import Cache
from angelshare.collect.loaded import STEP, Labels, Voice, agreed
from angelshare.collect.suites import named
from angelshare.data.likeness import normalised
from angelshare.data.publicsets import find, locate
from angelshare.data.sieve import Sieve
from angelshare.data.stream import Source, Texts, cut, open_source, open_sources, stream
from angelshare.data.tables import SET, Columns, Table, read
from angelshare.data.transfer import open_transfer
from angelshare.errors import DataError, ModelError
from angelshare.models.hardness import View
from angelshare.models.loading import load
from angelshare.models.switched import Switch, same_labels, seen
from angelshare.progress import progress, say
from angelshare.switch import Answered, Target, calibrate
from angelshare.switch.calibrate import check
from angelshare.switch.fitting import AUTO
from angelshare.training.executors import teacher_fingerprint
from angelshare.training.rows import table_digest
from angelshare.training.workplace import TRAINING, Workplace
from angelshare.types import Predictions

__all__ = ["answers", "not_audited", "switch", "told"]

Data = str | Path | Table

SHARED = 0.1
"""Publishers' parts share some texts; more than this share of rows in an audit set is that set itself."""


def switch(
    student: Any,
    teacher: Any,
    rows: Data,
    *,
    target: str | Target,
    out: str | Path | None = None,
    signal: str = AUTO,
    delta: float = 0.1,
    columns: Columns | None = None,
    positive: str | None = None,
    identities: str | Sequence[str] | None = None,
    transfer: str | Path | None = None,
    not_in: Sequence[tuple[Data, Columns | None]] = (),
    seed: int = 0,
    allow_code: bool = False,
) -> Switch:
    """Make a switch: the student answers, and the teacher is asked about the texts that look hard to the student.

    Parameters
    ----------
    student, teacher : a model directory, a hub id, `module:object`, or an object that scores texts; of the same labels.
    rows : to calibrate on: neither model learnt from them, and they are like the texts to come.
    target : "deferred=0.2", "loss=0.01" or "group-loss=0.02"; see `Target` and docs/switch.md.
    out : the directory to make; an object in memory cannot be saved.
    signal : how hardness is told: one of `SIGNALS`, or "auto", which chooses on a third of the rows.
    delta : the chance that the target is exceeded all the same.
    columns : which column is what; without labels, a loss is a decision that is not the teacher's.
    positive : the label that a single column of labels stands for, where the models have more than two.
    identities : for "group-loss": "lexicon" or names of identity columns; the table's columns, else the lexicon.
    transfer : a transfer set, or texts that the student learnt from, for the signal "distance".
    not_in : audit sets beside the named suites; rows that are in one of them are left out.

    Raises
    ------
    DataError : an audit set's rows, too few rows, or no threshold that keeps the target; and what a file may lack.
    ModelError : the models have other labels, or cannot be loaded.
    """
    wanted = target if isinstance(target, Target) else Target.parse(target)
    check(signal, delta)
    if transfer is not None and signal not in (AUTO, "distance"):
        raise DataError(f"The transfer set is for the signal distance. Leave it out with the signal {signal}.")
    voices = [_voice("student", student, allow_code), _voice("teacher", teacher, allow_code)]
    table, labels = _table(rows, columns or Columns(), voices[0], positive)
    same_labels(voices[0].model, voices[1].model)
    _differ(voices)
    table = _once(not_audited(table, not_in))
    views, texts_digest = _transfer(transfer, columns or Columns(), voices[0].model)
    facts = {
        "command": "switch",
        "student": teacher_fingerprint(voices[0].model),
        "teacher": teacher_fingerprint(voices[1].model),
        "rows": _digest(table),
        "transfer": texts_digest,
        "target": str(wanted),
        "signal": signal,
        "delta": delta,
        "identities": list(identities) if isinstance(identities, list | tuple) else identities,
        "seed": seed,
    }

    specs = {voice.member.model: _spec(voice) for voice in voices}
    if out is not None and not all(specs.values()):
        absent = next(part for part, spec in specs.items() if not spec)
        raise ModelError(f"The {absent} is an object in memory and cannot be saved. Give a directory or a hub id.")

    def make(cache: Cache) -> Switch:
        groups = finder(identities)(table) if wanted.kind == "group-loss" else None
        answered = _answered(table, labels, voices, cache, groups)
        found = calibrate(answered, wanted, signal=signal, delta=delta, seed=seed, transfer=views())
        return Switch(voices[0].model, voices[1].model, found.signals, found.plan, specs=specs)

    return make(Cache(None)) if out is None else _stored(Path(out), facts, make, allow_code)


def answers(
    student: Any,
    teacher: Any,
    rows: Data,
    *,
    columns: Columns | None = None,
    positive: str | None = None,
    identities: str | Sequence[str] | None = None,
    allow_code: bool = False,
) -> Answered:
    """What both say of rows, and who is mentioned: the population of a study of promises, say; see `switch`."""
    voices = [_voice("student", student, allow_code), _voice("teacher", teacher, allow_code)]
    table, labels = _table(rows, columns or Columns(), voices[0], positive)
    same_labels(voices[0].model, voices[1].model)
    return _answered(table, labels, voices, Cache(None), finder(identities)(table))


def _stored(out: Path, facts: dict[str, Any], make: Callable[[Cache], Switch], allow_code: bool) -> Switch:
    """Made, or found made; the teacher's answers are kept beside `out` until then, also where a target is refused."""
    place = Workplace(out, facts)
    if not place.finished:
        with place.preparing():
            found = make(Cache(place.work / "answers"))
        made = place.work / "made"
        shutil.rmtree(made, ignore_errors=True)
        with runs.full_disk(out):
            found.write(made)
            runs.write_json(made / TRAINING, {"facts": place.facts})
            runs.write_manifest(made)
            for file in sorted(made.rglob("*")):
                runs.fsync(file)
        place.publish({"": made})
    made_of = load(out, allow_code=allow_code)
    assert isinstance(made_of, Switch)
    return made_of


def _voice(name: str, source: Any, allow_code: bool) -> Voice:
    voice = Voice(Member(name, "student" if name == "student" else "reference"), source, allow_code=allow_code)
    if voice.is_file:
        raise ModelError(f"The {name} of a switch must score texts. Got the predictions file {source}: name a model.")
    return voice


def _spec(voice: Voice) -> str:
    """What the model can be loaded by again; empty for an object that lies in no directory."""
    if isinstance(voice.source, str | Path):
        return str(voice.source)
    place = str(getattr(voice.model, "source", ""))
    return place if place and Path(place).is_dir() else ""


def _table(rows: Data, columns: Columns, student: Voice, positive: str | None) -> tuple[Table, Labels]:
    """The calibration rows, and the labels on which they and the student agree."""
    model = student.model
    names = model.labels if columns.label is not None else None
    table = rows if isinstance(rows, Table) else read(rows, columns, names=names)
    labels = agreed(table, model.labels, bool(model.multilabel), positive)
    return labels.of_table(table), labels


def _digest(table: Table) -> str:
    """A sha256 of the rows, and of who people say is mentioned."""
    marks = [part for name, found in table.identities.items() for part in (name, found.tobytes())]
    return runs.digest(table_digest(table), *marks)


def not_audited(table: Table, not_in: Sequence[tuple[Data, Columns | None]]) -> Table:
    """The rows that are in no audit set, exactly or after normalising; says how many others there were.

    Looked at are the sets given, and those of the named suites that are at hand.

    Raises
    ------
    DataError : more than `SHARED` of the rows are in one: these are an audit's rows.
    """
    ids = [str(name) for name in table.ids]
    texts, kept = Texts(ids, table.texts, [""] * len(table), np.ones(len(table), np.float32)), set(ids)
    for name, source in (*_suites(), *((str(_name(data)), open_source(data, which)) for data, which in not_in)):
        found = set(Sieve([source]).keep(texts).ids)
        shared = len(table) - len(found)
        if shared > SHARED * len(table):
            raise DataError(
                f"{table.source}: {shared:,} of {len(table):,} rows are in the audit set {name}. "
                "Calibrate on rows that no audit will see."
            )
        if shared:
            say(f"{table.source}: {shared:,} of {len(table):,} rows are in the audit set {name} and are left out.")
        kept &= found
    return table if len(kept) == len(table) else table.take(np.array([name in kept for name in ids]))


def _once(table: Table) -> Table:
    """Each text once, after normalising: repeats are not drawn independently, and would both learn and test."""
    places: dict[str, int] = {}
    for row, text in enumerate(table.texts):
        places.setdefault(normalised(text), row)
    if len(places) == len(table):
        return table
    say(f"{table.source}: {len(table) - len(places):,} of {len(table):,} rows repeat a text and are left out.")
    return table.take(np.array(list(places.values())))


def _differ(voices: Sequence[Voice]) -> None:
    """Raises ModelError for a model and itself."""
    prints = [teacher_fingerprint(voice.model) for voice in voices]
    if prints[0] == prints[1]:
        raise ModelError("The student and the teacher are the same model, and a switch has nothing to gain. Name two.")


def _name(data: Data) -> str:
    return data.name if isinstance(data, Table) else str(data)


def _suites() -> Iterator[tuple[str, Source]]:
    """The sets of the named suites whose files are at hand, each once."""
    sources = [source for suite in named().values() for source in (*suite.data, suite.otherwise) if source]
    for source in dict.fromkeys(sources):
        name, _, part = source.removeprefix(SET).partition(":")
        if source.startswith(SET) and locate(find(name), part or "train") is not None:
            yield source, open_source(source)


def _transfer(
    given: str | Path | None, columns: Columns, student: Any
) -> tuple[Callable[[], Iterator[View] | None], str | None]:
    """What the student says of the texts it learnt from, some at a time; and a sha256 of them."""
    if given is None:
        return lambda: None, None
    if Path(given).is_dir():
        whole = open_transfer(given)
        digest, count = runs.sha256(whole.directory / runs.MANIFEST), len(whole)
        parts: Callable[[], Iterator[list[str]]] = lambda: (chunk.texts for chunk in whole.chunks())  # noqa: E731
    else:
        sources = open_sources([given], Columns(text=columns.text))
        digest, count = sources[0].digest, sources[0].rows or 0
        parts = lambda: (found.texts for found in cut(stream(sources), STEP))  # noqa: E731

    def views() -> Iterator[View]:
        with progress("student reads the transfer set", count or None) as advance:
            for texts in parts():
                yield seen(student, texts, features=True)
                advance(len(texts))

    return views, digest


def _answered(table: Table, labels: Labels, voices: list[Voice], cache: Cache, groups: Identities | None) -> Answered:
    """Both models asked once about every row."""
    view = _viewed(voices[0], table.texts)
    student = voices[0].model
    own = Predictions("student", table.ids, tuple(student.labels), bool(student.multilabel), view.logits)
    teacher = voices[1].answer(table.ids, table.texts, cache)
    truth = None
    if table.targets is not None and len({row.tobytes() for row in table.targets}) == 1:
        say(f"{table.source}: all rows have one label, so nothing is known of the others.")
    if table.targets is not None and table.multilabel:
        truth = np.asarray(table.targets >= 0.5)
    elif table.targets is not None:
        truth = np.eye(len(labels.names), dtype=bool)[table.classes]
    return Answered(
        view,
        labels.of_predictions(own),
        labels.of_predictions(teacher),
        truth,
        None if groups is None else groups.groups,
        () if groups is None else groups.names,
    )


def _viewed(voice: Voice, texts: Sequence[str]) -> View:
    """The student's logits and features of every row, in one pass."""
    parts = []
    with progress("student scores", len(texts)) as advance:
        for start in range(0, len(texts), STEP):
            parts.append(seen(voice.model, texts[start : start + STEP], features=True))
            advance(len(parts[-1]))
    logits = np.concatenate([part.logits for part in parts])
    if not np.isfinite(logits).all():
        row = int(np.argwhere(~np.isfinite(logits))[0, 0])
        raise ModelError(f"The student gave a score that is not finite for row {row + 1}. Train it again.")
    features = np.concatenate([part.features for part in parts])
    return View(texts, logits, features, parts[0].multilabel, parts[0].again)


def told(found: Switch) -> str:
    """What was promised, in a sentence or two."""
    promise = found.plan.promise
    rows = promise["rows"]
    kind, certainty = "loss" if promise["loss"] >= 0 else "gain", 100 * (1 - promise["delta"])
    lines = (
        f"{promise['target']} holds with a certainty of {certainty:.10g}%: signal {found.plan.signal}, "
        f"{promise['deferred']:.1%} to the teacher and a {kind} of {abs(promise['loss']):.4f} "
        f"on the {rows['tested']:,} rows that tested it."
    )
    if promise.get("groups_too_small"):
        lines += f" Nothing is promised to groups of too few rows: {', '.join(promise['groups_too_small'])}."
    return lines
