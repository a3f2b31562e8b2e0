"""Identity swaps: the same sentence, another group."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from angelshare.audits.classifier.identity_swaps import IdentitySwaps, kind_of
from angelshare.data.templates import swaps
from angelshare.findings import Outcome
from angelshare.types import Predictions

from .example import answers_of, data_of, pick, toxicity

SENTENCES = swaps("toxicity")
KEY = "swaps-toxicity"


def swapped(model, seed, bias=0.0, noise=0.3):
    """Log-odds that follow the gold label, plus `bias` on sentences about Muslims."""
    rng = np.random.default_rng(seed)
    gold = np.array([swap.label for swap in SENTENCES])
    muslim = np.array([swap.term == "Muslim" for swap in SENTENCES])
    logits = 2.0 * gold - 1 + bias * muslim + noise * rng.normal(size=len(gold))
    ids = np.array([swap.id for swap in SENTENCES], dtype=object)
    return Predictions(model, ids, ("toxic",), True, logits[:, None])


@pytest.fixture(scope="module")
def judged():
    both = swapped("reference", 1), swapped("student", 2, bias=3)
    return both, IdentitySwaps().judge(data_of(toxicity()), answers_of(*both, key=KEY))


def test_it_asks_for_every_sentence_once():
    (request,) = IdentitySwaps().ask(data_of(toxicity()))
    assert request.key == KEY
    assert list(request.texts) == [swap.text for swap in SENTENCES]
    assert len(set(request.ids)) == len(SENTENCES)


def test_figures_equal_those_computed_by_hand(judged):
    (_, student), judgement = judged
    shares = student.probabilities[:, 0]
    by_template = {}
    for swap, share in zip(SENTENCES, shares, strict=True):
        by_template.setdefault(swap.template_id, {})[swap.term] = share
    scores = [np.array(list(row.values())) for row in by_template.values()]
    wanted = {
        "auc_roc": roc_auc_score([swap.label for swap in SENTENCES], shares),
        "score_dev": np.mean([row.std() for row in scores]),
        "score_range": np.mean([np.ptp(row) for row in scores]),
        "flips": np.mean([len(set(row >= 0.5)) > 1 for row in scores]),
    }
    for metric, value in wanted.items():
        assert pick(judgement.findings, "student", metric).value.value == pytest.approx(value, abs=1e-9), metric
    sens = np.mean([row["Muslim"] - np.mean(list(row.values())) for row in by_template.values()])
    finding = pick(judgement.findings, "student", "score_sens", "Muslim")
    assert finding.value.value == pytest.approx(sens, abs=1e-9)
    assert finding.delta.value < 0
    assert finding.delta.unit == "cluster"
    assert finding.counts["clusters"] == len(by_template)


def test_a_biased_term_shows_on_the_ladders(judged):
    _, judgement = judged
    exhibit = next(exhibit for exhibit in judgement.exhibits if exhibit.kind == "ladder")
    assert {row["model"] for row in exhibit.rows} == {"student"}
    row = exhibit.rows[0]
    assert "{" in row["template"]
    highest = max(row["entries"], key=lambda entry: entry["score"] - entry["reference_score"])
    assert highest["term"] == "Muslim"
    assert highest["flipped"] == ((highest["score"] >= 0.5) != (highest["reference_score"] >= 0.5))


@pytest.mark.parametrize(
    ("label", "kind"), [("toxic", "toxicity"), ("hate_speech", "toxicity"), ("positive", "sentiment"), ("spam", None)]
)
def test_the_positive_label_says_which_sentences_fit(label, kind):
    data = data_of(toxicity(labels=(label,)), positive=label)
    assert kind_of(data) == kind
    assert bool(IdentitySwaps().inapplicable(data)) == (kind is None)
    if kind is None:
        assert kind_of(data_of(toxicity(labels=(label,)), positive=label, swaps="toxicity")) == "toxicity"


def test_a_model_that_never_moves_has_no_range():
    flat = [
        Predictions(name, swapped(name, 1).ids, ("toxic",), True, np.zeros((len(SENTENCES), 1)))
        for name in ("reference", "student")
    ]
    findings = IdentitySwaps().judge(data_of(toxicity()), answers_of(*flat, key=KEY)).findings
    assert pick(findings, "student", "score_range").value.value == 0
    assert pick(findings, "student", "auc_roc").value.value == 0.5
    assert all(f.outcome is not Outcome.LOSS for f in findings)


def test_the_sentences_that_moved_furthest_stand_with_their_decisions(judged):
    (reference, student), judgement = judged
    exhibit = next(exhibit for exhibit in judgement.exhibits if exhibit.kind == "phrases")
    change = student.probabilities[:, 0] - reference.probabilities[:, 0]
    for gold in (True, False):
        mine = [i for i, swap in enumerate(SENTENCES) if swap.label == gold]
        furthest = sorted(mine, key=lambda i: -abs(change[i]))[:5]
        rows = [row for row in exhibit.rows if row["gold"] is gold]
        assert [row["text"] for row in rows] == [SENTENCES[i].text for i in furthest]
        for row, i in zip(rows, furthest, strict=True):
            said = student.probabilities[i, 0] >= 0.5
            assert row["student_decision"] == ("T" if said == gold else "F") + ("P" if said else "N")
            assert row["change"] == pytest.approx(change[i])
            assert row["abusive"] is gold
