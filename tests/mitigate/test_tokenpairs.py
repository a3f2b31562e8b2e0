"""Pair words under a tokenizer: whole words alone, of one token or of as many as their partner; by name what is not."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from token_pairs import WORDS, byte_level, ids_of, sentencepiece, wordpiece

from angelshare.errors import ModelError
from angelshare.mitigate.pairs import PairList, open_pairs
from angelshare.mitigate.tokenpairs import TokenPairs

GENDER = open_pairs("gender-10")
MAN = PairList("own", (("woman", "man"),), {})
PIECES = wordpiece(["wo", "hu", "##man", "##woman", "grand", "##father", "##mother"])
SWAPS = TokenPairs.of(GENDER, PIECES)


def swapped(pairs, tokenizer, texts):
    ids, real = ids_of(tokenizer, texts)
    found = TokenPairs.of(pairs, tokenizer)(ids, real)
    assert (found.ids[~found.places] == ids[~found.places]).all()
    assert not (found.second & ~found.places).any()
    return [tokenizer.convert_ids_to_tokens(row[mask].tolist()) for row, mask in zip(found.ids, real, strict=True)]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.lists(st.sampled_from([*WORDS, "mankind", "She", "cats", "woman-x"]), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_the_swap_of_tokens_is_the_swap_of_words(rows):
    """Against the text-level swap, tokenised."""
    texts = [" ".join(row) for row in rows]
    ids, real = ids_of(PIECES, texts)
    found = SWAPS(ids, real)
    for text, row, mask in zip(texts, found.ids, real, strict=True):
        twins = GENDER.twins(text)
        assert row[mask].tolist() == PIECES(twins[0].text if twins else text)["input_ids"]


def test_sides_are_those_of_the_list():
    ids, real = ids_of(PIECES, ["she saw him herself", "he"])
    found = SWAPS(ids, real)
    assert found.places.tolist() == [[True, False, False, True], [True, False, False, False]]
    assert found.second.tolist() == [[False] * 4, [True, False, False, False]]


def test_words_of_several_tokens_swap_where_both_have_as_many():
    pairs = PairList("own", (("grandmother", "grandfather"), ("mother", "father"), ("woman", "man")), {})
    assert swapped(pairs, PIECES, ["the grandmother and father", "grandmothers"]) == [
        ["the", "grand", "##father", "and", "mother"],
        ["grand", "##mother", "##s"],
    ]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ((("grandmother", "man"),), r"'grandmother' \(2 to 1 for 'man'\).*Leave these pairs out of own"),
        ((("queen", "king"),), r"'queen' \(1 to 1 for 'king'\)"),
        (tuple((f"q{at}", f"k{at}") for at in range(5)), "and 7 more"),
    ],
)
def test_what_cannot_be_swapped_is_refused_by_name(pairs, words):
    with pytest.raises(ModelError, match=words):
        TokenPairs.of(PairList("own", pairs, {}), PIECES)


def test_byte_level_pieces():
    found = swapped(MAN, byte_level(), ["a man", "man, woman.", "a mankind", "human man’s"])
    assert [piece for piece in found[0] if "man" in piece] == ["Ġwoman"]
    assert [piece for piece in found[1] if "man" in piece][1] == "Ġman"
    assert "Ġman" in found[2] and "Ġwoman" in found[3] and "man" in found[3]


def test_pieces_that_mark_where_words_begin():
    assert swapped(MAN, sentencepiece(), ["the man", "mankind", "woman."])[1:] == [["▁man", "kind"], ["▁man", "."]]


def test_padding_and_masks_are_no_words():
    ids, real = ids_of(PIECES, ["man"])
    assert not SWAPS(ids, np.zeros_like(real)).places.any()
    assert not SWAPS(np.full_like(ids, PIECES.mask_token_id), real).places.any()
    assert SWAPS(ids[:, :0], real[:, :0]).ids.shape == (1, 0)
    assert not TokenPairs.of(PairList("own", (("grandmother", "grandfather"),), {}), PIECES)(ids, real).places.any()
