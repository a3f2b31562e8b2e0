"""The paired bootstrap: one set of multiplicities a replicate, for every model and every statistic."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Integer, UInt8

from angelshare.runs import rng
from angelshare.stats.abreast import AHEAD, LANES, add_scaled, fetch, widen
from angelshare.stats.compiled import compiled, side_by_side, spans
from angelshare.stats.draws import TILE, draw_lanes, draw_units

SPAN = 1000
"""Numbers that strata may span beyond the count of rows before they are sorted."""

SMALL = 20_000
"""Rows below which threads do not pay."""

BLOCK = 64
"""Replicates whose multiplicities `replicate` holds at once."""


class Plan(NamedTuple):
    """Units in the order of their strata.

    Attributes
    ----------
    position : (rows,) where the row's unit (itself, or its cluster) stands in that order.
    bounds : (strata + 1,) where each stratum begins and ends.
    tiles : the same, with every stratum cut into tiles of at most TILE units.
    key : of the random streams, one a draw.
    """

    position: Int[np.ndarray, " rows"]
    bounds: Int[np.ndarray, " edges"]
    tiles: Int[np.ndarray, " tiles"]
    key: int


@dataclass(frozen=True, eq=False)
class Resampling:
    """What is drawn with replacement, and how often.

    Parameters
    ----------
    strata : (rows,) integers; each stratum keeps its number of units in every replicate.
    clusters : (rows,) of any kind; rows that share one are drawn together. A cluster belongs to the stratum of most of
        its rows.
    draws : replicates.
    seed : same seed, same replicates, however they are cut into blocks.
    """

    strata: np.ndarray
    clusters: np.ndarray | None = None
    draws: int = 1000
    seed: int = 0

    def __len__(self) -> int:
        return len(self.strata)

    @property
    def unit(self) -> Literal["row", "cluster"]:
        return "row" if self.clusters is None else "cluster"

    @property
    def units(self) -> int:
        """Rows, or clusters."""
        return int(self.plan.bounds[-1])

    @cached_property
    def plan(self) -> Plan:
        codes = _codes(np.asarray(self.strata))
        unit_strata, unit_of_row = codes, None
        if self.clusters is not None:
            unit_of_row = np.unique(np.asarray(self.clusters), return_inverse=True)[1].reshape(-1)
            unit_strata = _majority(unit_of_row, codes)
        bounds = np.concatenate([[0], np.cumsum(np.bincount(unit_strata))]).astype(np.int64)
        position = np.empty(len(unit_strata), dtype=np.int32)
        _place(unit_strata, bounds[:-1].copy(), position)
        key = int(rng(self.seed, "resampling").integers(0, 2**63))
        tiles = [np.arange(low, high, TILE) for low, high in itertools.pairwise(bounds)]
        edges = np.append(np.concatenate(tiles), bounds[-1]).astype(np.int64)
        return Plan(position if unit_of_row is None else position[unit_of_row], bounds, edges, key)

    def unit_weights(self, start: int, stop: int) -> UInt8[np.ndarray, "draws units"]:
        """Multiplicities of the units, in the plan's order."""
        drawn = np.zeros((stop - start, self.units), dtype=np.uint8)
        draw_units(np.uint64(self.plan.key), start, self.plan.tiles, self.tile_counts(start, stop), drawn)
        return drawn

    def tile_counts(self, start: int, stop: int) -> Int[np.ndarray, "draws tiles"]:
        """How many units each replicate draws from each tile: a multinomial split of every stratum."""
        tiles, bounds = self.plan.tiles, self.plan.bounds
        sizes = np.diff(tiles)
        counts = np.tile(sizes, (stop - start, 1))
        for low, high in itertools.pairwise(np.searchsorted(tiles, bounds)):
            if high - low > 1:
                total = int(sizes[low:high].sum())
                for draw in range(start, stop):
                    stream = rng(self.seed, "resampling", int(low), draw)
                    counts[draw - start, low:high] = stream.multinomial(total, sizes[low:high] / total)
        return counts

    def weights(self, start: int = 0, stop: int | None = None) -> UInt8[np.ndarray, "draws rows"]:
        """Multiplicity of every row in the replicates start..stop."""
        stop = self.draws if stop is None else stop
        return self.unit_weights(start, stop)[:, self.plan.position]

    def blocks(self, size: int = BLOCK) -> list[tuple[int, int]]:
        return [(start, min(start + size, self.draws)) for start in range(0, self.draws, size)]


