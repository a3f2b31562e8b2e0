"""Masks: which tokens are drawn, how often, and what stands in their place."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import chisquare

from angelshare.training.masking import Smoothed, drawn

SPECIAL = np.arange(30) < 5
COUNTS = np.concatenate([np.zeros(10, dtype=int), 2 ** np.arange(20) // 100])


def smoothed(share=0.15):
    weights = np.where(SPECIAL, 0.0, np.maximum(COUNTS, 1.0) ** -0.7)
    return Smoothed(share, SPECIAL, 4, weights)


def batch(rows=4, longest=12, seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 30, size=(rows, longest))
    return ids, np.arange(longest) < rng.integers(5, longest + 1, size=(rows, 1))


def test_the_first_drawn_token_follows_p():
    ids, real = batch()
    weights = np.where(real, smoothed().weights[ids], 0.0).ravel()
    rng = np.random.default_rng(1)
    first = np.bincount([drawn(weights, 5, rng)[0] for _ in range(40_000)], minlength=len(weights))
    assert not first[weights == 0].any()
    able = weights > 0
    assert chisquare(first[able], 40_000 * weights[able] / weights.sum()).pvalue > 0.001


def test_inclusion_rates_are_those_of_weighted_sampling_without_replacement():
    weights, count, draws = np.array([5.0, 2.0, 0.0, 1.0, 1.0, 0.5]), 3, 40_000
    expected = np.zeros(len(weights))
    for order in itertools.permutations(np.flatnonzero(weights), count):  # one draw after the other, by definition
        chance, left = 1.0, weights.sum()
        for at in order:
            chance, left = chance * weights[at] / left, left - weights[at]
        expected[list(order)] += chance
    rng = np.random.default_rng(2)
    found = np.bincount(np.concatenate([drawn(weights, count, rng) for _ in range(draws)]), minlength=len(weights))
    error = np.sqrt(expected * (1 - expected) / draws)
    assert (np.abs(found / draws - expected) <= 4.5 * error).all()
    assert expected[0] < count * weights[0] / weights.sum()  # they saturate: this is not drawing with replacement


def test_as_many_as_the_share_says_and_never_a_special_or_padding():
    for seed in range(50):
        ids, real = batch(seed=seed)
        seen, chosen = smoothed()(ids, real, np.random.default_rng(seed))
        assert chosen.sum() == math.ceil(0.15 * real.sum())
        assert not (chosen & (~real | SPECIAL[ids])).any() and (seen[~chosen] == ids[~chosen]).all()


def test_more_than_there_are_takes_all():
    ids, real = batch()
    able = real & ~SPECIAL[ids]
    assert (smoothed(0.999)(ids, real, np.random.default_rng(0))[1] == able).all()
    assert not len(drawn(np.zeros(4), 2, np.random.default_rng(0)))
    assert not len(drawn(np.ones(4), 0, np.random.default_rng(0)))


def test_rare_tokens_are_drawn_more_often_and_80_10_10():
    rng = np.random.default_rng(3)
    ids = rng.integers(5, 30, size=(400, 200))
    seen, chosen = smoothed()(ids, np.ones_like(ids, dtype=bool), np.random.default_rng(4))
    assert chosen.mean() == pytest.approx(0.15, abs=1e-5)
    by_token = np.bincount(ids[chosen], minlength=30) / np.bincount(ids.ravel(), minlength=30).clip(1)
    assert by_token[29] < by_token[25] < by_token[20] < by_token[6]
    became = seen[chosen]
    assert (became == 4).mean() == pytest.approx(0.8, abs=0.02)
    assert (became == ids[chosen]).mean() == pytest.approx(0.1 + 0.1 / 25, abs=0.02)
    assert not SPECIAL[became[became != 4]].any()


def test_padding_moves_nothing():
    ids, real = batch()
    wide = np.pad(ids, ((0, 0), (0, 3)))
    _, chosen = smoothed()(ids, real, np.random.default_rng(0))
    _, again = smoothed()(wide, np.pad(real, ((0, 0), (0, 3))), np.random.default_rng(0))
    assert (again[:, :-3] == chosen).all() and not again[:, -3:].any()
