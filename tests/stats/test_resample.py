"""Replicates: strata kept, clusters whole, the same bytes for the same seed."""

import numpy as np
import pytest
from scipy.stats import chisquare

from angelshare.stats import draws
from angelshare.stats.resample import LANES, Resampling, replicate, sweep_lanes, tallies


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def test_strata_keep_their_size(rng):
    strata = rng.integers(0, 4, 300) * 7 - 3
    weights = Resampling(strata, draws=50, seed=1).weights()
    for stratum in np.unique(strata):
        rows = strata == stratum
        assert (weights[:, rows].sum(axis=1) == rows.sum()).all()


def test_clusters_stay_whole_within_the_stratum_of_most_of_their_rows(rng):
    clusters = np.repeat(np.arange(40), 5)
    strata = np.repeat(np.arange(40) % 2, 5)
    strata[7] = 1 - strata[7]
    resampling = Resampling(strata, np.array([f"template {c}" for c in clusters]), draws=30, seed=1)
    weights = resampling.weights()
    assert resampling.unit == "cluster" and resampling.units == 40
    by_cluster = weights.reshape(30, 40, 5)
    assert (by_cluster == by_cluster[:, :, :1]).all()
    for label in (0, 1):
        assert (by_cluster[:, np.arange(40) % 2 == label, 0].sum(axis=1) == 20).all()


def test_the_same_seed_draws_the_same_however_it_is_cut():
    strata = (np.arange(3 * draws.TILE) % 3 == 0).astype(int)
    resampling = Resampling(strata, draws=LANES + 5, seed=9)
    whole = resampling.weights()
    pieces = [resampling.weights(0, 3), resampling.weights(3, 17), resampling.weights(17)]
    np.testing.assert_array_equal(whole, np.concatenate(pieces))
    seen = {}
    sweep_lanes(lambda drawn, start, stop: seen.update({start: (drawn.copy(), stop)}), resampling)
    second, stop = seen[LANES]
    assert sorted(seen) == [0, LANES] and stop == LANES + 5
    np.testing.assert_array_equal(seen[0][0][resampling.plan.position].T, whole[:LANES])
    np.testing.assert_array_equal(second[resampling.plan.position].T[:5], whole[LANES:])
    assert not second[:, 5:].any()
    assert (Resampling(strata, draws=2, seed=10).weights() != whole[:2]).any()
    assert (whole[:, strata == 1].sum(axis=1) == strata.sum()).all()
    assert (whole[0] != whole[1]).any()


def test_units_are_drawn_alike():
    weights = Resampling(np.zeros(2 * draws.TILE + 10, dtype=int), draws=40, seed=4).weights().astype(float)
    parts = np.array_split(weights.sum(axis=0), 50)
    assert chisquare([p.sum() for p in parts], [len(p) * 40 for p in parts]).pvalue > 1e-3
    assert weights.var() == pytest.approx(1, abs=0.01)
    small = Resampling(np.zeros(5, dtype=int), draws=20_000, seed=4).weights().astype(float)
    np.testing.assert_allclose(small.mean(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(np.cov(small.T, ddof=1), np.eye(5) - 1 / 5, atol=0.05)


def test_replicate_gives_the_error_of_a_mean(rng):
    values = rng.normal(size=400)
    resampling = Resampling(np.zeros(400, dtype=int), draws=2000, seed=1)

    def mean(w):
        return np.array([w @ values / w.sum(), np.nan])

    found = replicate(mean, resampling)
    assert found.shape == (2000, 2) and np.isnan(found[:, 1]).all()
    assert found[:, 0].std() == pytest.approx(values.std() / 20, rel=0.06)


def test_tallies_are_weighted_counts(rng):
    codes, values = rng.integers(0, 4, 90), rng.normal(size=(90, 2))
    resampling = Resampling(rng.integers(0, 2, 90), rng.integers(0, 20, 90), draws=21, seed=5)
    found, counts = tallies(codes, 4, values, resampling), tallies(codes, 4, None, resampling)
    for draw, weights in enumerate(resampling.weights()):
        np.testing.assert_allclose(counts[draw, :, 0], np.bincount(codes, weights, minlength=4))
        for column in range(2):
            expected = np.bincount(codes, weights * values[:, column], minlength=4)
            np.testing.assert_allclose(found[draw, :, column], expected, atol=1e-12)
    with pytest.raises(ValueError, match=r"0\.\.2"):
        tallies(codes, 3, None, resampling)