def _codes(strata: Integer[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """The strata as 0, 1, 2... in their order; without sorting rows where they span few numbers."""
    low, high = (int(strata.min()), int(strata.max())) if len(strata) else (0, 0)
    if high - low > len(strata) + SPAN:
        return np.unique(strata, return_inverse=True)[1].reshape(-1)
    shifted = np.subtract(strata, low, dtype=np.int64).astype(np.int32)
    known = np.bincount(shifted, minlength=1) > 0
    return np.asarray((np.cumsum(known) - 1).astype(np.int32)[shifted])


@compiled
def _place(codes, starts, position):
    """Where each unit stands when units are ordered by stratum."""
    for unit in range(len(codes)):
        position[unit] = starts[codes[unit]]
        starts[codes[unit]] += 1


def _majority(unit_of_row: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The commonest code of each unit's rows, the lowest where several are."""
    kinds = int(codes.max()) + 1
    pairs, counts = np.unique(unit_of_row.astype(np.int64) * kinds + codes, return_counts=True)
    units, found = pairs // kinds, pairs % kinds
    best = np.lexsort((found, -counts, units))
    first = np.unique(units[best], return_index=True)[1]
    chosen = found[best][first]
    return np.unique(chosen, return_inverse=True)[1].reshape(-1)


Sweep = Callable[[UInt8[np.ndarray, "units lanes"], int, int], None]


def sweep_lanes(work: Sweep, resampling: Resampling) -> None:
    """Call `work(drawn, start, stop)` for every LANES replicates.

    `drawn` (units, LANES) holds the multiplicities of the replicates start..stop, side by side for each unit in the
    plan's order; lanes past `stop` hold 0. It is overwritten afterwards. There is one, the largest array of all, so the
    threads share it: they draw its tiles, and `work` is to cut its rows or models for them.
    """
    plan, key = resampling.plan, np.uint64(resampling.plan.key)
    drawn = np.empty((resampling.units, LANES), dtype=np.uint8)
    cuts = spans(len(plan.tiles) - 1, small=8)
    for start in range(0, resampling.draws, LANES):
        stop = min(start + LANES, resampling.draws)
        counts = resampling.tile_counts(start, stop)

        def draw(cut: slice, start: int = start, counts: np.ndarray = counts) -> None:
            draw_lanes(key, start, plan.tiles, counts, cut.start, cut.stop, drawn)

        side_by_side(draw, cuts)
        work(drawn, start, stop)


def replicate(
    statistic: Callable[[Float64[np.ndarray, " rows"]], Float[np.ndarray, " stats"]], resampling: Resampling
) -> Float64[np.ndarray, "draws stats"]:
    """Any statistic of weighted rows, replicate by replicate. A NaN says that the replicate lost what it needs.

    Parameters
    ----------
    statistic : from (rows,) multiplicities to (stats,) values.
    """
    found: list[np.ndarray] = []
    for start, stop in resampling.blocks():
        found.extend(np.atleast_1d(statistic(row.astype(np.float64))) for row in resampling.weights(start, stop))
    return np.asarray(found, dtype=np.float64).reshape(resampling.draws, -1)


@compiled
def _tally(position, drawn, codes, values, flat):
    """Register 0 holds the row's multiplicities, 1 + code x columns + column the sum of a code and column."""
    columns = values.shape[1]
    for row in range(len(position)):
        if row + AHEAD < len(position):
            fetch(drawn, position[row + AHEAD])
        widen(flat, 0, drawn, position[row])
        for column in range(columns):
            add_scaled(flat, 1 + codes[row] * columns + column, 0, values[row, column])


def tallies(
    codes: Integer[np.ndarray, " rows"],
    size: int,
    values: Float[np.ndarray, "rows columns"] | None,
    resampling: Resampling,
) -> Float64[np.ndarray, "draws codes columns"]:
    """Sums of `values` (ones where None) over the rows of each code, in every replicate.

    Confusion matrices, mean losses and reliability curves are functions of such sums.

    Parameters
    ----------
    codes : in 0..size - 1.
    """
    codes = np.ascontiguousarray(codes, dtype=np.int64)
    if len(codes) and not (codes.min() >= 0 and codes.max() < size):
        raise ValueError(f"The codes of tallies must lie in 0..{size - 1}.")
    columns = np.ones((len(codes), 1)) if values is None else np.asarray(values, dtype=np.float64)
    columns = np.ascontiguousarray(columns.reshape(len(codes), -1))
    out = np.zeros((resampling.draws, size, columns.shape[1]))

    def work(drawn: np.ndarray, start: int, stop: int) -> None:
        def part(span: slice) -> np.ndarray:
            registers = np.zeros((1 + size * columns.shape[1], LANES))
            _tally(resampling.plan.position[span], drawn, codes[span], columns[span], registers.reshape(-1))
            return registers[1:, : stop - start]

        sums = np.sum(side_by_side(part, spans(len(codes), SMALL)), axis=0)
        out[start:stop] = sums.T.reshape(-1, size, columns.shape[1])

    sweep_lanes(work, resampling)
    return out


def group_strata(
    groups: Bool[np.ndarray, "rows groups"], positive: Bool[np.ndarray, " rows"]
) -> Int[np.ndarray, " rows"]:
    """Strata for overlapping groups: the label and the rarest group of the row, or none.

    Every combination of groups as a stratum of its own would leave thousands of strata of one row, whose replicates
    never vary: intervals would come out too narrow.
    """
    groups = np.asarray(groups, dtype=bool)
    by_size = np.argsort(-groups.sum(axis=0), kind="stable")
    rarest = np.zeros(len(groups), dtype=np.int16)
    for rank, group in enumerate(by_size):
        rarest[groups[:, group]] = rank + 1
    rarest *= 2
    rarest += np.asarray(positive, dtype=bool)
    return rarest
