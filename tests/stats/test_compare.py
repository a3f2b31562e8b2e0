"""The one road from figures to outcomes."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import norm

from angelshare.findings import Finding, Metric, Outcome
from angelshare.stats.compare import compare
from angelshare.stats.delong import delong

Z = norm.ppf(0.975)


def run(point, replicates, members, metrics=None, **options) -> dict[tuple[str, int], Finding]:
    stats = np.shape(point)[1]
    settings = {
        "reference": members[0],
        "metrics": metrics or [Metric("auc_roc")] * stats,
        "slices": [f"s{i}" for i in range(stats)],
        "counts": [{"positives": 300, "negatives": 400}] * stats,
        "margins": [0.01] * stats,
        "families": [f"f{i}" for i in range(stats)],
        "n": 700,
        "unit": "row",
    } | options
    found = compare(suite="s", audit="a", point=np.array(point), replicates=replicates, members=members, **settings)
    assert [f.model for f in found] == [m for m in dict.fromkeys(members) for _ in range(stats)]
    for f in found:
        json.dumps(asdict(f), allow_nan=False)
    return {(f.model, i % stats): f for i, f in enumerate(found)}


def noise(point, error, draws=4000, shared=0.0, seed=0):
    rng = np.random.default_rng(seed)
    point = np.asarray(point, dtype=float)
    common = rng.normal(size=(draws, 1, 1)) * shared
    return point + common + rng.normal(size=(draws, *point.shape)) * error


def test_a_difference_is_paired_and_oriented():
    point = [[0.9, 0.30], [0.85, 0.40]]
    drawn = noise(point, 0.003, shared=0.05)
    found = run(point, drawn, ["t", "s"], [Metric("auc_roc"), Metric("log_loss", "lower", high=float("inf"))])
    better, worse = found["s", 0], found["s", 1]
    assert better.delta.value == pytest.approx(-0.05) and worse.delta.value == pytest.approx(-0.10)
    paired = Z * np.std(drawn[:, 1, 0] - drawn[:, 0, 0], ddof=1)
    assert better.delta.high - better.delta.value == pytest.approx(paired)
    assert better.outcome is Outcome.LOSS and better.family_size == 1
    assert (better.family_low, better.family_high) == (better.delta.low, better.delta.high)
    assert better.value.low < 0.85 < better.value.high <= 1 and worse.value.low > 0
    own = found["t", 0]
    assert own.delta is None and own.outcome is Outcome.NOT_JUDGED and own.value.value == 0.9


def test_a_target_is_judged_by_distance():
    metric = Metric("aeg", "target", 0.0, -0.5, 0.5)
    found = run([[0.10, 0.1], [-0.02, -0.1]], noise([[0.10, 0.1], [-0.02, -0.1]], 0.001), ["t", "s"], [metric] * 2)
    assert found["s", 0].delta.value == pytest.approx(0.08) and found["s", 0].outcome is Outcome.GAIN
    assert found["s", 1].delta.value == pytest.approx(0.0) and found["s", 1].outcome is Outcome.NO_LOSS
    assert found["s", 0].value.value == -0.02 and found["s", 0].target == 0.0


def test_a_family_shares_wider_intervals_that_decide():
    point = [[0.9] * 8, [0.9 - 0.0150] * 8]
    drawn = noise(point, 0.002)
    alone = run(point, drawn, ["t", "s"])
    together = run(point, drawn, ["t", "s"], families=["g"] * 8)
    assert {f.outcome for (m, _), f in alone.items() if m == "s"} == {Outcome.INCONCLUSIVE}
    a, b = alone["s", 0], together["s", 0]
    assert b.delta == a.delta and b.family_size == 8
    assert b.family_low < a.family_low and b.family_high > a.family_high
    assert b.p == a.p and b.p_holm > b.p
    sharp = run([[0.9] * 8, [0.883] * 8], noise([[0.9] * 8, [0.883] * 8], 0.0021), ["t", "s"], families=["g"] * 8)
    assert sharp["s", 0].delta.high < -0.01 < sharp["s", 0].family_high
    assert sharp["s", 0].outcome is Outcome.INCONCLUSIVE


def test_the_same_answers_are_no_loss():
    drawn = noise([[0.9, 0.8]], 0.01)
    found = run([[0.9, 0.8]] * 2, np.repeat(drawn, 2, axis=1), ["t", "s"])
    delta = found["s", 0].delta
    assert (delta.value, delta.low, delta.high) == (0, 0, 0)
    assert found["s", 0].outcome is Outcome.NO_LOSS and found["s", 0].p == 1


def test_luck_is_not_the_same_answers():
    point = [[0.9, 0.8], [0.9, 0.7]]
    drawn = noise(point, 0.01)
    drawn[:, 1, 0] = drawn[:, 0, 0]
    found = run(point, drawn, ["t", "s"])["s", 0]
    assert found.delta.value == 0 and found.delta.method == "rule_of_three" and found.approximate
    assert found.delta.low == pytest.approx(np.log(0.05) / 300)
    one = run([[0.9]] * 2, np.repeat(drawn[:, :1, :1], 2, axis=1), ["t", "s"], identical=[])["s", 0]
    assert one.delta.low < 0


def test_seeds_are_averaged_and_must_agree():
    point = [[0.90], [0.80], [0.84], [0.95], [0.80]]
    drawn = noise(point, 0.001)
    found = run(point, drawn, ["t", "s", "s", "mixed", "mixed"])
    assert found["s", 0].value.value == pytest.approx(0.82) and found["s", 0].seeds == (0.80, 0.84)
    assert found["s", 0].outcome is Outcome.LOSS
    expected = Z * np.std(drawn[:, 1:3, 0].mean(axis=1) - drawn[:, 0, 0], ddof=1)
    assert found["s", 0].delta.high - found["s", 0].delta.value == pytest.approx(expected)
    assert found["mixed", 0].outcome is Outcome.INCONCLUSIVE and "disagree" in found["mixed", 0].note


def test_missing_is_counted_never_zero():
    point = [[0.9, np.nan, 0.9, 0.9], [0.8, 0.8, np.nan, 0.8]]
    drawn = noise(np.nan_to_num(point), 0.002)
    drawn[:40, 1, 0] = np.nan
    drawn[:3000, 0, 3] = np.nan
    found = run(point, drawn, ["t", "s"], families=["g"] * 4)
    assert found["s", 0].outcome is Outcome.LOSS and found["s", 0].counts["discarded"] == 40
    for s in (1, 2, 3):
        assert found["s", s].outcome is Outcome.NOT_ENOUGH_DATA and found["s", s].note
    assert found["s", 1].value.value == 0.8 and found["s", 1].delta is None
    assert found["s", 2].value is None and found["s", 0].family_size == 2
    assert found["t", 1].value is None and found["t", 1].outcome is Outcome.NOT_ENOUGH_DATA


def test_without_margin_reference_or_replicates_nothing_is_judged():
    point = [[0.9], [0.8]]
    assert run(point, noise(point, 0.01), ["t", "s"], margins=[None])["s", 0].outcome is Outcome.NOT_JUDGED
    assert run(point, noise(point, 0.01), ["t", "s"], reference=None)["s", 0].outcome is Outcome.NOT_JUDGED
    bare = run(point, None, ["t", "s"])["s", 0]
    assert bare.outcome is Outcome.NOT_ENOUGH_DATA or bare.outcome is Outcome.NOT_JUDGED
    assert bare.value.low is None and bare.delta.low is None and bare.delta.value == pytest.approx(-0.1)


def test_small_classes_are_approximate():
    point = [[0.9], [0.8]]
    counts = [{"positives": 30, "negatives": 900}]
    assert run(point, noise(point, 0.01), ["t", "s"], counts=counts)["s", 0].approximate
    assert not run(point, noise(point, 0.01), ["t", "s"])["s", 0].approximate


def test_delongs_covariance_replaces_the_replicates():
    rng = np.random.default_rng(3)
    positive = rng.random(500) < 0.4
    latent = rng.normal(size=500) + 2 * positive
    scores = np.stack([latent, latent + rng.normal(size=500)], axis=1)
    aucs, covariance = delong(scores, positive)
    found = run(aucs[:, None], None, ["t", "s"], variance=covariance[:, :, None])["s", 0]
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.delta.method == "delong_normal" and found.value.method == "delong_logit"
    assert found.delta.value - found.delta.low == pytest.approx(Z * error)
    assert found.outcome is Outcome.LOSS
