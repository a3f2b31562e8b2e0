"""Pearson's correlation, also of sums over rows: its bootstrap replicates come from `stats.resample.tallies`."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float64, Real

Row: TypeAlias = Real[np.ndarray, " rows"]


def pearson(x: Row, y: Row, weights: Row | None = None) -> float:
    """Pearson's correlation, in [-1, 1]; weights count as repetitions. NaN where one of them is constant."""
    weight = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    return float(pearson_of(weight @ moments(x, y)))


def moments(x: Row, y: Row) -> Float64[np.ndarray, "rows 6"]:
    """What each row adds to the sums of 1, x, y, x^2, y^2 and xy, both around their means: sums of large numbers
    that differ little would lose the difference.
    """
    one, other = (np.asarray(values, dtype=np.float64) - np.mean(values) for values in (x, y))
    return np.stack((np.ones(len(one)), one, other, one**2, other**2, one * other), axis=1)


def pearson_of(sums: Real[np.ndarray, "*any 6"]) -> Float64[np.ndarray, "*any"]:
    """`pearson` of sums of `moments`."""
    count, one, other, square, other_square, product = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = square - one**2 / count, other_square - other**2 / count
        least = 1e-12 * np.stack((square, other_square))
        known = (spread[0] > least[0]) & (spread[1] > least[1])
        found = (product - one * other / count) / np.sqrt(np.where(known, spread[0] * spread[1], np.nan))
    return np.asarray(np.clip(found, -1, 1))
