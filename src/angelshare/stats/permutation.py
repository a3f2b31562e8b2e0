"""Is it luck that the first of two sets scores higher? All ways to part the scores in two, or many drawn ones."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from angelshare.runs import rng
from angelshare.stats.compiled import compiled, side_by_side
from angelshare.stats.draws import GAMMA, mix

EXACT = 40
"""Scores up to which all partitions are counted: each half then has at most a million subsets."""

DRAWS = 100_000

CHUNK = 4_096
"""Partitions drawn from one random stream, so that threads do not change what is drawn."""

STEPS = 2**40
"""Scores become whole numbers of 1 / STEPS of the largest: sums do not hang on the order of adding."""


@dataclass(frozen=True)
class Partitions:
    """One-sided p of the first set's sum, and out of how many partitions; `exact`: out of all."""

    p: float
    count: int
    exact: bool


def partitions(scores: Float64[np.ndarray, " scores"], first: int, *, seed: int = 0, draws: int = DRAWS) -> Partitions:
    """How often a partition into sets of these sizes has a sum of its first set as large as the one given, or larger.

    Of all partitions where there are few scores; else (1 + hits) / (1 + draws) of drawn ones.

    Parameters
    ----------
    first : scores of the first set, which come first.
    """
    if not np.isfinite(scores).all():
        return Partitions(float("nan"), 0, exact=False)
    largest = float(np.abs(scores).max(initial=0.0))
    values = np.rint(scores * (STEPS / largest if largest > 0 else 0.0)).astype(np.int64)
    least = int(values[:first].sum()) - len(values)  # rounding may part two sums that tie by that much
    if len(values) <= EXACT:
        every = math.comb(len(values), first)
        return Partitions(_as_large(values, first, least) / every, every, exact=True)
    key = np.uint64(rng(seed, "partitions").integers(0, 2**63))
    chunks = [(chunk, min(CHUNK, draws - chunk * CHUNK)) for chunk in range(-(-draws // CHUNK))]
    hits = sum(side_by_side(lambda chunk: int(_drawn(values, first, least, key, *chunk)), chunks))
    return Partitions((1 + hits) / (1 + draws), draws, exact=False)


def _as_large(values: np.ndarray, first: int, least: int) -> int:
    """How many subsets of `first` values sum to at least `least`, by meeting in the middle.

    The subsets of each half are sorted by size and sum; for each of the one half, those of the other that reach the sum
    with it follow from one look-up.
    """
    half = len(values) // 2
    (left, left_sizes), (right, right_sizes) = _subsets(values[:half]), _subsets(values[half:])
    hits = 0
    for size in range(max(0, first - (len(values) - half)), min(half, first) + 1):
        ones, others = np.sort(left[left_sizes == size]), np.sort(right[right_sizes == first - size])
        hits += len(ones) * len(others) - int(np.searchsorted(others, least - ones, side="left").sum())
    return hits


def _subsets(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum and the size of every subset."""
    sums, sizes = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int8)
    for value in values:
        sums, sizes = np.concatenate((sums, sums + value)), np.concatenate((sizes, sizes + np.int8(1)))
    return sums, sizes


@compiled
def _drawn(values, first, least, key, chunk, draws):
    """Of some random partitions, how many have a sum that large: the start of a shuffle is a set drawn at random.

    What one draw left in disorder the next one shuffles on: any order is as good a start. 64 bits are two numbers.
    """
    order = values.copy()
    count = np.uint64(len(values))
    state = mix(key ^ mix(np.uint64(chunk + 1) * GAMMA))
    bits, hits = np.uint64(0), 0
    for _ in range(draws):
        total = 0
        for at in range(first):
            if at & 1:
                bits = bits >> np.uint64(32)
            else:
                state += GAMMA
                bits = mix(state)
            left = count - np.uint64(at)
            other = at + np.int64(((bits & np.uint64(0xFFFFFFFF)) * left) >> np.uint64(32))
            value = order[other]
            order[other] = order[at]
            order[at] = value
            total += value
        hits += total >= least
    return hits
