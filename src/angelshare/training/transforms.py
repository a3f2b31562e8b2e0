"""What the transforms of a transfer set share: who is positive, rates by identity, the set with rows added."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from angelshare import runs
from angelshare.data.identities import mentions
from angelshare.data.tables import Columns, Table, read
from angelshare.data.transfer import TransferRows, TransferSet, TransferWriter, refuse_strangers
from angelshare.errors import DataError, ModelError, Taken
from angelshare.mitigate.balancing import Tally
from angelshare.training.label import SHARD_ROWS, label, loaded, teacher_fingerprint
from angelshare.types import Classifier, Predictions, positive_label

__all__ = ["FACTS", "Judge", "answered", "counted", "judge_of", "key", "no_rows", "same_teacher", "target", "written"]

FACTS = "mitigation"
"""Key of the counts in the manifest of a transformed set."""


@dataclass(frozen=True)
class Judge:
    """Which rows are positive: by people's labels where `gold` has the text, else by the teacher's probability."""

    labels: tuple[str, ...]
    multilabel: bool
    positive: str
    threshold: float
    gold: dict[bytes, bool]

    def __call__(self, texts: Sequence[str], logits: Float32[np.ndarray, "rows labels"]) -> Bool[np.ndarray, " rows"]:
        answers = Predictions("teacher", np.arange(len(texts)), self.labels, self.multilabel, logits)
        said = answers.probabilities[:, self.labels.index(self.positive)] >= self.threshold
        if not self.gold:
            return said
        pairs = zip(texts, said.tolist(), strict=True)
        return np.array([self.gold.get(key(text), found) for text, found in pairs], dtype=bool)


def key(text: str) -> bytes:
    """What stands for a text where only equality counts: 16 bytes, whatever its length."""
    return bytes.fromhex(runs.digest(text)[:32])


def judge_of(
    given: TransferSet, gold: Table | str | Path | None, columns: Columns | None, positive: str | None, threshold: float
) -> Judge:
    """Raises ModelError where the label is not named, DataError where the gold has none."""
    if not 0 < threshold < 1:
        raise DataError(f"The threshold must be between 0 and 1. Got {threshold} instead.")
    chosen = positive_label(given.labels, given.multilabel, positive)
    if chosen is None:
        raise ModelError(f"Rates need one label of {', '.join(given.labels)}. Name it with --positive.")
    table = gold if gold is None or isinstance(gold, Table) else read(gold, columns)
    known = {} if table is None else dict(zip(map(key, table.texts), _golden(table, chosen).tolist(), strict=True))
    return Judge(given.labels, given.multilabel, chosen, threshold, known)


def _golden(table: Table, positive: str) -> Bool[np.ndarray, " rows"]:
    if table.targets is None:
        raise DataError(f"{table.source} has no golden labels. Name the column: --label, --labels or --toxicity.")
    if positive not in table.labels and len(table.labels) > 1:
        raise DataError(f"{table.source} has the labels {', '.join(table.labels)}, not '{positive}'. Name that one.")
    at = table.labels.index(positive) if positive in table.labels else 0
    found: Bool[np.ndarray, " rows"] = table.targets[:, at] >= 0.5
    return found


def counted(given: TransferSet, judge: Judge) -> tuple[Tally, set[bytes]]:
    """The set's rates, and the keys of its texts."""
    tally = Tally()
    seen: set[bytes] = set()
    for rows in given.chunks():
        tally = tally.plus(mentions(rows.texts), judge(rows.texts, rows.logits))
        seen.update(map(key, rows.texts))
    return tally, seen


def same_teacher(given: TransferSet, teacher: Classifier | str | Path) -> Classifier:
    """The teacher, loaded; raises ModelError unless it labelled the set."""
    asked = loaded(teacher)
    if teacher_fingerprint(asked) != given.teacher:
        raise ModelError(f"{given.directory} was labelled by another teacher. Name that one with --teacher.")
    return asked


def target(given: TransferSet, out: str | Path) -> Path:
    """Where the result goes, looked at before the teacher is asked; raises DataError where it holds something else."""
    out = Path(out)
    if out.resolve() == given.directory.resolve():
        raise DataError(f"{out} is the transfer set to start from, and nothing is written over. Name another --out.")
    refuse_strangers(out)
    return out


def answered(teacher: Classifier, texts: Table | Sequence[Table], out: Path) -> TransferSet:
    """What the teacher says of the texts to add, kept beside `out` as OUT.labelled.

    Raises
    ------
    DataError : answers about other texts are there: `out` was begun with other options.
    """
    place = out.parent / f"{out.name}.labelled"
    try:
        return label(teacher, texts, place)
    except Taken as error:
        raise DataError(
            f"{out} was begun with other texts or options: {place} holds the teacher's answers for those. Name another "
            "--out, or remove both."
        ) from error


def written(given: TransferSet, added: TransferRows, out: Path, facts: dict[str, Any]) -> TransferSet:
    """The given set's shards, then the added rows in shards of their own."""
    origin = runs.sha256(given.directory / runs.MANIFEST)
    plan = runs.digest(facts["method"], origin, *map(str, added.ids), *added.texts, added.logits.tobytes())
    writer = TransferWriter(
        out, labels=given.labels, multilabel=given.multilabel, teacher=given.teacher, plan_digest=plan
    )
    pieces = (added.take(np.arange(at, min(at + SHARD_ROWS, len(added)))) for at in range(0, len(added), SHARD_ROWS))
    for index, rows in enumerate(_both(given.chunks(), pieces)):
        if index not in writer.done:
            writer.commit(index, rows)
    return writer.finish(**{FACTS: facts})


def _both(first: Iterable[TransferRows], then: Iterable[TransferRows]) -> Iterator[TransferRows]:
    yield from first
    yield from then


def no_rows(labels: int) -> TransferRows:
    return TransferRows.of([], [], np.zeros((0, labels), dtype=np.float32))
