"""Counterfactual texts agree in grammar, or are not made."""

import pytest

from angelshare.data.identities import lexicon, mentions
from angelshare.data.templates import swaps, terms
from angelshare.mitigate.counterfactuals import categories, counterfactuals


def made(text):
    return {one.target: one.text for one in counterfactuals(text)}


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("A Muslim is here.", "atheist", "An atheist is here."),
        ("I met an atheist.", "hindu", "I met a Hindu."),
        ("AN ATHEIST WAS HERE", "muslim", "A MUSLIM WAS HERE"),
        ("i hate jews", "muslim", "i hate muslims"),
        ("Christians came. Christians left.", "atheist", "Atheists came. Atheists left."),
        ("We like gays.", "bisexual", "We like bisexuals."),
        ("Gay people came", "heterosexual", "Heterosexual people came"),
        ("most black women", "asian", "most Asian women"),
        ("an African American man", "white", "a white man"),
        ("That Christian woman", "jewish", "That Jewish woman"),
        ("a Christian who sings", "jewish", "a Jew who sings"),
        ("islam’s law", "jewish", "judaism’s law"),
        ("an old man came", "young", "a young man came"),
        ("anti-Muslim talk", "christian", "anti-Christian talk"),
        ("The white house and white people", "black", "The white house and black people"),
    ],
)
def test_article_number_part_of_speech_and_capitals(text, target, expected):
    assert made(text)[target] == expected


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Christian food", "jewish"),  # Jewish or Jew? here nothing tells but sense
        ("a white car", "black"),
        ("an Asian dish", "black"),
        ("The man lost his hat.", "female"),  # his would have to become her
        ("men and women", "female"),  # the text is about both
        ("Catholics and Christians", "jewish"),  # a mention that has no counterpart
        ("black and white people", "asian"),
        ("no groups here", "muslim"),
    ],
)
def test_where_there_is_doubt_none_is_made(text, target):
    assert target not in made(text)


def test_each_swaps_one_identity_for_another_and_leaves_the_rest():
    """Our swap sentences are labelled with the one identity that they mention."""
    tried = 0
    for swap in swaps("toxicity"):
        for one in counterfactuals(swap.text):
            found = {identity for identity, rows in mentions([one.text]).items() if rows[0]}
            before = {identity for identity, rows in mentions([swap.text]).items() if rows[0]}
            assert found == before - {one.identity} | {one.target}
            tried += 1
    assert tried > 1000


def test_swapped_sentences_are_those_that_a_person_wrote_for_the_other_term():
    """A template filled with one term, swapped, is the template filled with the other: for terms of the same forms."""
    faiths = {"Christian": "christian", "Muslim": "muslim", "Hindu": "hindu", "Buddhist": "buddhist"}
    known = {term.term for term in terms()}
    assert faiths.keys() <= known
    filled = {(swap.template_id, swap.term): swap.text for swap in swaps("toxicity")}
    for (template, term), text in filled.items():
        if term not in faiths:
            continue
        for other, target in faiths.items():
            if other != term:
                assert made(text)[target] == filled[template, other]


def test_the_categories_hold_words_of_the_lexicon_alone():
    for category in categories():
        assert len(category.groups) >= 2
        for identity, parts in category.groups.items():
            for word in (word for words in parts.values() for word in words):
                assert word.lower() in lexicon()[identity], word
