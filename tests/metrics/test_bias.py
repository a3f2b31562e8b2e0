"""The one-pass bias AUCs against a count of all pairs, scikit-learn and repetition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from angelshare.metrics import sweeps
from angelshare.metrics.bias import (
    JIGSAW_IDENTITIES,
    bias_auc_replicates,
    bias_aucs,
    jigsaw_final,
    mean_over_groups,
    power_mean,
)
from angelshare.metrics.ranking import auc_pr, auc_roc, ranking_replicates
from angelshare.stats.resample import LANES, Resampling, group_strata

NAMES = ("subgroup", "bpsn", "bnsp", "aeg_neg", "aeg_pos")


def pairs(high: np.ndarray, low: np.ndarray) -> float:
    """P(high > low) + P(high = low) / 2, by looking at every pair."""
    if not len(high) or not len(low):
        return float("nan")
    return float(np.mean((high[:, None] > low) + 0.5 * (high[:, None] == low)))


def slow(scores: np.ndarray, positive: np.ndarray, group: np.ndarray, seen: np.ndarray) -> list[float]:
    sp, sn = scores[group & seen & positive], scores[group & seen & ~positive]
    bp, bn = scores[~group & seen & positive], scores[~group & seen & ~positive]
    return [pairs(sp, sn), pairs(bp, sn), pairs(sp, bn), 0.5 - pairs(bn, sn), 0.5 - pairs(bp, sp)]


def case(seed: int, rows: int, groups: int, levels: int, models: int = 1):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (rows, models)).astype(float) / 7
    return scores, rng.random(rows) < 0.4, rng.random((rows, groups)) < rng.uniform(0, 0.6, groups)


def same(found, at, scores, positive, groups, seen) -> None:
    for g in range(groups.shape[1]):
        expected = slow(scores, positive, groups[:, g], seen[:, g])
        got = [getattr(found, name)[(*at, g)] for name in NAMES]
        np.testing.assert_allclose(got, expected, atol=1e-12, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(1, 5), st.sampled_from([1, 3, 1000]), st.integers(0, 2))
def test_every_figure_is_the_count_of_all_pairs(seed, rows, groups, levels, annotation):
    scores, positive, member = case(seed, rows, groups, levels, models=2)
    rng = np.random.default_rng(seed + 1)
    annotated = [None, rng.random(rows) < 0.7, rng.random((rows, groups)) < 0.7][annotation]
    seen = np.ones((rows, groups), dtype=bool)
    if annotated is not None:
        seen = annotated if annotated.ndim == 2 else np.repeat(annotated[:, None], groups, axis=1)
    found = bias_aucs(scores, positive, member, annotated)
    for model in range(2):
        same(found, (model,), scores[:, model], positive, member, seen)
        expected = pairs(scores[positive, model], scores[~positive, model])
        np.testing.assert_allclose(found.overall[model], expected, atol=1e-12, equal_nan=True)
    inside = member & seen
    expected_counts = [
        (inside & positive[:, None]).sum(0),
        (inside & ~positive[:, None]).sum(0),
        (~member & seen & positive[:, None]).sum(0),
        (~member & seen & ~positive[:, None]).sum(0),
    ]
    np.testing.assert_array_equal(found.counts, np.stack(expected_counts, axis=1))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(4, 60), st.sampled_from([2, 1000]), st.booleans(), st.booleans())
def test_a_replicate_equals_its_rows_repeated(seed, rows, levels, clustered, annotation):
    scores, positive, member = case(seed, rows, 3, levels, models=2)
    rng = np.random.default_rng(seed)
    annotated = rng.random(rows) < 0.7 if annotation else None
    seen = np.repeat((np.ones(rows, dtype=bool) if annotated is None else annotated)[:, None], 3, axis=1)
    clusters = rng.integers(0, 6, rows) if clustered else None
    resampling = Resampling(positive.astype(int), clusters, draws=LANES + 3, seed=seed)
    found = bias_auc_replicates(scores, positive, member, resampling, annotated)
    roc, pr = ranking_replicates(scores, positive, resampling, rate=0.2)
    assert found.overall.shape == (LANES + 3, 2)
    for draw, weights in enumerate(resampling.weights()):
        again = np.repeat(np.arange(rows), weights)
        for model in range(2):
            same(found, (draw, model), scores[again, model], positive[again], member[again], seen[again])
            np.testing.assert_allclose(roc[draw, model], found.overall[draw, model], atol=1e-12, equal_nan=True)
            weighted = auc_roc(scores[:, model], positive, weights)
            np.testing.assert_allclose(roc[draw, model], weighted, atol=1e-12, equal_nan=True)
        share = positive.mean()
        if 0 < share < 1:
            factors = np.where(positive, 0.2 / share, 0.8 / (1 - share))
            expected = auc_pr(scores[:, 1], positive, weights * factors)
            np.testing.assert_allclose(pr[draw, 1], expected, atol=1e-12, equal_nan=True)


def test_many_rows_in_threads_agree_with_scikit_learn(monkeypatch):
    monkeypatch.setattr("angelshare.stats.compiled.threads", lambda: 3)
    monkeypatch.setattr(sweeps, "threads", lambda: 3)
    monkeypatch.setattr(sweeps, "SMALL", 1000)
    scores, positive, member = case(5, 30_000, 4, 400)
    found = bias_aucs(scores[:, 0], positive, member)
    for g in range(4):
        inside = member[:, g]
        for name, rows in (
            ("subgroup", inside),
            ("bpsn", inside & ~positive | ~inside & positive),
            ("bnsp", inside & positive | ~inside & ~positive),
        ):
            expected = roc_auc_score(positive[rows], scores[rows, 0])
            assert getattr(found, name)[0, g] == pytest.approx(expected, abs=1e-12)


def test_more_groups_than_a_code_holds():
    scores, positive, member = case(8, 80, sweeps.GROUPS + 3, 30)
    found = bias_aucs(scores, positive, member)
    same(found, (0,), scores[:, 0], positive, member, np.ones_like(member))


def test_cells_of_one_class_and_of_no_row_are_nan():
    scores = np.array([0.1, 0.2, 0.3, 0.4])
    positive = np.array([False, True, False, True])
    member = np.array([[True, False], [False, False], [True, False], [False, False]])
    found = bias_aucs(scores, positive, member)
    assert np.isnan(found.subgroup[0]).all() and np.isnan(found.bnsp[0]).all() and np.isnan(found.bpsn[0, 1])
    assert found.bpsn[0, 0] == 0.75
    assert found.counts.tolist() == [[0, 2, 2, 0], [0, 0, 2, 2]]


def test_nan_scores_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        bias_aucs(np.array([0.1, np.nan]), np.array([True, False]), np.ones((2, 1), dtype=bool))


def test_counters_stay_exact_past_float32():
    rows = 6000
    positive = np.arange(rows) % 2 == 0
    found = bias_aucs(np.zeros(rows), positive, np.ones((rows, 1), dtype=bool))
    assert found.overall[0] == 0.5 and found.subgroup[0, 0] == 0.5


def test_the_final_score_of_nine_identities():
    nine = np.full(len(JIGSAW_IDENTITIES), 0.9)
    assert jigsaw_final(0.9, nine, nine, nine) == pytest.approx(0.9)
    low = np.append(nine[:8], 0.5)
    assert float(power_mean(low)) == pytest.approx(0.723, abs=5e-4)
    missing = np.append(nine[:8], np.nan)
    assert float(power_mean(missing)) == pytest.approx(0.9)
    assert float(mean_over_groups(missing)) == pytest.approx(0.9)
    assert np.isnan(power_mean(np.full(3, np.nan)))


def test_overlapping_groups_get_few_strata():
    _, positive, member = case(3, 500, 6, 10)
    strata = group_strata(member, positive)
    assert len(np.unique(strata)) <= 14
    rarest = np.argmin(member.sum(axis=0))
    inside = strata[member[:, rarest]]
    assert not np.isin(inside, strata[~member[:, rarest]]).any()


def test_replicates_swept_in_pieces_are_the_same(monkeypatch):
    scores, positive, member = case(6, 9000, 4, 50, models=2)
    resampling = Resampling(group_strata(member, positive), draws=LANES + 1, seed=2)
    whole = bias_auc_replicates(scores, positive, member, resampling)
    monkeypatch.setattr(sweeps, "threads", lambda: 3)
    monkeypatch.setattr(sweeps, "SMALL", 1000)
    cut = bias_auc_replicates(scores, positive, member, resampling)
    for name in ("overall", *NAMES):
        np.testing.assert_allclose(getattr(cut, name), getattr(whole, name), atol=1e-12)
