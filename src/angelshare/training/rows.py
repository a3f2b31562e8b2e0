"""What students learn from: each row's text, the teacher's logits and, where people labelled it, their targets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64

from angelshare import runs
from angelshare.data.tables import Table, hashed
from angelshare.data.transfer import TransferRows
from angelshare.errors import DataError, ModelError

__all__ = ["Rows", "aligned", "concatenated", "golden_rows", "joined", "mixed", "table_digest"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to train or to assess a student on.

    Attributes
    ----------
    logits : (rows, labels) the teacher's; None where it was not asked.
    targets : (rows, labels) golden labels; rows of NaN where nobody labelled the text.
    weights : (rows,) a row's share of every loss.
    """

    ids: np.ndarray
    texts: list[str]
    labels: tuple[str, ...]
    multilabel: bool
    logits: Float32[np.ndarray, "rows labels"] | None
    targets: Float32[np.ndarray, "rows labels"]
    weights: Float32[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def golden(self) -> Bool[np.ndarray, " rows"]:
        return ~np.isnan(self.targets).any(axis=1)

    def take(self, index: np.ndarray) -> "Rows":
        at = np.flatnonzero(index) if index.dtype == bool else index
        return replace(
            self,
            ids=self.ids[at],
            texts=[self.texts[i] for i in at],
            logits=None if self.logits is None else self.logits[at],
            targets=self.targets[at],
            weights=self.weights[at],
        )

    def split(self, fraction: float, seed: int) -> tuple["Rows", "Rows"]:
        """(rest, held): about `fraction` of the rows are held out by the hash of their id."""
        held = np.array([hashed(str(name), seed) < fraction for name in self.ids])
        if held.all() or not held.any():
            raise DataError(f"{len(self)} rows are too few to hold a dev split out of. Give more, or name --dev.")
        return self.take(~held), self.take(held)


def aligned(table: Table, labels: Sequence[str], multilabel: bool) -> Table:
    """The table with its targets' columns in the teacher's order.

    Raises
    ------
    ModelError
        The table's labels are not the teacher's.
    """
    if table.targets is None:
        raise DataError(f"{table.source} has no golden labels. Name its columns: label, labels or toxicity.")
    alone = len(table.labels) == len(labels) == 1
    if table.multilabel != multilabel or not (alone or set(table.labels) == set(labels)):
        kind = {True: "each decided alone", False: "one of which holds"}
        raise ModelError(
            f"{table.source} has the labels {', '.join(table.labels)} ({kind[table.multilabel]}), but the teacher has "
            f"{', '.join(labels)} ({kind[multilabel]}). Give golden data with the teacher's labels."
        )
    order = [0] if alone else [table.labels.index(label) for label in labels]
    return replace(table, labels=tuple(labels), targets=table.targets[:, order])


def joined(transfer: TransferRows, labels: tuple[str, ...], multilabel: bool, gold: Table | None) -> Rows:
    """The transfer set's rows, with the golden targets of those whose text is in `gold`."""
    targets = np.full(transfer.logits.shape, np.nan, dtype=np.float32)
    if gold is not None and gold.targets is not None:
        rows = zip(gold.ids, gold.texts, gold.targets, strict=True)
        by_row = {(str(name), text): target for name, text, target in rows}
        by_text = {text: target for (_, text), target in by_row.items()}
        for at, (name, text) in enumerate(zip(transfer.ids, transfer.texts, strict=True)):
            target = by_row.get((str(name), text), by_text.get(text))
            if target is not None:
                targets[at] = target
    return Rows(
        ids=np.asarray(transfer.ids, dtype=object),
        texts=list(transfer.texts),
        labels=labels,
        multilabel=multilabel,
        logits=np.asarray(transfer.logits, dtype=np.float32),
        targets=targets,
        weights=np.asarray(transfer.weight, dtype=np.float32),
    )


def concatenated(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts; each has the teacher's logits."""
    logits = [part.logits for part in parts if part.logits is not None]
    return replace(
        parts[0],
        ids=np.concatenate([part.ids for part in parts]),
        texts=[text for part in parts for text in part.texts],
        logits=np.concatenate(logits),
        targets=np.concatenate([part.targets for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


def mixed(rows: Rows, ratio: float | None, seed: int) -> Rows:
    """The rows with golden ones at `ratio` of all: left out or repeated, the smallest hash of the id first.

    Raises
    ------
    DataError : there are no golden rows, or no others, so that no such share can be had.
    """
    if ratio is None:
        return rows
    golden, others = np.flatnonzero(rows.golden), np.flatnonzero(~rows.golden)
    if not len(golden) or not len(others):
        lacks = "golden rows" if not len(golden) else "rows that are not golden"
        raise DataError(f"There are no {lacks} to mix: leave --gold-ratio out, or give some.")
    wanted = round(ratio / (1 - ratio) * len(others))
    order = golden[np.argsort([hashed(str(rows.ids[at]), seed) for at in golden], kind="stable")]
    taken = np.tile(order, -(-wanted // len(order)))[:wanted]
    return rows.take(np.sort(np.concatenate([others, taken]), kind="stable"))


def golden_rows(table: Table) -> Rows:
    """A table's rows and their golden targets alone."""
    if table.targets is None:
        raise DataError(f"{table.source} has no golden labels. Name the column: --label, --labels or --toxicity.")
    weights = np.ones(len(table), np.float32) if table.weights is None else table.weights.astype(np.float32)
    return Rows(table.ids, table.texts, table.labels, table.multilabel, None, table.targets, weights)


def table_digest(table: Table) -> str:
    """A sha256 of ids, texts, labels, targets and weights; of second texts where there are some."""
    weights: Float64[np.ndarray, " rows"] | None = table.weights
    return runs.digest(
        *table.labels,
        str(table.multilabel),
        *map(str, table.ids),
        *table.texts,
        b"" if table.targets is None else table.targets.tobytes(),
        b"" if weights is None else weights.tobytes(),
        *(() if table.pairs is None else table.pairs),
    )
