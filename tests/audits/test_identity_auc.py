"""Identity AUCs against an independent, straightforward computation with pandas and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from angelshare.audits.classifier.identity_auc import IdentityAuc
from angelshare.findings import Outcome
from angelshare.metrics.bias import JIGSAW_IDENTITIES

from .example import NAMES, answers_of, data_of, pick, predictions, toxicity

AUCS = ("subgroup_auc", "bpsn_auc", "bnsp_auc")


def naive(table, score, name, annotated=False):
    """One identity's five figures the obvious way."""
    frame = pd.DataFrame({"score": score, "toxic": table.targets[:, 0] >= 0.5, "share": table.identities[name]})
    if annotated:
        frame = frame.dropna()
    inside = frame["share"] >= 0.5
    mine, rest = frame[inside], frame[~inside]

    def auc(*parts):
        both = pd.concat(parts)
        return roc_auc_score(both["toxic"], both["score"])

    def gap(toxic):
        one, other = mine[mine["toxic"] == toxic], rest[rest["toxic"] == toxic]
        values = np.concatenate([other["score"], one["score"]])
        return 0.5 - roc_auc_score(np.arange(len(values)) < len(other), values)

    return {
        "subgroup_auc": auc(mine),
        "bpsn_auc": auc(rest[rest["toxic"]], mine[~mine["toxic"]]),
        "bnsp_auc": auc(rest[~rest["toxic"]], mine[mine["toxic"]]),
        "aeg_neg": gap(False),
        "aeg_pos": gap(True),
    }


@pytest.mark.parametrize("decimals", [None, 0])
@pytest.mark.parametrize("background", ["all", "annotated"])
def test_every_figure_equals_a_straightforward_computation(decimals, background):
    table = toxicity()
    table.identities["muslim"][::7] = np.nan
    found = {
        "reference": predictions(table, 0.8, 1, "reference", decimals),
        "student": predictions(table, 1.2, 2, "student", decimals),
    }
    judgement = IdentityAuc().judge(data_of(table, background=background), answers_of(*found.values()))
    for name in NAMES[:2]:
        wanted = {
            model: naive(table, each.scores[:, 0], name, background == "annotated") for model, each in found.items()
        }
        for metric in wanted["student"]:
            finding = pick(judgement.findings, "student", metric, name)
            base, mine = wanted["reference"][metric], wanted["student"][metric]
            assert finding.value.value == pytest.approx(mine, abs=1e-9)
            better = abs(base) - abs(mine) if metric.startswith("aeg") else mine - base
            assert finding.delta.value == pytest.approx(better, abs=1e-9)
    for metric in AUCS:
        values = np.array(
            [naive(table, found["student"].scores[:, 0], n, background == "annotated")[metric] for n in NAMES[:2]]
        )
        mean = pick(judgement.findings, "student", f"{metric}_mean")
        assert mean.value.value == pytest.approx(values.mean(), abs=1e-9)
        assert mean.counts["identities"] == 2
        power = pick(judgement.findings, "student", f"{metric}_power_mean")
        assert power.value.value == pytest.approx((values**-5.0).mean() ** -0.2, abs=1e-9)


def test_jigsaw_final_score_is_over_its_nine_identities_where_all_are_there():
    table = toxicity(2000)
    rng = np.random.default_rng(5)
    table.identities.clear()
    for name in (*JIGSAW_IDENTITIES, "atheist"):
        table.identities[name] = (rng.random(len(table)) < 0.2).astype(np.float32)
    each = predictions(table, 1.0, 3, "reference")
    judgement = IdentityAuc().judge(data_of(table), answers_of(each))
    score = each.scores[:, 0]
    figures = [naive(table, score, name) for name in JIGSAW_IDENTITIES]
    powers = [np.mean([f[metric] ** -5.0 for f in figures]) ** -0.2 for metric in AUCS]
    wanted = (roc_auc_score(table.targets[:, 0], score) + sum(powers)) / 4
    finding = pick(judgement.findings, "reference", "jigsaw_final")
    assert finding.value.value == pytest.approx(wanted, abs=1e-9)
    assert "nine" in finding.note


def test_a_small_cell_gives_no_figure_but_its_counts():
    table = toxicity()
    judgement = IdentityAuc().judge(
        data_of(table), answers_of(predictions(table, 1, 1, "reference"), predictions(table, 2, 2))
    )
    finding = pick(judgement.findings, "student", "subgroup_auc", "rare")
    assert finding.outcome is Outcome.NOT_ENOUGH_DATA
    assert finding.value is None
    assert finding.counts["positives"] + finding.counts["negatives"] == 9
    assert "20 rows" in finding.note


def test_identities_and_the_three_aucs_are_one_family_with_wider_intervals():
    table = toxicity()
    judgement = IdentityAuc().judge(
        data_of(table), answers_of(predictions(table, 1, 1, "reference"), predictions(table, 2, 2))
    )
    finding = pick(judgement.findings, "student", "bpsn_auc", "muslim")
    assert finding.family_size == 6
    assert finding.family_low < finding.delta.low < finding.delta.high < finding.family_high


@pytest.mark.parametrize("toxic", [0.0, 1.0])
def test_one_class_is_a_finding(toxic):
    table = toxicity()
    table.targets[:] = toxic
    judgement = IdentityAuc().judge(
        data_of(table), answers_of(predictions(table, 1, 1, "reference"), predictions(table, 2, 2))
    )
    subgroup = [f for f in judgement.findings if f.metric == "subgroup_auc"]
    assert {f.outcome for f in subgroup} == {Outcome.NOT_ENOUGH_DATA}


def test_identities_that_nobody_annotated_are_not_enough_data():
    table = toxicity()
    for name in NAMES:
        table.identities[name][:] = np.nan
    for background in ("all", "annotated"):
        judgement = IdentityAuc().judge(
            data_of(table, background=background),
            answers_of(predictions(table, 1, 1, "reference"), predictions(table, 2, 2)),
        )
        assert {f.outcome for f in judgement.findings} == {Outcome.NOT_ENOUGH_DATA}


def test_it_does_not_apply_without_a_positive_label_or_without_labels():
    table = toxicity()
    assert "positive" in IdentityAuc().inapplicable(data_of(table, positive=None))
    unlabelled = toxicity(targets=None)
    assert "no labels" in IdentityAuc().inapplicable(data_of(unlabelled))
