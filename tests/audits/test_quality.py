"""Quality against scikit-learn, and what it says of odd data."""

import numpy as np
import pytest
from sklearn import metrics as sk

from angelshare.audits.classifier.quality import Quality
from angelshare.data.tables import Table
from angelshare.findings import Outcome
from angelshare.types import Predictions

from .example import answers_of, data_of, pick, predictions, toxicity


def several(rows=300, classes=4, seed=0, multilabel=False):
    rng = np.random.default_rng(seed)
    labels = tuple("abcdef"[:classes])
    if multilabel:
        targets = (rng.random((rows, classes)) < 0.3).astype(np.float32)
    else:
        targets = np.eye(classes, dtype=np.float32)[rng.integers(0, classes, rows)]
    ids = np.array([str(i) for i in range(rows)], dtype=object)
    table = Table("made", "made.csv", ids, [f"text {i}" for i in range(rows)], labels, multilabel, targets)
    logits = 2 * targets + rng.normal(size=(rows, classes))
    reference = Predictions("reference", ids, labels, multilabel, logits)
    student = Predictions("student", ids, labels, multilabel, logits + rng.normal(size=(rows, classes)))
    return table, reference, student


def test_single_label_figures_equal_scikit_learn():
    table, reference, student = several()
    found = Quality().judge(data_of(table, positive=None), answers_of(reference, student)).findings
    truth, chosen = table.classes, student.decisions()
    wanted = {
        "accuracy": sk.accuracy_score(truth, chosen),
        "macro_f1": sk.f1_score(truth, chosen, average="macro"),
        "mcc": sk.matthews_corrcoef(truth, chosen),
        "log_loss": sk.log_loss(truth, student.probabilities),
        "auc_roc": np.mean([sk.roc_auc_score(truth == k, student.ranking(k_name)) for k, k_name in enumerate("abcd")]),
        "auc_pr": np.mean([sk.average_precision_score(truth == k, student.ranking(n)) for k, n in enumerate("abcd")]),
    }
    for metric, value in wanted.items():
        assert pick(found, "student", metric).value.value == pytest.approx(value, abs=1e-9), metric


def test_multi_label_figures_are_a_mean_over_labels_and_one_a_label():
    table, reference, student = several(multilabel=True)
    found = Quality().judge(data_of(table, positive=None), answers_of(reference, student)).findings
    truth, chosen = table.targets >= 0.5, student.decisions()
    assert pick(found, "student", "macro_f1").value.value == pytest.approx(sk.f1_score(truth, chosen, average="macro"))
    assert pick(found, "student", "accuracy").value.value == pytest.approx((truth == chosen).mean())
    for at, label in enumerate(table.labels):
        assert pick(found, "student", "f1", label).value.value == pytest.approx(
            sk.f1_score(truth[:, at], chosen[:, at])
        )
        wanted = sk.average_precision_score(truth[:, at], student.scores[:, at])
        assert pick(found, "student", "auc_pr", label).value.value == pytest.approx(wanted)


def test_a_stated_class_rate_stands_beside_the_plain_figure():
    table = toxicity()
    student = predictions(table, 1.5, 2)
    data = data_of(table, positive_rate=0.08)
    found = Quality().judge(data, answers_of(predictions(table, 1, 1, "reference"), student)).findings
    truth, score = table.targets[:, 0] >= 0.5, student.scores[:, 0]
    weights = np.where(truth, 0.08 / truth.mean(), 0.92 / (1 - truth.mean()))
    plain, weighted = pick(found, "student", "auc_pr"), pick(found, "student", "auc_pr@0.08")
    assert plain.value.value == pytest.approx(sk.average_precision_score(truth, score))
    assert weighted.value.value == pytest.approx(sk.average_precision_score(truth, score, sample_weight=weights))
    assert weighted.margin == plain.margin == 0.01
    assert weighted.value.low < weighted.value.value < weighted.value.high
    right = (score >= 0) == truth
    assert pick(found, "student", "accuracy@0.08").value.value == pytest.approx(np.average(right, weights=weights))


def test_one_class_leaves_accuracy_and_takes_the_aucs():
    table = toxicity()
    table.targets[:] = 0
    found = (
        Quality()
        .judge(data_of(table), answers_of(predictions(table, 1, 1, "reference"), predictions(table, 2, 2)))
        .findings
    )
    for metric in ("auc_roc", "auc_pr", "mcc"):
        assert pick(found, "student", metric).outcome is Outcome.NOT_ENOUGH_DATA
    assert pick(found, "student", "accuracy").value is not None


def test_replicates_centre_on_the_figure_and_the_interval_holds_it():
    table = toxicity()
    found = (
        Quality()
        .judge(data_of(table), answers_of(predictions(table, 1, 1, "reference"), predictions(table, 2, 2)))
        .findings
    )
    for finding in found:
        assert finding.value.low <= finding.value.value <= finding.value.high, finding.metric
        if finding.model == "student":
            assert finding.family_low <= finding.delta.value <= finding.family_high


def test_steps_between_controls_are_paired_and_never_judged():
    table = toxicity()
    names = ("reference", "bow", "bow:gold", "bow:hard")
    found = [predictions(table, 1 + at / 3, at, name) for at, name in enumerate(names)]
    findings = Quality().judge(data_of(table), answers_of(*found)).findings
    steps = [(f.model, f.reference) for f in findings if f.metric == "accuracy" and f.reference != "reference"]
    assert steps == [("bow:hard", "bow:gold"), ("bow", "bow:hard")]
    assert all(f.outcome is Outcome.NOT_JUDGED and f.delta.low is not None for f in findings if ":" in f.reference)


def test_seeds_are_averaged_and_each_is_shown():
    table = toxicity()
    seeds = [predictions(table, 1.5, at, "student") for at in (2, 3, 4)]
    found = Quality().judge(data_of(table), answers_of(predictions(table, 1, 1, "reference"), *seeds)).findings
    finding = pick(found, "student", "accuracy")
    each = [((s.scores[:, 0] >= 0) == (table.targets[:, 0] >= 0.5)).mean() for s in seeds]
    assert finding.seeds == pytest.approx(each)
    assert finding.value.value == pytest.approx(np.mean(each))


def test_calibration_bins_hold_every_row():
    table = toxicity()
    judgement = Quality().judge(data_of(table), answers_of(predictions(table, 1, 1, "reference")))
    (exhibit,) = judgement.exhibits
    assert sum(each["n"] for each in exhibit.rows[0]["bins"]) == len(table)


def test_resampling_whole_clusters_widens_the_interval():
    table = toxicity(clusters=np.repeat(np.arange(20), 20))
    shared = np.repeat(np.random.default_rng(1).normal(size=20), 20)
    student = predictions(table, 0.1, 2)
    student.scores[:, 0] += 3 * shared
    both = answers_of(predictions(table, 1, 1, "reference"), student)
    rows = Quality().judge(data_of(toxicity()), both).findings
    whole = Quality().judge(data_of(table), both).findings
    widths = [
        f.delta.high - f.delta.low for f in (pick(rows, "student", "accuracy"), pick(whole, "student", "accuracy"))
    ]
    assert widths[1] > 2 * widths[0]
    assert pick(whole, "student", "accuracy").delta.unit == "cluster"
