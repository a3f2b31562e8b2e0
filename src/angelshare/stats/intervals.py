"""The intervals of a figure and of a paired difference, given a standard error and how many of them to go out.

Which kind is used was chosen by the coverage grid: docs/coverage.md.
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Float64
from scipy.stats import norm

from angelshare.findings import Estimate

MEASURED_FROM = 50
"""Rows of the smaller class (or clusters) from which the intervals cover at least 93 % at the level of 95 %."""

VALUE_METHOD = "logit"
DELTA_METHOD = "normal"

Ends: TypeAlias = tuple[float, float]
NOWHERE: Ends = (float("nan"), float("nan"))


def normal_factor(level: float) -> float:
    """Standard errors on either side of a two-sided normal interval."""
    return float(norm.ppf(0.5 + level / 2))


def rule_of_three(n: int, level: float = 0.95) -> float:
    """The share that may hide behind n rows none of which show it: about 3 / n at 95 %."""
    return float(min(1.0, -np.log(1 - level) / n)) if n > 0 else 1.0


def bounded(value: float, error: float, n: int, low: float, high: float, level: float = 0.95) -> Ends:
    """The interval of a figure; it stays inside the metric's range [low, high].

    Symmetric on the logit scale, on the log scale where only the lower end is finite, on its own where neither is. A
    figure at an end of a finite range has no error to go by: the rule of three stands in.
    """
    if not (np.isfinite(value) and np.isfinite(error)):
        return NOWHERE
    step = normal_factor(level) * error
    if np.isfinite(low) and np.isfinite(high):
        share = (value - low) / (high - low)
        hidden = rule_of_three(n, level) * (high - low)
        if share <= 0:
            return low, low + hidden
        if share >= 1:
            return high - hidden, high
        odds = np.log(share / (1 - share)) + np.array([-1, 1]) * step / (high - low) / (share * (1 - share))
        ends = low + (high - low) / (1 + np.exp(-np.clip(odds, -700, 700)))
    elif np.isfinite(low) and value > low:
        ends = low + (value - low) * np.exp(np.clip(np.array([-1, 1]) * step / (value - low), -700, 700))
    else:
        ends = value + np.array([-1, 1]) * step
    return float(ends[0]), float(ends[1])


def p_values(delta: Float[np.ndarray, " stats"], error: Float[np.ndarray, " stats"]) -> Float64[np.ndarray, " stats"]:
    """Two-sided normal p of no difference; 1 where neither the difference nor its error moves."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where((delta == 0) & (error == 0), 0.0, np.abs(delta) / error)
    return np.asarray(2 * norm.sf(z))


def independent_difference(one: Estimate, other: Estimate) -> Estimate:
    """One figure less another of other rows: the ends of both intervals recombined (Zou and Donner 2008, MOVER).

    No interval where one of them has none.
    """
    value = one.value - other.value
    ends = (one.low, one.high, other.low, other.high)
    if any(end is None for end in ends):
        return Estimate(value, level=one.level)
    low, high, other_low, other_high = (float(end) for end in ends if end is not None)
    down = np.hypot(one.value - low, other_high - other.value)
    up = np.hypot(high - one.value, other.value - other_low)
    return Estimate(value, float(value - down), float(value + up), min(one.n, other.n), "mover", one.level, one.unit)
