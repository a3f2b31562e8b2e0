"""Pearson's correlation against scipy's, and its sums against the correlation of rows that are repeated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from angelshare.metrics.correlation import moments, pearson, pearson_of


@given(st.integers(3, 60), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e6]))
@settings(deadline=None)
def test_it_is_scipys(rows, seed, offset):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    y = 0.5 * x + rng.normal(size=rows)
    assert pearson(x + offset, y) == pytest.approx(pearsonr(x, y).statistic, abs=1e-8)


@given(st.integers(3, 40), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_weight_is_a_repetition(rows, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, rows))
    weights = rng.integers(0, 4, size=rows)
    weights[:3] += 1
    expected = pearsonr(np.repeat(x, weights), np.repeat(y, weights)).statistic
    assert pearson(x, y, weights) == pytest.approx(expected, abs=1e-9)


def test_a_constant_has_none():
    rng = np.random.default_rng(0)
    x = rng.normal(size=20)
    assert np.isnan(pearson(x, np.full(20, 0.1)))
    assert np.isnan(pearson(np.full(20, 2.7), x))
    once = np.zeros(20)
    once[3] = 20  # a replicate of one row
    assert np.isnan(pearson_of(once @ moments(x, x)))
