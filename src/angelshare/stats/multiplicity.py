"""Many tests at once: Holm, Benjamini and Hochberg, and the largest of many t statistics."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64
from scipy.stats import norm


def holm(p: Float[np.ndarray, " tests"]) -> Float64[np.ndarray, " tests"]:
    """Adjusted p values of Holm (1979): the family-wise error is kept. NaN stays NaN and does not count."""
    return _stepwise(p, lambda ordered: np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1)))


def benjamini_hochberg(p: Float[np.ndarray, " tests"]) -> Float64[np.ndarray, " tests"]:
    """Adjusted p values of Benjamini and Hochberg (1995): the false discovery rate. NaN stays NaN."""

    def step_up(ordered: np.ndarray) -> np.ndarray:
        scaled = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _stepwise(p, step_up)


def _stepwise(p: np.ndarray, adjust: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    values = np.asarray(p, dtype=np.float64)
    out = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    out[order] = np.minimum(adjust(values[order]), 1.0)
    return out


def max_t(
    replicates: Float[np.ndarray, "draws stats"],
    point: Float[np.ndarray, " stats"],
    errors: Float[np.ndarray, " stats"],
    level: float = 0.95,
) -> float:
    """The factor of the standard errors that covers all of a family at once.

    The quantile of the largest |replicate - point| / error over the family; never below the plain normal one.
    Statistics that never vary (error 0) take no part; NaN replicates are left out.
    """
    plain = float(norm.ppf(0.5 + level / 2))
    moving = np.isfinite(errors) & (errors > 0)
    if moving.sum() < 2:
        return plain
    t = np.abs(replicates[:, moving] - point[moving]) / errors[moving]
    largest = np.max(t, axis=1, initial=-np.inf, where=np.isfinite(t))
    largest = largest[np.isfinite(largest)]
    if not len(largest):
        return bonferroni(int(moving.sum()), level)
    return max(plain, float(np.quantile(largest, level, method="higher")))


def bonferroni(tests: int, level: float = 0.95) -> float:
    """The factor of the standard errors that covers `tests` statistics of unknown dependence."""
    return float(norm.ppf(1 - (1 - level) / 2 / max(tests, 1)))
