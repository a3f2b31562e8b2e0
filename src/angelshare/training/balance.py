"""A transfer set with identity-balanced data: rows of a pool that are not positive, for groups whose texts are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from angelshare.data.identities import LEXICON_VERSION, mentions
from angelshare.data.tables import Columns, Table, hashed, read
from angelshare.data.transfer import TransferRows, TransferSet, open_transfer
from angelshare.errors import DataError, ModelError
from angelshare.mitigate.balancing import Tally, draw, wanted
from angelshare.progress import say
from angelshare.training.transforms import (
    Judge,
    answered,
    counted,
    judge_of,
    key,
    no_rows,
    same_teacher,
    target,
    written,
)
from angelshare.types import Classifier

__all__ = ["balance"]

Source = Table | str | Path


def balance(
    transfer: str | Path,
    pool: Source | Sequence[Source],
    *,
    out: str | Path,
    teacher: Classifier | str | Path | None = None,
    gold: Table | str | Path | None = None,
    columns: Columns | None = None,
    positive: str | None = None,
    threshold: float = 0.5,
    seed: int = 0,
) -> TransferSet:
    """Add rows of the pool that mention an identity and are not positive, until its rate of positives is the set's.

    Dixon et al. 2018 (https://doi.org/10.1145/3278721.3278729): where texts about a group are toxic more often than
    texts are, a model learns that the group's name is toxic. The manifest's `mitigation` holds rows, positives and
    rates by identity before and after, and how many rows were wanted and found.

    Parameters
    ----------
    transfer : a transfer set.
    pool : transfer sets of the same teacher; or texts, of which the teacher labels those that could be drawn. Its
        answers stay beside `out` as OUT.labelled.
    gold : people's labels, by text: they decide whether a row is positive, before the teacher.
    columns : of pool files, and of `gold`.
    positive : the label whose rates are balanced; needed with more than two labels.
    seed : of the draw, which does not depend on the order of the pool.

    Raises
    ------
    DataError : no such transfer set or file, or `out` holds something else.
    ModelError : the teacher, or a pool's labels, are not the set's; or texts need a teacher and there is none.
    """
    given = open_transfer(transfer)
    out = target(given, out)
    judge = judge_of(given, gold, columns, positive, threshold)
    before, seen = counted(given, judge)
    counts = wanted(before)
    names = tuple(counts)
    sources = [pool] if isinstance(pool, Table | str | Path) else list(pool)
    sets = _pools(given, sources, teacher, out, names, seen, judge, columns)
    keys, marks, places = _candidates(sets, names, seen, judge, seed)
    drawn = draw(marks, keys, np.array([counts[name] for name in names], dtype=np.int64))
    added = _gathered(sets, [places[row] for row in drawn.tolist()], _taken(given), len(given.labels))
    after = before.plus(mentions(added.texts), judge(added.texts, added.logits))
    found = {name: int(marks[drawn, at].sum()) for at, name in enumerate(names)}
    for name, count in counts.items():
        _say_found(name, count, found[name], before, after)
    if not counts:
        say("balance: no identity is positive more often than the set. Nothing is added.")
    facts = {
        "method": "balance",
        "lexicon": LEXICON_VERSION,
        "positive": judge.positive,
        "threshold": threshold,
        "seed": seed,
        "added": len(added),
        "wanted": counts,
        "found": found,
        "exhausted": [name for name in names if found[name] < counts[name]],
        "before": before.facts(),
        "after": after.facts(),
    }
    return written(given, added, out, facts)


def _pools(
    given: TransferSet,
    sources: Sequence[Source],
    teacher: Classifier | str | Path | None,
    out: Path,
    names: tuple[str, ...],
    seen: set[bytes],
    judge: Judge,
    columns: Columns | None,
) -> list[TransferSet]:
    """The pools as transfer sets: those that are, and one of the texts that the teacher labels."""
    sets, tables = [], []
    for source in sources:
        if not isinstance(source, Table) and Path(source).is_dir():
            sets.append(_same_labels(given, open_transfer(source)))
            continue
        plain = Columns(text=columns.text, id=columns.id) if columns else None
        table = source if isinstance(source, Table) else read(source, plain)
        if teacher is None:
            raise ModelError(f"{table.source} has no teacher's scores. Name --teacher, or give a transfer set.")
        tables.append(_could_be_drawn(table, names, seen, judge))
    asked = None if teacher is None else same_teacher(given, teacher)
    tables = [table for table in tables if len(table)]
    if asked is not None and tables:
        sets.append(answered(asked, tables, out))
    return sets


def _same_labels(given: TransferSet, found: TransferSet) -> TransferSet:
    if (found.teacher, found.labels) != (given.teacher, given.labels):
        raise ModelError(
            f"{found.directory} was labelled by another teacher than {given.directory}. Give texts and the --teacher."
        )
    return found


def _could_be_drawn(table: Table, names: tuple[str, ...], seen: set[bytes], judge: Judge) -> Table:
    """The rows that mention an identity in need, are new, and that nobody called positive: no others are labelled."""
    marks = mentions(table.texts)
    rows = np.zeros(len(table), dtype=bool)
    for name in names:
        rows |= marks[name] > 0
    texts = [key(table.texts[at]) for at in np.flatnonzero(rows)]
    rows[rows] = [text not in seen and not judge.gold.get(text, False) for text in texts]
    return table.take(rows)


Place = tuple[int, int, int]
"""Pool, shard and row."""


def _candidates(
    sets: Sequence[TransferSet], names: tuple[str, ...], seen: set[bytes], judge: Judge, seed: int
) -> tuple[np.ndarray, np.ndarray, list[Place]]:
    """A random key, the identities in need, and the place of each row that may be drawn; a text once."""
    keys: list[float] = []
    marks: list[np.ndarray] = []
    places: list[Place] = []
    known = set(seen)
    for pool, found in enumerate(sets):
        for shard, rows in enumerate(found.chunks()):
            by_name = mentions(rows.texts)
            mentioned = np.array([by_name[name] > 0 for name in names]).reshape(len(names), len(rows)).T
            for row in np.flatnonzero(mentioned.any(axis=1) & ~judge(rows.texts, rows.logits)).tolist():
                text = key(rows.texts[row])
                if text in known:
                    continue
                known.add(text)
                keys.append(hashed(rows.texts[row], seed))
                marks.append(mentioned[row])
                places.append((pool, shard, row))
    return np.array(keys, dtype=np.float64), np.array(marks, dtype=bool).reshape(len(keys), len(names)), places


def _taken(given: TransferSet) -> set[str]:
    """Ids of the given set that a row added here could have too."""
    return {str(name) for rows in given.chunks() for name in rows.ids if str(name).startswith("balance:")}


def _gathered(sets: Sequence[TransferSet], places: list[Place], taken: set[str], labels: int) -> TransferRows:
    """The rows at these places, in the pools' order, renamed so that they tell where they come from."""
    if not places:
        return no_rows(labels)
    by_shard: dict[tuple[int, int], list[int]] = {}
    for pool, shard, row in sorted(places):
        by_shard.setdefault((pool, shard), []).append(row)
    parts = [
        rows.take(np.array(by_shard[pool, shard]))
        for pool, found in enumerate(sets)
        for shard, rows in enumerate(found.chunks())
        if (pool, shard) in by_shard
    ]
    names = []
    for part in parts:
        for name, source in zip(part.ids, part.source, strict=True):
            unique = f"balance:{name}" if f"balance:{name}" not in taken else f"balance:{source}:{name}"
            if unique in taken:
                raise DataError(f"The pools have two texts under the id '{name}'. Give each row its own id (--id).")
            taken.add(unique)
            names.append(unique)
    return TransferRows.of(
        names,
        [text for part in parts for text in part.texts],
        np.concatenate([part.logits for part in parts]),
        source=[f"balance:{source}" for part in parts for source in part.source],
        weight=np.concatenate([part.weight for part in parts]),
    )


def _say_found(name: str, count: int, found: int, before: Tally, after: Tally) -> None:
    rates = [tally.facts()[name]["rate"] for tally in (before, after)]
    whole = before.facts()["all"]["rate"]
    short = f"; the pool had {found:,} of the {count:,} wanted" if found < count else ""
    say(f"balance: {name} {rates[0]:.2%} -> {rates[1]:.2%} (the set {whole:.2%}), {found:,} rows added{short}.")
