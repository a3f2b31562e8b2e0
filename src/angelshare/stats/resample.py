"""The paired bootstrap: one set of multiplicities a replicate, for every model and every statistic."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Integer, UInt8

from angelshare.runs import rng
from angelshare.stats.compiled import compiled, side_by_side

LANES = 16
"""Replicates that a kernel carries abreast."""

BLOCK = 64
"""Replicates whose multiplicities `replicate` holds at once."""


class Plan(NamedTuple):
    """Units in the order of their strata.

    Attributes
    ----------
    position : (rows,) where the row's unit (itself, or its cluster) stands in that order.
    bounds : (strata + 1,) where each stratum begins and ends.
    key : of the random streams, one a draw.
    """

    position: Int[np.ndarray, " rows"]
    bounds: Int[np.ndarray, " edges"]
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
        codes = np.unique(np.asarray(self.strata), return_inverse=True)[1].reshape(-1)
        unit_strata, unit_of_row = codes, None
        if self.clusters is not None:
            unit_of_row = np.unique(np.asarray(self.clusters), return_inverse=True)[1].reshape(-1)
            unit_strata = _majority(unit_of_row, codes)
        order = np.argsort(unit_strata, kind="stable")
        position = np.empty(len(order), dtype=np.int32)
        position[order] = np.arange(len(order), dtype=np.int32)
        bounds = np.concatenate([[0], np.cumsum(np.bincount(unit_strata))]).astype(np.int64)
        key = int(rng(self.seed, "resampling").integers(0, 2**63))
        return Plan(position if unit_of_row is None else position[unit_of_row], bounds, key)

    def unit_weights(self, start: int, stop: int) -> UInt8[np.ndarray, "draws units"]:
        """Multiplicities of the units, in the plan's order."""
        drawn = np.zeros((stop - start, self.units), dtype=np.uint8)
        draw_units(np.uint64(self.plan.key), start, self.plan.bounds, drawn)
        return drawn

    def weights(self, start: int = 0, stop: int | None = None) -> UInt8[np.ndarray, "draws rows"]:
        """Multiplicity of every row in the replicates start..stop."""
        stop = self.draws if stop is None else stop
        return self.unit_weights(start, stop)[:, self.plan.position]

    def blocks(self, size: int = BLOCK) -> list[tuple[int, int]]:
        return [(start, min(start + size, self.draws)) for start in range(0, self.draws, size)]


def _majority(unit_of_row: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The commonest code of each unit's rows, the lowest where several are."""
    kinds = int(codes.max()) + 1
    pairs, counts = np.unique(unit_of_row.astype(np.int64) * kinds + codes, return_counts=True)
    units, found = pairs // kinds, pairs % kinds
    best = np.lexsort((found, -counts, units))
    first = np.unique(units[best], return_index=True)[1]
    chosen = found[best][first]
    return np.unique(chosen, return_inverse=True)[1].reshape(-1)


@compiled
def mix(state):  # type: ignore[no-untyped-def]
    """The finaliser of splitmix64."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@compiled
def draw_units(key, start, bounds, out):  # type: ignore[no-untyped-def]
    """Fill `out` (draws, units), zeros before, with multiplicities; two draws from each 64 random bits."""
    gamma = np.uint64(0x9E3779B97F4A7C15)
    for at in range(out.shape[0]):
        state = mix(key ^ mix(np.uint64(start + at + 1) * gamma))
        drawn = out[at]
        for stratum in range(len(bounds) - 1):
            low = bounds[stratum]
            count = bounds[stratum + 1] - low
            size = np.uint64(count)
            bits = np.uint64(0)
            for j in range(count):
                if j & 1:
                    bits = bits >> np.uint64(32)
                else:
                    state += gamma
                    bits = mix(state)
                chosen = ((bits & np.uint64(0xFFFFFFFF)) * size) >> np.uint64(32)
                drawn[low + np.int64(chosen)] += np.uint8(1)


@compiled
def draw_lanes(key, start, stop, bounds, scratch, out):  # type: ignore[no-untyped-def]
    """Fill `out` (units, LANES) with the replicates start..stop, four columns at a time; lanes past `stop` hold 0."""
    units = out.shape[0]
    for first in range(0, LANES, 4):
        scratch[:] = 0
        count = min(4, stop - start - first)
        if count > 0:
            draw_units(key, start + first, bounds, scratch[:count])
        for unit in range(units):
            for lane in range(4):
                out[unit, first + lane] = scratch[lane, unit]


def lanes(resampling: Resampling, start: int) -> UInt8[np.ndarray, "units lanes"]:
    """Multiplicities of LANES replicates from `start` on, side by side for each unit."""
    plan = resampling.plan
    out = np.empty((resampling.units, LANES), dtype=np.uint8)
    scratch = np.empty((4, resampling.units), dtype=np.uint8)
    draw_lanes(np.uint64(plan.key), start, min(start + LANES, resampling.draws), plan.bounds, scratch, out)
    return out


def replicate(
    statistic: Callable[[Float64[np.ndarray, " rows"]], Float[np.ndarray, " stats"]], resampling: Resampling
) -> Float64[np.ndarray, "draws stats"]:
    """Any statistic of weighted rows, replicate by replicate. A NaN says that the replicate lost what it needs.

    Parameters
    ----------
    statistic : from (rows,) multiplicities to (stats,) values.
    """
    found = []
    for start, stop in resampling.blocks():
        found.extend(np.atleast_1d(statistic(row.astype(np.float64))) for row in resampling.weights(start, stop))
    return np.asarray(found, dtype=np.float64).reshape(resampling.draws, -1)


@compiled
def _tally(drawn, position, codes, values, out):  # type: ignore[no-untyped-def]
    for at in range(drawn.shape[0]):
        for row in range(len(position)):
            weight = drawn[at, position[row]]
            if weight:
                for column in range(values.shape[1]):
                    out[at, codes[row], column] += weight * values[row, column]


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
    if len(codes) and not (0 <= codes.min() and codes.max() < size):
        raise ValueError(f"The codes of tallies must lie in 0..{size - 1}.")
    columns = np.ones((len(codes), 1)) if values is None else np.asarray(values, dtype=np.float64)
    columns = np.ascontiguousarray(columns.reshape(len(codes), -1))
    out = np.zeros((resampling.draws, size, columns.shape[1]))

    def work(block: tuple[int, int]) -> None:
        start, stop = block
        _tally(resampling.unit_weights(start, stop), resampling.plan.position, codes, columns, out[start:stop])

    side_by_side(work, resampling.blocks(LANES))
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
    rarest = np.zeros(len(groups), dtype=np.int64)
    for rank, group in enumerate(by_size):
        rarest[groups[:, group]] = rank + 1
    return rarest * 2 + np.asarray(positive, dtype=bool)
