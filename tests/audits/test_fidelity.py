"""Fidelity: figures by hand, replicates against ranking anew, and what a reader is shown."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from angelshare.audits.classifier.fidelity import Fidelity, influence
from angelshare.findings import Outcome
from angelshare.metrics.fidelity import rank_correlation, rank_correlation_replicates
from angelshare.stats.resample import Resampling, tallies

from .example import answers_of, data_of, pick, predictions, toxicity


@pytest.fixture(scope="module")
def judged():
    table = toxicity()
    reference, student = predictions(table, 1, 1, "reference"), predictions(table, 1.5, 2)
    return table, reference, student, Fidelity().judge(data_of(table), answers_of(reference, student))


def test_figures_equal_those_computed_by_hand(judged):
    _, reference, student, judgement = judged
    p, q = reference.probabilities[:, 0], student.probabilities[:, 0]
    wanted = {
        "agreement": ((p >= 0.5) == (q >= 0.5)).mean(),
        "kl": (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).mean(),
        "rank_correlation": spearmanr(p, q).statistic,
        "flips_up": ((q >= 0.5) & (p < 0.5)).mean(),
        "flips_down": ((q < 0.5) & (p >= 0.5)).mean(),
    }
    for metric, value in wanted.items():
        finding = pick(judgement.findings, "student", metric)
        assert finding.value.value == pytest.approx(value)
        assert finding.value.low < value < finding.value.high
        assert finding.outcome is Outcome.NOT_JUDGED
    assert {f.model for f in judgement.findings} == {"student"}


def test_a_budget_may_judge_it():
    from angelshare.audits.budget import Budget

    table = toxicity()
    both = answers_of(predictions(table, 1, 1, "reference"), predictions(table, 3, 2))
    data = data_of(table, budget=Budget(margins={"fidelity/agreement": 0.01}))
    assert pick(Fidelity().judge(data, both).findings, "student", "agreement").outcome is Outcome.LOSS


@pytest.mark.parametrize("ties", [None, 0])
def test_summed_influences_vary_as_rankings_made_anew_do(ties):
    rng = np.random.default_rng(1)
    one = rng.normal(size=800)
    other = one + rng.normal(size=800)
    if ties is not None:
        one, other = np.round(one, ties), np.round(other, ties)
    resampling = Resampling(np.zeros(800, dtype=np.int64), draws=500)
    anew = rank_correlation_replicates(one, other, resampling)
    summed = tallies(np.zeros(800, dtype=np.int64), 1, influence(one, other)[:, None], resampling)[:, 0, 0] / 800
    assert np.corrcoef(anew, summed)[0, 1] > 0.99
    assert summed.std() == pytest.approx(anew.std(), rel=0.03)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic)


def test_disagreements_come_largest_first_with_who_is_mentioned(judged):
    table, reference, student, judgement = judged
    (exhibit,) = judgement.exhibits
    rows = exhibit.rows
    assert len(rows) == 40
    changes = [abs(row["change"]) for row in rows]
    assert changes == sorted(changes, reverse=True)
    row = rows[0]
    at = list(table.ids).index(row["id"])
    assert row["student_score"] == pytest.approx(student.probabilities[at, 0])
    assert row["direction"] == ("up" if row["change"] > 0 else "down")
    assert row["identities"] == [name for name in table.identities if table.identities[name][at] >= 0.5]
    toxic = table.targets[at, 0] >= 0.5 or reference.probabilities[at, 0] >= 0.5
    assert row["abusive"] == bool(toxic)


def test_a_student_that_answers_alike_shows_nothing():
    table = toxicity()
    same = [predictions(table, 1, 1, name) for name in ("reference", "student")]
    judgement = Fidelity().judge(data_of(table), answers_of(*same))
    assert judgement.exhibits[0].rows == []
    assert pick(judgement.findings, "student", "agreement").value.value == 1


def test_nothing_is_said_without_a_reference():
    table = toxicity()
    assert Fidelity().judge(data_of(table), answers_of(predictions(table))).findings == ()
