"""The chance of a partition: all of them counted one by one, and as many again drawn."""

import itertools
import math

import numpy as np
import pytest

from angelshare.stats import permutation
from angelshare.stats.permutation import partitions


def one_by_one(scores, first):
    """Share of the subsets of that size whose sum is no smaller; sums in whole numbers, so ties are ties."""
    sums = [sum(chosen) for chosen in itertools.combinations(scores, first)]
    return sum(found >= sum(scores[:first]) for found in sums) / len(sums)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (5, 5), (6, 4), (8, 8)])
@pytest.mark.parametrize("values", [3, 1000])
def test_counted_in_the_middle_as_one_by_one(first, second, values):
    rng = np.random.default_rng(first * values)
    scores = rng.integers(-values, values + 1, size=first + second)
    found = partitions(scores / 8, first)
    assert found.p == pytest.approx(one_by_one(scores.tolist(), first), abs=0)
    assert (found.exact, found.count) == (True, math.comb(first + second, first))


def test_ties_count_against():
    assert partitions(np.array([0.1, 0.1, 0.1, 0.1]), 2).p == 1
    assert partitions(np.zeros(6), 3).p == 1
    assert partitions(np.array([0.1, 0.2, 0.3, 0.3, 0.1, 0.2]), 3).p == one_by_one([1, 2, 3, 3, 1, 2], 3)


def test_ties_are_ties_in_any_order_of_adding():
    scores = np.array([0.1, 0.7, 0.3, 0.1, 0.3, 0.7])
    assert partitions(scores, 3).p == partitions(scores[[2, 0, 1, 4, 3, 5]], 3).p == one_by_one([1, 7, 3, 1, 3, 7], 3)


def test_drawn_ones_agree_with_all(monkeypatch):
    rng = np.random.default_rng(5)
    for shift in (0.0, 0.7, 1.5):
        scores = np.concatenate((rng.normal(shift, 1, size=9), rng.normal(size=11)))
        exact = partitions(scores, 9)
        with monkeypatch.context() as few:
            few.setattr(permutation, "EXACT", 0)
            drawn = partitions(scores, 9, seed=1)
        assert not drawn.exact
        error = math.sqrt(exact.p * (1 - exact.p) / drawn.count)
        assert abs(drawn.p - exact.p) < 4 * error + 2 / drawn.count


def test_every_subset_is_as_likely(monkeypatch):
    """Sums that tell the subset: each of the ten pairs of five must be drawn a tenth of the time."""
    monkeypatch.setattr(permutation, "EXACT", 0)
    scores = 2.0 ** np.arange(5)
    pairs = sorted(itertools.combinations(scores, 2), key=sum)
    for at, pair in enumerate(pairs):
        ordered = np.array([*pair, *(score for score in scores if score not in pair)])
        assert partitions(ordered, 2).p == pytest.approx((10 - at) / 10, abs=0.008)


def test_the_same_seed_draws_the_same_on_any_number_of_threads(monkeypatch):
    scores = np.random.default_rng(0).normal(size=60)
    one = partitions(scores, 30, seed=3)
    monkeypatch.setattr("angelshare.stats.compiled.threads", lambda: 3)
    assert partitions(scores, 30, seed=3) == one
    assert partitions(scores, 30, seed=4) != one


def test_a_chance_is_never_zero_and_a_missing_score_is_none():
    far = np.concatenate((np.ones(40), np.zeros(40))) + np.linspace(0, 0.1, 80)
    assert partitions(far, 40, draws=1000).p == pytest.approx(1 / 1001)
    assert math.isnan(partitions(np.array([1.0, np.nan]), 1).p)
