"""A transfer set out of a teacher and texts: each text is asked about once, and the answers are kept."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from angelshare import runs
from angelshare.data.tables import Columns, Table, read
from angelshare.data.transfer import TransferRows, TransferSet, TransferWriter
from angelshare.errors import DataError, ModelError
from angelshare.models.loading import load
from angelshare.progress import progress, say
from angelshare.types import Classifier

__all__ = ["SHARD_ROWS", "label", "loaded", "teacher_fingerprint"]

SHARD_ROWS = 2048
"""Rows that are committed together: seconds of a transformer's work, and enough to fill its length buckets."""

PROBE = ("", "The first of three texts.", "You are an idiot, and so is everyone who likes this film!", "ok " * 40)


def teacher_fingerprint(teacher: Classifier) -> str:
    """The model's own fingerprint; without one, a sha256 of its labels and its answers to a few texts."""
    own = getattr(teacher, "fingerprint", None)
    if own:
        return str(own)
    answers = np.asarray(teacher.predict_logits(PROBE), dtype=np.float32)
    return runs.digest(*teacher.labels, str(teacher.multilabel), answers.tobytes())


def loaded(teacher: object) -> Classifier:
    """The classifier, or what `load` makes of its name.

    Raises
    ------
    ModelError : a file of answers was named, which cannot be asked.
    """
    found = load(teacher) if isinstance(teacher, str | Path) else teacher
    if not isinstance(found, Classifier):
        name = getattr(teacher, "source", teacher)
        raise ModelError(f"{name} holds answers, and cannot be asked about other texts. Name a model as teacher.")
    return found


def label(
    teacher: Classifier | str | Path,
    sources: Table | str | Path | Iterable[Table | str | Path],
    out: str | Path,
    *,
    columns: Columns | None = None,
    shard_rows: int = SHARD_ROWS,
) -> TransferSet:
    """Store the teacher's logits of every row, in committed shards; run again after an interruption, it goes on.

    A row that comes twice with the same id and text is kept once; an id that comes again with another text is prefixed
    by the name of its table. Each shard is scored by itself, so the bytes do not depend on where a run was interrupted.

    Raises
    ------
    DataError : an id stands for different texts in one table, `out` holds another set, or the disk is full.
    ModelError : the teacher's answers do not fit its labels.
    DamagedFile : a committed shard differs from what was written.
    """
    asked = loaded(teacher)
    listed: list[Table | str | Path] = [sources] if isinstance(sources, Table | str | Path) else list(sources)
    ids, texts, origin = _merged([found if isinstance(found, Table) else read(found, columns) for found in listed])
    plan = runs.digest(str(shard_rows), *ids, *texts, *origin)
    writer = TransferWriter(
        out,
        labels=asked.labels,
        multilabel=asked.multilabel,
        teacher=teacher_fingerprint(asked),
        plan_digest=plan,
    )
    starts = range(0, len(texts), shard_rows)
    left = [index for index in range(len(starts)) if index not in writer.done]
    if not left:
        return writer.finish()
    if writer.done:
        say(f"{out}: goes on after {len(writer.done):,} of {len(starts):,} shards.")
    done = len(texts) - sum(len(texts[starts[i] : starts[i] + shard_rows]) for i in left)
    with progress("label", len(texts), done=done) as advance:
        for index in left:
            rows = slice(starts[index], starts[index] + shard_rows)
            logits = _answers(asked, texts[rows])
            writer.commit(index, TransferRows.of(ids[rows], texts[rows], logits, source=origin[rows]))
            advance(len(logits))
    return writer.finish()


def _answers(teacher: Classifier, texts: list[str]) -> np.ndarray:
    logits = np.asarray(teacher.predict_logits(texts), dtype=np.float32)
    expected = (len(texts), len(teacher.labels))
    if logits.shape != expected:
        raise ModelError(f"The teacher must answer {expected} logits (rows, labels). Got {logits.shape} instead.")
    return logits


def _merged(tables: Sequence[Table]) -> tuple[list[str], list[str], list[str]]:
    """Ids, texts and origins of all tables' rows, each row once."""
    kept: dict[str, tuple[str, str]] = {}
    for table in tables:
        for name, text in zip(map(str, table.ids), table.texts, strict=True):
            if name in kept and kept[name][0] == text:
                continue
            unique = name if name not in kept else f"{table.name}:{name}"
            if unique in kept and kept[unique][0] != text:
                raise DataError(f"{table.source}: the id '{name}' stands for different texts. Ids must be unique.")
            kept[unique] = (text, table.name)
    return list(kept), [text for text, _ in kept.values()], [origin for _, origin in kept.values()]
