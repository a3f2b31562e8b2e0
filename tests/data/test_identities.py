"""The lexicon finds groups, not namesakes."""

import time
from pathlib import Path

import numpy as np
import pytest

from angelshare.data import catalogue
from angelshare.data.identities import LEXICON_VERSION, exceptions, lexicon, mentioned, mentions

JIGSAW = (
    "male", "female", "homosexual_gay_or_lesbian", "christian", "jewish", "muslim", "black", "white",
    "psychiatric_or_mental_illness",
)  # fmt: skip


def found(text: str) -> set[str]:
    return {identity for identity, marks in mentions([text]).items() if marks[0]}


def test_the_nine_jigsaw_identities_are_there() -> None:
    assert set(JIGSAW) <= set(lexicon())
    assert len(lexicon()) >= 20
    assert LEXICON_VERSION == "1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The White House spoke on Black Friday.", set()),
        ("Some WHITE people, and Black\nwomen!", {"white", "black", "female"}),
        ("same-sex couples; same sex couples", {"homosexual_gay_or_lesbian"}),
        ("Shot in black-and-white by Jack Black", set()),
        ("black and white people alike", {"black", "white"}),
        ("blackmail, whitening, manic, women's", {"female"}),
        ("Spider-Man and Christian Bale", set()),
        ("Christians, Muslims' and jewish", {"christian", "muslim", "jewish"}),
        ("my mental\u00a0health", {"psychiatric_or_mental_illness"}),
        ("African-American and AFRICAN AMERICAN", {"black"}),
        ("turn a blind eye to the blind man", {"physical_disability", "male"}),
        ("the film is bad", set()),
        ("", set()),
    ],
)
def test_mentions(text: str, expected: set[str]) -> None:
    assert found(text) == expected


def test_every_term_is_found_alone() -> None:
    for identity, terms in lexicon().items():
        for term in terms:
            assert identity in found(f"so, {term.upper()}!"), term


def test_no_exception_mentions_what_it_excepts() -> None:
    """A phrase to pass over must hold a term, or it does nothing."""
    for phrase in exceptions():
        words = set(phrase.replace("'", " ").split())
        first = {term.split()[0] for terms in lexicon().values() for term in terms}
        assert words & first, phrase
        assert not found(phrase) & {"black", "white"}, phrase


def test_quick_search_equals_the_search_of_every_pattern(real_data: Path) -> None:
    texts = catalogue.open_set("civil_comments_spans", "test", real_data).texts[:1500]
    quick = mentions(texts)
    for identity in lexicon():
        slow = np.array([mentioned(text, identity) for text in texts], dtype=np.float32)
        np.testing.assert_array_equal(quick[identity], slow)


def test_a_megabyte_of_text_takes_no_time_to_speak_of() -> None:
    start = time.monotonic()
    mentions(["a black and whit " * 60_000])
    assert time.monotonic() - start < 5
