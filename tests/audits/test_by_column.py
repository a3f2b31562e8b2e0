"""Accuracy by the data's own columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from angelshare.audits.classifier.by_column import ByColumn
from angelshare.findings import Outcome

from .example import answers_of, data_of, pick, predictions, toxicity


def kinds(rows=400, seed=3):
    rng = np.random.default_rng(seed)
    kind = rng.choice(["negation", "slur", "counter", ""], size=rows).astype(object)
    kind[:7] = "rare"
    return {"kind": kind, "target": rng.choice(["women", "men"], size=rows).astype(object)}


def table(**changes):
    return toxicity(kinds=kinds(), **changes)


@pytest.mark.parametrize("clusters", [None, np.arange(400) // 5])
def test_accuracies_equal_a_straightforward_group_by(clusters):
    made = table(clusters=clusters)
    both = predictions(made, 1.0, 1, "reference"), predictions(made, 2.0, 2)
    findings = ByColumn().judge(data_of(made), answers_of(*both)).findings
    for found in both:
        frame = pd.DataFrame(
            {**made.kinds, "truth": made.targets[:, 0] >= 0.5, "said": found.probabilities[:, 0] >= 0.5}
        )
        for column in made.kinds:
            for value, part in frame.groupby(column):
                if value in ("", "rare"):
                    continue
                finding = pick(findings, found.model, "accuracy", f"{column}: {value}")
                assert finding.value.value == pytest.approx(accuracy_score(part.truth, part.said), abs=1e-9)
                assert finding.counts["rows"] == len(part)
                assert finding.value.unit == ("row" if clusters is None else "cluster")


def test_each_replicate_weighs_rows_as_the_resampling_says():
    made = table(clusters=np.arange(400) // 5)
    data, found = data_of(made), predictions(made, 2.0, 2, "reference")
    finding = pick(ByColumn().judge(data, answers_of(found)).findings, "reference", "accuracy", "kind: slur")
    truth = made.targets[:, 0] >= 0.5
    right = (found.probabilities[:, 0] >= 0.5) == truth
    mine = made.kinds["kind"] == "slur"
    weights = data.resampling(truth.astype(np.int64)).weights().astype(float)
    drawn = (weights[:, mine] @ right[mine]) / weights[:, mine].sum(axis=1)
    assert finding.value.high - finding.value.low == pytest.approx(3.92 * drawn.std(ddof=1), rel=0.15)


def test_the_kinds_of_one_column_are_one_family():
    made = table()
    findings = ByColumn().judge(
        data_of(made), answers_of(predictions(made, 1, 1, "reference"), predictions(made, 3, 2))
    )
    slur = pick(findings.findings, "student", "accuracy", "kind: slur")
    assert slur.family_size == 3
    assert pick(findings.findings, "student", "accuracy", "target: men").family_size == 2
    assert slur.family_low < slur.delta.low
    assert slur.margin == 0.02
    assert not [f for f in findings.findings if f.slice == "kind: "]
    (exhibit,) = findings.exhibits
    assert {"column": "kind", "value": "slur", "slice": "kind: slur"} in list(exhibit.rows)


def test_a_kind_of_one_label_has_an_accuracy_and_a_small_one_has_none():
    made = toxicity()
    made.kinds["label"] = np.where(made.targets[:, 0] >= 0.5, "toxic only", "harmless only").astype(object)
    made.kinds["size"] = np.where(np.arange(400) < 19, "small", "large").astype(object)
    findings = (
        ByColumn()
        .judge(data_of(made), answers_of(predictions(made, 1, 1, "reference"), predictions(made, 3, 2)))
        .findings
    )
    one = pick(findings, "student", "accuracy", "label: toxic only")
    assert one.value is not None
    assert "negatives" not in one.counts
    assert one.outcome is not Outcome.NOT_ENOUGH_DATA
    small = pick(findings, "student", "accuracy", "size: small")
    assert small.outcome is Outcome.NOT_ENOUGH_DATA
    assert small.value is None
    assert "20 rows" in small.note


def test_it_says_what_it_lacks():
    assert "--by" in ByColumn().inapplicable(data_of(toxicity()))
    assert "label" in ByColumn().inapplicable(data_of(table(labels=(), targets=None, multilabel=False), positive=None))
    assert ByColumn().inapplicable(data_of(table())) == ""
