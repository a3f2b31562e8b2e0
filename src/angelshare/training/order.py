"""In which order a run reads its rows: batches of like length, drawn from (seed, epoch) alone."""

import math
from typing import Protocol

import numpy as np
from jaxtyping import Int

from angelshare import runs
from angelshare.models.batching import shuffled

__all__ = ["BIN", "WINDOW", "Order", "Pools", "Windows"]

BIN = 4
"""Lengths that differ by less than this many tokens count as like (Sanh et al. 2019, in their code)."""

BLOCK = 4_096
"""Rows that lie together in a store come into the same window, so that few pages of it are read at a time."""

WINDOW = 65_536
"""Rows that are mixed with each other: what is held of an epoch's order does not grow with the rows."""


class Order(Protocol):
    """Which rows each step reads.

    Attributes
    ----------
    steps : of one pass over all rows.
    """

    steps: int

    def __call__(self, step: int) -> Int[np.ndarray, " batch"]:
        """Row numbers of a step, counted from 0 over all epochs; asked for in rising order, though from any step on."""
        ...


class Pools:
    """The order of rows whose lengths are held in memory."""

    def __init__(self, lengths: Int[np.ndarray, " rows"], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.steps = max(1, math.ceil(len(lengths) / batch_size))
        self._epoch, self._batches = -1, [np.zeros(0, dtype=np.int64)]

    def __call__(self, step: int) -> Int[np.ndarray, " batch"]:
        epoch, at = divmod(step, self.steps)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, shuffled(self.lengths, self.batch_size, self.seed, epoch)
        return self._batches[at]


class Windows:
    """The order of the rows of a store of any size.

    An epoch draws the order of the store's blocks, then mixes the rows of some blocks at a time. A step reads `parts`
    batches, each of rows of one length bin.

    Parameters
    ----------
    lengths : (rows,) tokens of each row; may be mapped from a file.
    """

    def __init__(self, lengths: Int[np.ndarray, " rows"], batch_size: int, seed: int, parts: int = 1) -> None:
        self.lengths, self.seed, self.parts = lengths, seed, parts
        self.batch_size = batch_size // parts
        self._a_window = max(1, WINDOW // self.batch_size)  # batches
        self._batches_an_epoch = math.ceil(len(lengths) / self.batch_size)
        self.steps = math.ceil(self._batches_an_epoch / parts)
        self._at, self._batches = (-1, -1), [np.zeros(0, dtype=np.int64)]

    def __call__(self, step: int) -> Int[np.ndarray, " batch"]:
        epoch, at = divmod(step, self.steps)
        first = at * self.parts
        return np.concatenate(
            [self._batch(epoch, number) for number in range(first, min(first + self.parts, self._batches_an_epoch))]
        )

    def _batch(self, epoch: int, number: int) -> Int[np.ndarray, " batch"]:
        window, at = divmod(number, self._a_window)
        if self._at != (epoch, window):
            self._at, self._batches = (epoch, window), self._window(epoch, window)
        return self._batches[at]

    def _window(self, epoch: int, window: int) -> list[Int[np.ndarray, " batch"]]:
        rows = self._rows(epoch, window)
        rng = runs.rng(self.seed, "window", epoch, window)
        rows = rng.permutation(rows)
        rows = rows[np.argsort(self.lengths[rows] // BIN, kind="stable")]
        batches = [rows[start : start + self.batch_size] for start in range(0, len(rows), self.batch_size)]
        order = rng.permutation(len(batches))
        short = len(rows) % self.batch_size  # ends the last window, so that all batches before it are whole
        return [batches[i] for i in order if not short or i != len(batches) - 1] + ([batches[-1]] if short else [])

    def _rows(self, epoch: int, window: int) -> Int[np.ndarray, " rows"]:
        """The rows of a window: a slice of all blocks' rows in the epoch's order, a short last block at its end."""
        rows = len(self.lengths)
        blocks = runs.rng(self.seed, "blocks", epoch).permutation(rows // BLOCK)
        blocks = np.append(blocks, rows // BLOCK)
        first = window * self._a_window * self.batch_size
        place = np.arange(first, min(first + self._a_window * self.batch_size, rows))
        found: np.ndarray = blocks[place // BLOCK] * BLOCK + place % BLOCK
        return found
