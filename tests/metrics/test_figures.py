"""Ranking, decisions, fidelity and swaps against scikit-learn, scipy and the definitions; weights are repetitions."""

import numpy as np
import pytest
from scipy.special import expit, rel_entr, softmax
from scipy.stats import spearmanr
from sklearn import metrics as sk

from angelshare.metrics import classification as c
from angelshare.metrics import fidelity, swaps
from angelshare.metrics.ranking import auc_pr, auc_roc, rate_weights


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def repeat(weights, *arrays):
    at = np.repeat(np.arange(len(weights)), weights)
    return tuple(a[at] for a in arrays)


def test_ranking_equals_scikit_learn_and_repetition(rng):
    scores, truth, weights = rng.integers(0, 9, 80) / 3, rng.random(80) < 0.3, rng.integers(0, 4, 80)
    assert auc_roc(scores, truth) == pytest.approx(sk.roc_auc_score(truth, scores))
    assert auc_pr(scores, truth) == pytest.approx(sk.average_precision_score(truth, scores))
    more_scores, more_truth = repeat(weights, scores, truth)
    assert auc_roc(scores, truth, weights) == pytest.approx(auc_roc(more_scores, more_truth))
    assert auc_pr(scores, truth, weights) == pytest.approx(auc_pr(more_scores, more_truth))
    assert np.isnan(auc_roc(scores, np.ones(80, dtype=bool))) and np.isnan(auc_pr(scores, np.zeros(80, dtype=bool)))


def test_rate_weights_state_the_class_rate(rng):
    truth = rng.random(50) < 0.7
    weights = rate_weights(truth, 0.08)
    assert weights[truth].sum() / weights.sum() == pytest.approx(0.08)


@pytest.mark.parametrize("classes", [2, 5])
def test_decisions_equal_scikit_learn_and_repetition(rng, classes):
    truth, decided = rng.integers(0, classes, (2, 70))
    weights = rng.integers(0, 4, 70)
    more = repeat(weights, decided, truth)
    for ours, theirs in (
        (c.accuracy, sk.accuracy_score),
        (c.macro_f1, lambda t, d: sk.f1_score(t, d, average="macro")),
        (c.mcc, sk.matthews_corrcoef),
    ):
        assert ours(decided, truth) == pytest.approx(theirs(truth, decided))
        assert ours(decided, truth, weights=weights) == pytest.approx(ours(*more))
    assert c.mcc(np.zeros(5, dtype=int), np.array([0, 1, 0, 1, 1])) == 0
    assert c.accuracy_of(c.confusion(decided, truth, classes)) == pytest.approx(c.accuracy(decided, truth))


def test_log_loss_equals_scikit_learn(rng):
    logits, truth = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    expected = sk.log_loss(truth, softmax(logits, axis=1))
    assert c.log_loss(logits, np.eye(3)[truth]) == pytest.approx(expected)
    binary = np.mean([sk.log_loss(truth == k, expit(logits[:, k])) for k in range(3)])
    assert c.log_loss(logits, np.eye(3)[truth], multilabel=True) == pytest.approx(binary)
    weights = rng.integers(0, 3, 40)
    more_logits, more_truth = repeat(weights, logits, truth)
    assert c.log_loss(logits, np.eye(3)[truth], weights=weights) == pytest.approx(
        c.log_loss(more_logits, np.eye(3)[more_truth])
    )


def test_calibration_error_by_its_definition(rng):
    p, correct = rng.random(200), rng.random(200) < 0.6
    p[:2] = 0, 1
    expected = 0.0
    for b in range(10):
        rows = (p >= b / 10) & ((p < (b + 1) / 10) | (b == 9))
        expected += rows.sum() / 200 * abs(p[rows].mean() - correct[rows].mean()) if rows.any() else 0
    assert c.calibration_error(p, correct, bins=10) == pytest.approx(expected)


def test_fidelity_by_its_definitions(rng):
    a, b = rng.normal(size=(2, 60, 3))
    p, q = softmax(a, axis=1), softmax(b, axis=1)
    assert fidelity.kl(a, b) == pytest.approx(rel_entr(p, q).sum(axis=1).mean())
    yes, no = rel_entr(expit(a), expit(b)), rel_entr(expit(-a), expit(-b))
    assert fidelity.kl(a, b, multilabel=True) == pytest.approx((yes + no).mean())
    assert fidelity.kl(a, a) == 0
    up, down = fidelity.flips(np.array([True, True, False]), np.array([True, False, True]), np.array([1, 2, 1]))
    assert (up, down) == (0.25, 0.5)
    assert fidelity.agreement(np.array([0, 1, 2]), np.array([0, 1, 1])) == pytest.approx(2 / 3)


def test_rank_correlation_equals_scipy_and_repetition(rng):
    a = rng.integers(0, 8, 50).astype(float)
    b = a + rng.integers(0, 5, 50)
    assert fidelity.rank_correlation(a, b) == pytest.approx(spearmanr(a, b)[0])
    weights = rng.integers(0, 4, 50)
    assert fidelity.rank_correlation(a, b, weights) == pytest.approx(spearmanr(*repeat(weights, a, b))[0])
    assert np.isnan(fidelity.rank_correlation(np.ones(5), a[:5]))


def test_swaps_by_their_definitions(rng):
    f = rng.random((12, 5))
    f[3, 2] = np.nan
    base, weights = rng.random(12), rng.integers(0, 3, (4, 12))
    again = np.repeat(np.arange(12), weights[1])
    assert swaps.score_sens(f, base)[0] == pytest.approx(np.mean(f[:, 0] - base))
    assert swaps.score_sens(f, base)[2] == pytest.approx(np.nanmean(f[:, 2] - base))
    assert swaps.score_dev(f) == pytest.approx(np.mean([np.nanstd(row) for row in f]))
    assert swaps.score_range(f, weights)[1] == pytest.approx(
        np.mean([np.nanmax(row) - np.nanmin(row) for row in f[again]])
    )
    flipped = [(row[~np.isnan(row)] >= 0.5).any() and (row[~np.isnan(row)] < 0.5).any() for row in f]
    assert swaps.label_flips(f) == pytest.approx(np.mean(flipped))
    assert swaps.score_sens(f, base, weights).shape == (4, 5)
