"""Masked tokens: figures are of all hidden tokens together, and other tokens are another scale."""

import numpy as np
import pytest

from angelshare.audits.base import Answers, Member
from angelshare.audits.encoder.mlm import Mlm
from angelshare.findings import Outcome

from .example import data_of, pick, toxicity

ROWS = 300


def answers(table, **models):
    """`worse` of a model lowers each token's log probability; `vocabulary` names its tokens."""
    rng = np.random.default_rng(2)
    hidden = rng.integers(0, 6, size=len(table))
    found = []
    for name, (worse, vocabulary) in models.items():
        log_probs = -hidden * (1 + worse) - 0.1 * rng.random(len(table)) * hidden
        right = rng.binomial(hidden, 0.6 - 0.1 * worse)
        values = np.stack((log_probs, right, hidden), axis=1).astype(float)
        found.append((name, table.ids, values, ("log_prob", "right", "hidden"), name, vocabulary))
    from angelshare.types import Readings

    members = [Member(name, "reference" if name == "reference" else "student") for name in models]
    return Answers(members, readings={"hidden": [Readings(*each) for each in found]})


def test_figures_and_paired_differences():
    table = toxicity(ROWS)
    given = answers(table, reference=(0, "a"), student=(1, "a"))
    findings = Mlm().judge(data_of(table), given).findings
    shares, perplexities = [], []
    for found in given.readings["hidden"]:
        log_prob, right, hidden = found.values.sum(axis=0)
        shares.append(right / hidden)
        perplexities.append(np.exp(-log_prob / hidden))
        assert pick(findings, found.model, "masked_accuracy").value.value == pytest.approx(shares[-1])
        assert pick(findings, found.model, "pseudo_perplexity").value.value == pytest.approx(perplexities[-1])
    accuracy = pick(findings, "student", "masked_accuracy")
    assert accuracy.delta.value == pytest.approx(shares[1] - shares[0])
    assert accuracy.outcome is Outcome.LOSS
    assert accuracy.counts["hidden"] == int(given.readings["hidden"][0].column("hidden").sum())
    surprise = pick(findings, "student", "pseudo_perplexity")
    assert surprise.delta.value == pytest.approx(perplexities[0] - perplexities[1])
    assert surprise.delta.high < 0 and surprise.outcome is Outcome.NOT_JUDGED


def test_a_model_of_other_tokens_is_shown_and_not_compared():
    table = toxicity(ROWS)
    findings = Mlm().judge(data_of(table), answers(table, reference=(0, "a"), other=(0, "b"))).findings
    for metric in ("masked_accuracy", "pseudo_perplexity"):
        other = pick(findings, "other", metric)
        assert other.value is not None and other.delta is None
        assert other.outcome is Outcome.NOT_APPLICABLE and "other tokens" in other.note


def test_texts_without_a_token_to_hide_have_no_figure():
    table = toxicity(5)
    given = answers(table, reference=(0, "a"), student=(0, "a"))
    for found in given.readings["hidden"]:
        found.values[:] = 0
    findings = Mlm().judge(data_of(table), given).findings
    assert {finding.outcome for finding in findings} == {Outcome.NOT_ENOUGH_DATA}


def test_it_asks_for_the_rows_with_the_audits_seed():
    table = toxicity(7)
    (request,) = Mlm().ask(data_of(table, seed=5))
    assert (request.kind, request.seed, request.share, list(request.texts)) == ("mask", 5, 0.15, list(table.texts))
