"""Pair swaps: figures are of all tokens together, and only texts with a pair word are asked about."""

from dataclasses import replace

import numpy as np
import pytest

from angelshare.audits.base import Answers, Member
from angelshare.audits.encoder.pair_swaps import METRICS, SUMS, PairSwaps
from angelshare.data.tables import Table
from angelshare.findings import Outcome
from angelshare.types import Readings

from .example import data_of, pick

TEXTS = ["She saw the sea.", "No word of a pair.", "His mother came.", "WOMAN"] * 40


@pytest.fixture
def table():
    return Table("texts", "texts", np.array([str(at) for at in range(len(TEXTS))], dtype=object), TEXTS)


def answers(request, **models):
    rng = np.random.default_rng(1)
    words = rng.integers(1, 3, size=len(request.texts))
    others = rng.integers(2, 9, size=len(request.texts))
    noise = rng.random((2, len(request.texts)))
    members, found = [], []
    for name, (factor, vocabulary) in models.items():
        values = np.stack((factor * noise[0] * others, others, 5 * factor * noise[1] * words, words), axis=1)
        members.append(Member(name, "reference" if name == "reference" else "student"))
        found.append(Readings(name, request.ids, values, SUMS, name, vocabulary))
    return Answers(members, readings={"swapped": found})


def test_texts_with_a_pair_word_are_asked_about_with_their_twins(table):
    (request,) = PairSwaps().ask(data_of(table))
    assert request.kind == "swap" and len(request.texts) == 120
    assert list(zip(request.texts, request.twins, strict=True))[:3] == [
        ("She saw the sea.", "He saw the sea."),
        ("His mother came.", "Her father came."),
        ("WOMAN", "MAN"),
    ]
    assert list(request.ids[:3]) == ["0", "2", "3"]


def test_figures_are_means_over_tokens_and_paired(table):
    data = data_of(table)
    (request,) = PairSwaps().ask(data)
    given = answers(request, reference=(1.0, "a"), mixed=(0.5, "a"))
    findings = PairSwaps().judge(data, given).findings
    for found in given.readings["swapped"]:
        kept, others, swapped, words = found.values.sum(axis=0)
        expected = ((kept + swapped) / (others + words), kept / others, swapped / words)
        for metric, value in zip(METRICS, expected, strict=True):
            assert pick(findings, found.model, metric).value.value == pytest.approx(value)
    for metric in METRICS:
        lower = pick(findings, "mixed", metric)
        assert lower.delta.value == pytest.approx(pick(findings, "reference", metric).value.value / 2)
        assert lower.delta.low > 0 and lower.outcome is Outcome.NOT_JUDGED


def test_a_model_of_other_tokens_is_shown_and_not_compared(table):
    data = data_of(table)
    (request,) = PairSwaps().ask(data)
    findings = PairSwaps().judge(data, answers(request, reference=(1.0, "a"), other=(1.0, "b"))).findings
    assert {f.outcome for f in findings if f.model == "other"} == {Outcome.NOT_APPLICABLE}
    assert all(f.value is not None and f.delta is None for f in findings if f.model == "other")


def test_without_a_pair_word_it_does_not_apply(table):
    assert PairSwaps().inapplicable(data_of(table)) == ""
    assert "gender-10" in PairSwaps().inapplicable(data_of(replace(table, texts=["nobody is here"] * len(TEXTS))))
