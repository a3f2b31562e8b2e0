"""Rank correlation of a handful of pairs: its value, its interval's coverage, and p by every order."""

import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from angelshare.stats.correlation import permutation_p, spearman


@pytest.mark.parametrize("n", [4, 8, 12])
def test_its_value_is_scipys_with_ties(n):
    rng = np.random.default_rng(n)
    x, y = rng.integers(0, 5, n).astype(float), rng.normal(size=n)
    found = spearman(x, y)
    assert found.value == pytest.approx(spearmanr(x, y).statistic)
    assert found.low < found.value < found.high and found.n == n and found.unit == "data set"
    assert spearman(x, -y).value == pytest.approx(-found.value)
    assert spearman(x, -y).low == pytest.approx(-found.high)


def test_the_interval_covers_what_it_says_at_eight_pairs():
    rng = np.random.default_rng(0)
    for r in (0.0, 0.6, 0.9, 0.99):
        truth, hits = 6 / np.pi * np.arcsin(r / 2), 0
        for _ in range(1500):
            x = rng.normal(size=8)
            found = spearman(x, r * x + np.sqrt(1 - r * r) * rng.normal(size=8))
            hits += found.low <= truth <= found.high
        assert hits / 1500 > 0.94, r


def test_a_perfect_order_is_not_certain():
    found = spearman(np.arange(8.0), np.exp(np.arange(8.0)))
    assert found.value == 1 and found.high == 1 and 0.6 < found.low < 0.97


def test_p_counts_every_order():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=6), rng.integers(0, 3, 6).astype(float)
    wanted = abs(spearmanr(x, y).statistic)
    orders = [abs(spearmanr(x, y[list(order)]).statistic) for order in itertools.permutations(range(6))]
    assert permutation_p(x, y) == pytest.approx(np.mean([value >= wanted - 1e-9 for value in orders]))
    assert permutation_p(np.arange(8.0), np.arange(8.0)) == pytest.approx(2 / 40_320)


def test_many_pairs_are_sampled_with_the_seed():
    x = np.arange(20.0)
    assert permutation_p(x, x, draws=999) == 1 / 1000
    y = np.random.default_rng(2).normal(size=20)
    assert permutation_p(x, y, draws=2000) == permutation_p(x, y, draws=2000)
    assert permutation_p(x, y, draws=20_000) == pytest.approx(spearmanr(x, y).pvalue, abs=0.03)


def test_nothing_to_order_and_too_few():
    assert np.isnan(spearman(np.ones(8), np.arange(8.0)).value) and np.isnan(permutation_p(np.ones(8), np.arange(8.0)))
    few = spearman(np.arange(3.0), np.arange(3.0))
    assert few.value == 1 and few.low is None and few.method == "none"
