"""SEAT's figures against the definitions read word by word, with and without weights."""

import math

import numpy as np
import pytest

from angelshare.metrics.association import associations, effect_size, unit


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True)) / math.hypot(*one) / math.hypot(*other)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def plainly(first, second, ones, others):
    """s of every target, and d: standard deviation of all of them, divided by their number less one."""

    def s(w):
        return mean(cosine(w, a) for a in ones) - mean(cosine(w, b) for b in others)

    scores = [s(w) for w in (*first, *second)]
    middle = mean(scores)
    deviation = math.sqrt(sum((score - middle) ** 2 for score in scores) / (len(scores) - 1))
    return scores, (mean(scores[: len(first)]) - mean(scores[len(first) :])) / deviation


@pytest.fixture
def sets():
    rng = np.random.default_rng(3)
    return [rng.normal(size=(count, 5)) + shift for count, shift in ((4, 0.5), (6, 0), (3, 1), (7, -0.2))]


def ours(first, second, ones, others, *weights):
    targets = unit(np.concatenate((first, second)))
    scores = associations(targets, unit(ones), unit(others), *weights[2:])
    both = np.concatenate(weights[:2], axis=-1) if weights else None
    return scores, effect_size(scores, len(first), both)


def test_they_are_the_definitions(sets):
    scores, d = ours(*sets)
    wanted, effect = plainly(*(each.tolist() for each in sets))
    assert scores == pytest.approx(wanted, abs=1e-12)
    assert float(d) == pytest.approx(effect, abs=1e-12)
    assert abs(effect) > 0.1


def test_a_weight_of_two_is_the_sentence_twice(sets):
    rng = np.random.default_rng(4)
    weights = [rng.multinomial(len(each), np.full(len(each), 1 / len(each)), size=3).astype(float) for each in sets]
    _, d = ours(*sets, *weights)
    for draw in range(3):
        drawn = [np.repeat(each, w[draw].astype(int), axis=0) for each, w in zip(sets, weights, strict=True)]
        assert d[draw] == pytest.approx(float(ours(*drawn)[1]), abs=1e-12)


def test_lengths_do_not_matter_and_what_swaps_turns_the_sign(sets):
    first, second, ones, others = sets
    d = float(ours(*sets)[1])
    assert float(ours(first * 7, second, ones * 0.1, others)[1]) == pytest.approx(d)
    assert float(ours(first, second, others, ones)[1]) == pytest.approx(-d)
    assert float(ours(second, first, ones, others)[1]) == pytest.approx(-d)


def test_no_spread_and_no_direction_are_no_figure(sets):
    same = np.ones((3, 5))
    assert np.isnan(effect_size(np.zeros(6), 3))
    assert np.isnan(ours(same * 0, sets[1], sets[2], sets[3])[1])
