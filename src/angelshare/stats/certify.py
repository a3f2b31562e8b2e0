"""Is a mean loss below a limit? Tests that hold at every number of rows, and the order in which many may be made.

Learn-then-Test (Angelopoulos, Bates, Candès, Jordan, Lei 2021, https://arxiv.org/abs/2110.01052): each candidate is the
hypothesis that its mean loss is above the limit; they are tested in an order chosen beforehand, each at the full
level, up to the first that is not rejected. The chance that any rejected before was a wrong one is at most the level.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64, Real
from scipy.special import bdtr

CAP = 0.9
"""Of the largest bet that cannot lose all of the capital: a single row of the largest loss leaves a tenth of it."""


def binomial_p(losses: Real[np.ndarray, "*tests rows"], limit: float) -> Float64[np.ndarray, "*tests"]:
    """Exact p of "the mean is above `limit`" where every loss is 0 or 1."""
    return np.asarray(bdtr(np.asarray(losses).sum(axis=-1), np.shape(losses)[-1], limit), dtype=np.float64)


def betting_p(
    losses: Real[np.ndarray, "*tests rows"], limit: float, delta: float, low: float = 0.0
) -> Float64[np.ndarray, "*tests"]:
    """The p of "the mean is above `limit`" for losses in [low, 1], by betting against it row by row.

    Under the hypothesis no strategy makes the capital grow on average, so it exceeds 1/p with a chance of at most p.
    The bets follow the variance seen so far: where losses are rare, few rows suffice. Waudby-Smith and Ramdas 2020
    (https://arxiv.org/abs/2010.09686), with the bets of Bates et al. 2021 (https://arxiv.org/abs/2101.02703), eq. 17.

    Parameters
    ----------
    losses : rows in random order: the bets on a row are made from those before it.
    delta : the level at which p will be used, for which the bets are tuned; p holds at any.
    """
    values = (np.asarray(losses, dtype=np.float64) - low) / (1 - low)
    mean = (limit - low) / (1 - low)
    count = values.shape[-1]
    seen = np.arange(1, count + 1)
    means = (0.5 + np.cumsum(values, axis=-1)) / (seen + 1)
    variances = (0.25 + np.cumsum((values - means) ** 2, axis=-1)) / (seen + 1)
    before = np.concatenate([np.full((*values.shape[:-1], 1), 0.25), variances[..., :-1]], axis=-1)
    bets = np.minimum(CAP / (1 - mean), np.sqrt(2 * np.log(1 / delta) / (max(count, 1) * before)))
    capital = np.cumsum(np.log1p(bets * (mean - values)), axis=-1)
    return np.asarray(np.exp(-np.maximum(capital.max(axis=-1, initial=0.0), 0.0)))


def passed(p_values: Iterable[float], delta: float) -> int:
    """How many tests of a fixed sequence pass: those before the first whose p is above `delta`."""
    count = 0
    for p in p_values:
        if not p <= delta:
            break
        count += 1
    return count


def rows_needed(limit: float, delta: float, low: float = 0.0, *, binary: bool) -> int:
    """The fewest rows, all of them without a loss, that show a mean of at most `limit`."""
    if binary:
        return int(np.ceil(np.log(delta) / np.log1p(-limit)))
    most = 1
    while betting_p(np.zeros(most), limit, delta, low) > delta:
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        if betting_p(np.zeros(middle), limit, delta, low) > delta:
            least = middle
        else:
            most = middle
    return most
