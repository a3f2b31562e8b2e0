"""Rank correlation over a handful of things, data sets say: its interval, and how often chance does as well."""

import itertools

import numpy as np
from jaxtyping import Float64, Real
from scipy.stats import rankdata

from angelshare.findings import Estimate
from angelshare.runs import rng
from angelshare.stats.intervals import normal_factor

EXACT = 9
"""So many things or fewer have all their orders counted (9! = 362,880)."""

LEAST = 4
"""With fewer the variance of the interval does not exist."""


def spearman(
    x: Real[np.ndarray, " things"], y: Real[np.ndarray, " things"], *, level: float = 0.95, unit: str = "data set"
) -> Estimate:
    """Spearman's rank correlation in [-1, 1], ties at midranks, with the interval of Bonett and Wright (2000).

    The interval is Fisher's, tanh(atanh(r) +- z sqrt((1 + r^2 / 2) / (n - 3))), https://doi.org/10.1007/BF02294183. It
    is not a bootstrap: eight pairs drawn with replacement leave five of them, many tied, and the percentiles cover too
    little (docs/coverage.md). A perfect order has no variance to go by: its interval reaches as far inwards as that of
    an order with one neighbouring pair exchanged.

    Returns
    -------
    Its value is NaN, without an interval, where all of x or all of y are equal; with fewer than four pairs there is no
    interval.
    """
    value, n = _correlation(_centred(x), _centred(y)), len(x)
    if not np.isfinite(value) or n < LEAST:
        return Estimate(float(value), None, None, n, "none", level, unit)
    most = 1 - 12 / (n * (n**2 - 1))
    inner = float(np.clip(value, -most, most))
    step = normal_factor(level) * np.sqrt((1 + inner**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(inner) + np.array([-1, 1]) * step)
    low, high = (-1.0 if value < -most else low), (1.0 if value > most else high)
    return Estimate(float(value), float(low), float(high), n, "fisher_bonett_wright", level, unit)


def permutation_p(
    x: Real[np.ndarray, " things"], y: Real[np.ndarray, " things"], *, draws: int = 100_000, seed: int = 0
) -> float:
    """Two-sided p of no rank correlation: the share of the orders of y that correlate at least as strongly.

    Exact up to nine pairs; beyond, (1 + hits) / (1 + draws) of random orders. NaN where all of x or of y are equal.
    """
    one, other = _centred(x), _centred(y)
    found = _correlation(one, other)
    if not np.isfinite(found):
        return float("nan")
    n = len(one)
    if n <= EXACT:
        orders = np.array(list(itertools.permutations(range(n))))
    else:
        draw = rng(seed, "permutation")
        orders = draw.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    reached = np.abs(other[orders] @ one) >= np.abs(other @ one) - 1e-9
    hits = int(reached.sum())
    return hits / len(orders) if n <= EXACT else (1 + hits) / (1 + draws)


def _centred(values: Real[np.ndarray, " things"]) -> Float64[np.ndarray, " things"]:
    ranks = np.asarray(rankdata(values), dtype=np.float64)
    return ranks - ranks.mean()


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    scale = np.sqrt((one @ one) * (other @ other))
    return float(np.clip(one @ other / scale, -1, 1)) if scale > 0 else float("nan")
