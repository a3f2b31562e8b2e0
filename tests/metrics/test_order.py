"""The radix sort against NumPy's."""

import numpy as np
import pytest

from angelshare.metrics.order import ascending, ascending_and_tied


@pytest.mark.parametrize(
    "make",
    [
        lambda rng, n: rng.normal(size=n),
        lambda rng, n: rng.normal(size=n).round(1),
        lambda rng, n: 1 + rng.random(n) * 1e-12,
        lambda rng, n: rng.choice([-0.0, 0.0, 1e-308, -1e308, 1e308, np.inf, -np.inf], n),
        lambda rng, n: 1 / (1 + np.exp(-40 * rng.normal(size=n))),
        lambda rng, n: np.zeros(n),
        lambda rng, n: rng.normal(size=n).astype(np.float32),
        lambda rng, n: np.append(rng.random(n - 1), 1e300),
    ],
    ids=["normal", "ties", "narrow", "extremes", "saturated", "constant", "float32", "outlier"],
)
@pytest.mark.parametrize("rows", [7, 20_000])
def test_the_order_is_the_stable_one(make, rows):
    scores = np.asarray(make(np.random.default_rng(0), rows), dtype=np.float64)
    np.testing.assert_array_equal(ascending(scores), np.argsort(scores, kind="stable"))


@pytest.mark.parametrize("rows", [50, 20_000])
def test_ties_are_those_of_the_sorted_scores(rows):
    scores = np.random.default_rng(1).integers(-300, 300, rows) / 7
    order, tied = ascending_and_tied(scores)
    np.testing.assert_array_equal(tied[1:], np.diff(scores[order]) == 0)
    assert not tied[0]
