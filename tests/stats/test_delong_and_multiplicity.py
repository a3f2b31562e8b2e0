"""DeLong and the adjusted p values against independent, slower computations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, norm

from angelshare.findings import Outcome
from angelshare.stats.delong import delong
from angelshare.stats.multiplicity import benjamini_hochberg, holm, max_t
from angelshare.stats.outcome import outcome


def slow_delong(scores, positive):
    """The structural components of DeLong et al. (1988), pair by pair."""
    x, y = scores[positive], scores[~positive]
    psi = (x[:, None, :] > y[None]) + 0.5 * (x[:, None, :] == y[None])
    v10, v01 = psi.mean(axis=1), psi.mean(axis=0)
    area = psi.mean(axis=(0, 1))
    s10 = (v10 - area).T @ (v10 - area) / (len(x) - 1)
    s01 = (v01 - area).T @ (v01 - area) / (len(y) - 1)
    return area, s10 / len(x) + s01 / len(y)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([3, 10**6]), st.integers(1, 3))
def test_delong_equals_its_definition(seed, levels, models):
    rng = np.random.default_rng(seed)
    positive = np.concatenate([[True, True, False, False], rng.random(30) < 0.4])
    scores = rng.integers(0, levels, (34, models)) / 3
    area, covariance = delong(scores, positive)
    expected_area, expected = slow_delong(scores, positive)
    np.testing.assert_allclose(area, expected_area, atol=1e-12)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


def test_delong_of_short_classes():
    area, covariance = delong(np.array([0.1, 0.9, 0.3]), np.array([False, True, False]))
    assert area[0] == 1 and np.isnan(covariance).all()
    assert np.isnan(delong(np.ones(3), np.ones(3, dtype=bool))[0]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_values_equal_independent_ones(p):
    p = np.array(p)
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), atol=1e-12)
    m = len(p)
    # Holm by its definition: the largest of (number of p values at least as large in order) x p up to each.
    order = sorted(range(m), key=lambda i: p[i])
    expected = [max(min(1, (m - k) * p[order[k]]) for k in range(order.index(i) + 1)) for i in range(m)]
    np.testing.assert_allclose(holm(p), expected, atol=1e-12)


def test_missing_p_values_do_not_count():
    p = np.array([0.01, np.nan, 0.03])
    np.testing.assert_allclose(holm(p), [0.02, np.nan, 0.03])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.02, np.nan, 0.03])


def test_max_t_of_independent_statistics_is_sidak():
    rng = np.random.default_rng(0)
    drawn = 3 + 2 * rng.normal(size=(40_000, 5))
    expected = norm.ppf(0.5 + 0.95 ** (1 / 5) / 2)
    assert max_t(drawn, np.full(5, 3.0), np.full(5, 2.0)) == pytest.approx(expected, rel=0.02)
    same = np.repeat(drawn[:, :1], 5, axis=1)
    assert max_t(same, np.full(5, 3.0), np.full(5, 2.0)) == pytest.approx(norm.ppf(0.975), rel=0.02)
    assert max_t(drawn[:, :1], np.full(1, 3.0), np.full(1, 2.0)) == norm.ppf(0.975)


@pytest.mark.parametrize(
    ("low", "high", "margin", "expected"),
    [
        (-0.3, -0.02, 0.01, Outcome.LOSS),
        (0.01, 0.2, 0.01, Outcome.GAIN),
        (-0.01, 0.2, 0.01, Outcome.NO_LOSS),
        (0.0, 0.0, 0.0, Outcome.NO_LOSS),
        (-0.02, 0.2, 0.01, Outcome.INCONCLUSIVE),
        (-0.02, -0.01, 0.01, Outcome.INCONCLUSIVE),
        (-0.02, -0.01, None, Outcome.NOT_JUDGED),
        (None, None, 0.01, Outcome.NOT_ENOUGH_DATA),
        (float("nan"), 0.1, 0.01, Outcome.NOT_ENOUGH_DATA),
    ],
)
def test_outcomes_follow_the_rule(low, high, margin, expected):
    assert outcome(low, high, margin) is expected
