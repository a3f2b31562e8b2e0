"""Tests of means that hold at every number of rows: exact where losses are 0 or 1, by betting elsewhere."""

import numpy as np
import pytest
from scipy.stats import binom

from angelshare.stats.certify import betting_p, binomial_p, passed, rows_needed


def test_the_binomial_p_is_the_tail_of_the_counts():
    losses = np.array([[0, 0, 1, 0], [1, 1, 0, 1], [0, 0, 0, 0]])
    np.testing.assert_allclose(binomial_p(losses, 0.3), binom.cdf([1, 3, 0], 4, 0.3))


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("rows", [30, 400])
def test_betting_is_wrong_no_more_often_than_the_level(low, rows):
    """Means that lie exactly on the limit: the worst that the hypothesis allows."""
    draw, delta = np.random.default_rng(0), 0.1
    values, shares = np.array([low, 0.0, 1.0]), np.array([0.05, 0.85, 0.1])
    losses = draw.choice(values, p=shares, size=(4_000, rows))
    rate = (betting_p(losses, float(values @ shares), delta, low) <= delta).mean()
    assert rate <= delta + 2 * np.sqrt(delta * (1 - delta) / 4_000)


def test_betting_sees_nearly_what_a_normal_interval_would():
    """Which passes 86 % of these; Hoeffding's bound, blind to the small variance, passes none."""
    draw = np.random.default_rng(1)
    losses = draw.choice([-1.0, 0.0, 1.0], p=[0.03, 0.92, 0.05], size=(300, 2_000))
    assert (betting_p(losses, 0.035, 0.1, -1.0) <= 0.1).mean() > 0.65


def test_betting_row_by_row_is_the_definition():
    losses, limit, delta = np.array([0.0, 0.5, 0.0, 1.0, 0.0]), 0.4, 0.2
    capital, best, seen = 1.0, 1.0, []
    for value in losses:
        means = [(0.5 + sum(seen[: at + 1])) / (at + 2) for at in range(len(seen))]
        variance = (0.25 + sum((x - m) ** 2 for x, m in zip(seen, means, strict=True))) / (len(seen) + 1)
        bet = min(0.9 / (1 - limit), np.sqrt(2 * np.log(1 / delta) / (len(losses) * variance)))
        capital *= 1 + bet * (limit - value)
        best = max(best, capital)
        seen.append(value)
    assert betting_p(losses, limit, delta) == pytest.approx(1 / best)


def test_a_sequence_ends_at_the_first_that_fails():
    asked = []

    def p_values():
        for p in (0.01, 0.1, 0.2, 0.01):
            asked.append(p)
            yield p

    assert passed(p_values(), 0.1) == 2
    assert asked == [0.01, 0.1, 0.2]
    assert passed([float("nan")], 0.1) == 0


@pytest.mark.parametrize(("low", "binary"), [(0.0, True), (0.0, False), (-1.0, False)])
def test_the_fewest_rows_are_the_fewest(low, binary):
    count = rows_needed(0.03, 0.1, low, binary=binary)

    def p(rows):
        return binomial_p(np.zeros(rows), 0.03) if binary else betting_p(np.zeros(rows), 0.03, 0.1, low)

    assert p(count) <= 0.1 < p(count - 1)
