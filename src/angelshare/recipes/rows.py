"""Which rows of its sets a study uses: the same ones on any machine, and none that a suite has."""

from collections.abc import Sequence

import numpy as np

from angelshare.data.likeness import normalised
from angelshare.data.tables import Table, hashed
from angelshare.progress import say

__all__ = ["first", "shared", "without"]


def without(gold: Table, audited: Sequence[Table]) -> Table:
    """Golden rows whose text is in no suite; `label` keeps those of the pool out in the same way."""
    known = {normalised(text) for table in audited for text in table.texts}
    kept = np.array([normalised(text) not in known for text in gold.texts])
    say(f"{gold.source}: {int((~kept).sum())} rows dropped: their text is in a suite.")
    return gold.take(kept)


def first(table: Table, rows: int | None) -> Table:
    """The rows with the smallest hash of their id: the same ones whatever else the table holds."""
    if rows is None or rows >= len(table):
        return table
    order = np.argsort([hashed(str(name)) for name in table.ids], kind="stable")[:rows]
    return table.take(np.sort(order))


def shared(tables: Sequence[Table], rows: int | None) -> list[Table]:
    """At most so many rows of all tables, the same share of each."""
    whole = sum(map(len, tables))
    if rows is None or rows >= whole:
        return list(tables)
    return [first(table, max(1, round(rows * len(table) / whole))) for table in tables]
