"""What must not matter to a metric: the order of rows, a monotone change of scores, which class is called positive."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angelshare.metrics.bias import bias_aucs
from angelshare.metrics.ranking import auc_pr, auc_roc
from angelshare.stats.delong import delong

NAMES = ("overall", "subgroup", "bpsn", "bnsp", "aeg_neg", "aeg_pos")
seeds = st.integers(0, 2**31)


def sample(seed: int):
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(8, 120))
    scores = rng.integers(-10, 10, rows) / 4
    return rng, scores, np.arange(rows) % 3 == 0, rng.random((rows, 3)) < 0.4


def figures(scores, positive, groups) -> dict[str, np.ndarray]:
    bias = bias_aucs(scores, positive, groups)
    found = {name: getattr(bias, name) for name in NAMES}
    found["roc"], found["pr"] = np.array(auc_roc(scores, positive)), np.array(auc_pr(scores, positive))
    found["delong"] = delong(scores[:, None], positive)[1]
    return found


def equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    for name, values in a.items():
        np.testing.assert_allclose(values, b[name], atol=1e-12, equal_nan=True, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_order_of_rows_does_not_matter(seed):
    rng, scores, positive, groups = sample(seed)
    order = rng.permutation(len(scores))
    equal(figures(scores, positive, groups), figures(scores[order], positive[order], groups[order]))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_monotone_change_of_scores_does_not_matter(seed):
    _, scores, positive, groups = sample(seed)
    equal(figures(scores, positive, groups), figures(np.exp(scores) - 5, positive, groups))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_negating_scores_and_labels_mirrors_the_areas(seed):
    _, scores, positive, groups = sample(seed)
    a, b = bias_aucs(scores, positive, groups), bias_aucs(-scores, ~positive, groups)
    for ours, theirs in (("overall", "overall"), ("subgroup", "subgroup"), ("bpsn", "bnsp"), ("bnsp", "bpsn")):
        np.testing.assert_allclose(getattr(a, ours), getattr(b, theirs), atol=1e-12, equal_nan=True)
    np.testing.assert_allclose(a.aeg_neg, -b.aeg_pos, atol=1e-12, equal_nan=True)
    assert auc_roc(scores, positive) == pytest.approx(1 - auc_roc(-scores, positive))
