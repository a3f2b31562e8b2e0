"""Another scorer's false alarms."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from angelshare.audits.classifier.false_positives import FalsePositives, chosen
from angelshare.findings import Outcome
from angelshare.types import Predictions

from .example import answers_of, data_of, pick, predictions, toxicity

KEY = "false-positives/made"


def table(seed=5, rows=400, **changes):
    return toxicity(rows, scores=np.random.default_rng(seed).random(rows), **changes)


def answered(data, *found):
    rows = chosen(data)
    return rows, [
        replace(each, ids=each.ids[rows], scores=each.scores[rows], fingerprint=each.fingerprint) for each in found
    ]


def test_half_of_the_rows_are_alarms_and_the_rest_is_drawn():
    data = data_of(table())
    rows = chosen(data)
    toxic, scores = data.truth("toxic"), data.table.scores
    alarms = np.flatnonzero(~toxic & (scores > 0.75))
    assert set(alarms) <= set(rows)
    assert len(rows) == 2 * len(alarms) == len(set(rows))
    assert toxic[rows].any()
    assert np.array_equal(rows, chosen(data_of(table())))
    assert not np.array_equal(rows, chosen(data_of(table(), seed=1)))


def test_figures_equal_a_straightforward_computation():
    data = data_of(table())
    made = data.table
    rows, both = answered(data, predictions(made, 1, 1, "reference"), predictions(made, 2, 2, decimals=1))
    (request,) = FalsePositives().ask(data)
    assert request.key == KEY
    assert list(request.ids) == list(made.ids[rows])
    findings = FalsePositives().judge(data, answers_of(*both, key=KEY)).findings
    truth = made.targets[rows, 0] >= 0.5
    for found in both:
        share = 1 / (1 + np.exp(-found.scores[:, 0]))
        wanted = {
            "auc_roc": roc_auc_score(truth, found.scores[:, 0]),
            "auc_pr": average_precision_score(truth, found.scores[:, 0]),
            "false_positive_rate": (share[~truth] >= 0.5).mean(),
        }
        for metric, value in wanted.items():
            finding = pick(findings, found.model, metric)
            assert finding.value.value == pytest.approx(value, abs=1e-9), metric
            assert finding.counts["alarms"] == len(rows) // 2
    assert pick(findings, "student", "false_positive_rate").better == "lower"
    assert pick(findings, "student", "auc_roc").delta.low is not None


def test_a_named_scorer_is_asked_first_and_chooses_the_rows():
    made = toxicity()
    assert "scorer=MODEL" in FalsePositives().inapplicable(data_of(made))
    data = replace(data_of(made), scorer="scorer")
    (request,) = FalsePositives().ask(data)
    assert request.to == "scorer"
    assert len(request.texts) == len(made)
    logits = np.random.default_rng(1).normal(0, 3, size=(len(made), 1))
    data = replace(data, scored=Predictions("scorer", made.ids, ("toxic",), True, logits))
    rows = chosen(data)
    alarms = (logits[:, 0] > np.log(3)) & ~data.truth("toxic")
    assert len(rows) == 2 * alarms.sum()
    assert FalsePositives().ask(data)[0].to == "subject"


def test_too_few_rows_and_no_alarm_at_all():
    quiet = data_of(toxicity(scores=np.zeros(400)))
    assert "no false alarm" in FalsePositives().inapplicable(quiet)
    toxic = np.zeros((400, 1), dtype=np.float32)
    toxic[:5] = 1
    data = data_of(table(targets=toxic))
    _, both = answered(data, predictions(data.table, 1, 1, "reference"), predictions(data.table, 2, 2))
    findings = FalsePositives().judge(data, answers_of(*both, key=KEY)).findings
    assert pick(findings, "student", "auc_roc").outcome is Outcome.NOT_ENOUGH_DATA
    assert pick(findings, "student", "false_positive_rate").value is not None
