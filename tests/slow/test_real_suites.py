"""The named suites on their publishers' own files, with two models that take seconds to train."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

import angelshare as ash
from angelshare.data.catalogue import open_set
from angelshare.findings import Outcome

pytestmark = pytest.mark.slow

SUITES = ["civil-comments", "madlibs-short", "madlibs-long", "hatecheck", "false-positives", "identity-swaps", "covert"]


@pytest.fixture(scope="module")
def result(real_data):
    gold = open_set("civil_comments_spans", "train")
    labels = np.where(gold.targets[:, 0] >= 0.5, "toxic", "neutral")

    def trained(**options):
        return make_pipeline(TfidfVectorizer(**options), LogisticRegression(C=3, max_iter=300)).fit(gold.texts, labels)

    third = trained(analyzer="char_wb", ngram_range=(2, 4), max_features=5000)
    return ash.audit(
        reference=trained(ngram_range=(1, 2)),
        small=trained(max_features=800),
        scorer=third,
        suites=[*SUITES, "toxigen"],
        draws=100,
        positive="toxic",
    )


def test_every_suite_gives_figures(result):
    assert not [f for f in result.findings if f.outcome is Outcome.FAILED]
    suites = {f.suite for f in result.findings if f.value is not None and f.model == "small"}
    assert suites >= {*SUITES, "toxigen"} - {"covert", "identity-swaps"}
    assert suites >= {"covert-hate", "covert-comments", "swaps-toxicity"}


def test_hatecheck_has_its_published_sizes(result, real_data):
    found = {f.slice: f.counts["rows"] for f in result.findings if f.audit == "by-column" and f.suite == "hatecheck"}
    functions = {name: rows for name, rows in found.items() if name.startswith("functionality: ")}
    assert len(functions) == 29
    assert sum(functions.values()) == 3728
    assert functions["functionality: slur_h"] == 144
    assert found["target_ident: women"] == 509


def test_hatecheck_equals_a_straightforward_computation(result, real_data):
    frame = pd.read_csv(real_data / "hatecheck" / "test_suite_cases.csv")
    ids = [f"hatecheck/{number}" for number in frame.case_id]
    kept = next(p for p in result.predictions.values() if p.model == "small" and list(p.ids) == ids)
    frame["truth"] = frame.label_gold == "hateful"
    frame["right"] = (kept.probabilities[:, kept.column("toxic")] >= 0.5) == frame.truth
    by = {
        f.slice: f for f in result.findings if f.model == "small" and f.suite == "hatecheck" and f.audit == "by-column"
    }
    for name, share in frame.groupby("functionality").right.mean().items():
        assert by[f"functionality: {name}"].value.value == pytest.approx(share, abs=1e-9)
    whole = next(f for f in result.findings if (f.model, f.suite, f.metric) == ("small", "hatecheck", "auc_roc"))
    assert whole.value.value == pytest.approx(roc_auc_score(frame.truth, kept.ranking("toxic")), abs=1e-9)


def test_madlibs_has_every_term_in_every_template(real_data):
    short, whole = open_set("madlibs", "short"), open_set("madlibs", "test")
    assert (len(short), len(whole)) == (6164, 76564)
    assert len(short.identities) == 50
    assert len(set(whole.clusters)) == len(set(short.clusters)) == 138
    assert {int(column.sum()) for column in short.identities.values()} == {106}
    assert len(set(open_set("madlibs", "long").texts)) == 6164
