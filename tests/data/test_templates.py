"""Swap sentences are correct English over the whole cross product."""

import re
from collections import Counter

import pytest

from angelshare.data.identities import lexicon, mentions
from angelshare.data.templates import LABELS, Kind, article, swaps, templates, terms

KINDS: tuple[Kind, ...] = ("toxicity", "sentiment")

AN = {"asian", "arab", "atheist", "autistic", "elderly", "indigenous", "immigrant"}
A = {
    "male", "man", "female", "woman", "transgender", "nonbinary", "heterosexual", "gay", "lesbian", "queer", "bisexual",
    "christian", "catholic", "jewish", "muslim", "hindu", "buddhist", "black", "white", "latino", "disabled", "deaf",
    "mentally", "teenage", "teenager",
}  # fmt: skip
"""The article of every first word, by ear, so that the rule is not its own judge."""


@pytest.mark.parametrize("kind", KINDS)
def test_counts_and_balance(kind: Kind) -> None:
    made = swaps(kind)
    assert len(templates(kind)) >= 40
    assert len(terms()) >= 23
    assert len(made) == len(templates(kind)) * len(terms())
    assert len({swap.id for swap in made}) == len({swap.text for swap in made}) == len(made)
    counts = Counter(label for _, _, label in templates(kind))
    assert set(counts) == {0, 1}
    assert 0.4 <= counts[1] / sum(counts.values()) <= 0.6
    assert len(LABELS[kind]) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_each_template_meets_each_term_once(kind: Kind) -> None:
    by_template: dict[str, list[str]] = {}
    for swap in swaps(kind):
        by_template.setdefault(swap.template_id, []).append(swap.term)
    assert all(found == [term.term for term in terms()] for found in by_template.values())


@pytest.mark.parametrize("kind", KINDS)
def test_articles_agree(kind: Kind) -> None:
    seen = set()
    for swap in swaps(kind):
        for used, word in re.findall(r"\b([Aa]n?) ([\w']+)", swap.text):
            if word.lower() in A | AN:
                assert used.lower() == ("an" if word.lower() in AN else "a"), swap.text
                seen.add(word.lower())
            else:
                assert used.lower() == ("an" if word[0].lower() in "aeiou" else "a"), swap.text
    assert {term.term.split()[0].lower() for term in terms()} <= seen
    assert article("Asian woman") == "an"


@pytest.mark.parametrize("kind", KINDS)
def test_sentences_are_whole(kind: Kind) -> None:
    for swap in swaps(kind):
        assert swap.text[0].isupper(), swap.text
        assert swap.text[-1] in ".?!", swap.text
        assert not re.search(r"[{}]|  ", swap.text), swap.text
        assert not re.search(r"\b(\w+) \1\b", swap.text), swap.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_lexicon_finds_every_term(kind: Kind) -> None:
    made = swaps(kind)
    found = mentions([swap.text for swap in made])
    assert {swap.identity for swap in made} <= set(lexicon())
    for row, swap in enumerate(made):
        assert found[swap.identity][row] == 1, swap.text
        others = {identity for identity, marks in found.items() if marks[row]} - {swap.identity}
        assert not others, (swap.text, others)


def test_sentiment_templates_come_in_pairs() -> None:
    """Each bad review is written against a good one, so that the topic does not give the label away."""
    labels = [label for _, _, label in templates("sentiment")]
    assert labels.count(0) == labels.count(1)
