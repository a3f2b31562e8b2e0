"""Shuffled texts: what moves, what stays, and that one stream goes on from text to text."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angelshare.data.shuffles import can_move, is_mark, sentences, shuffled

BLOCKS = (1, 2, 3)
texts = st.text(alphabet="ab c.,!?'\"_ \n\té\u0301\ud800", max_size=40)


def stream(seed=0):
    return np.random.default_rng(seed)


def words(text):
    return [one.words for one in sentences(text)]


@settings(max_examples=200, deadline=None)
@given(texts, st.sampled_from(BLOCKS), st.integers(0, 99))
def test_the_same_words_and_nothing_else_moves(text, block, seed):
    cut = sentences(text)
    assert "".join(one.with_words(one.words) for one in cut) == text
    again = shuffled(cut, block, stream(seed))
    assert Counter(again) == Counter(text)
    assert (again != text) == any(can_move(one, block) for one in cut)
    assert len(again) == len(text)
    place = 0
    for one in cut:
        part = again[place : place + len(one.with_words(one.words))]
        place += len(part)
        assert part.endswith(one.gaps[-1])
        inner = part[: len(part) - len(one.gaps[-1])].split()
        assert Counter(inner) == Counter(one.words)


@settings(max_examples=100, deadline=None)
@given(st.integers(4, 30), st.sampled_from(BLOCKS), st.integers(0, 99))
def test_blocks_stay_whole(length, block, seed):
    names = [f"w{at}" for at in range(length)]
    found = shuffled(sentences(" ".join(names) + " ."), block, stream(seed)).removesuffix(" .").split()
    blocks = [names[at : at + block] for at in range(0, length, block)]
    while blocks:
        first = next(each for each in blocks if found[: len(each)] == each)
        blocks.remove(first)
        found = found[len(first) :]
    assert found == []


def test_two_texts_of_one_length_get_different_orders():
    draw = stream()
    names = [f"w{at}" for at in range(12)]
    orders = {shuffled(sentences(" ".join(names)), 1, draw) for _ in range(20)}
    assert len(orders) == 20


def test_what_cannot_move_and_what_hardly_can():
    (same,) = sentences("la la la la la")
    assert not any(can_move(same, block) for block in BLOCKS)
    assert shuffled([same], 1, stream()) == "la la la la la"
    (pairs,) = sentences("go on go on")
    assert [can_move(pairs, block) for block in BLOCKS] == [True, False, True]
    rare = "la " * 40 + "lo"
    assert all(shuffled(sentences(rare), 1, stream(seed)) != rare for seed in range(20))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("works because , for the most part , it avoids the cliches .", 1),
        ("He left. She stayed!", 2),
        ('"He left." She stayed', 2),
        ("what... is this", 2),
        ("one line\nanother line", 2),
        ("No. 5 is alive", 2),
        ("3.5 of 4 stars", 1),
        ("Stop! ...", 2),
        ("", 1),
    ],
)
def test_sentences(text, found):
    assert len(sentences(text)) == found


def test_punctuation_at_the_end_stays_and_the_last_word_moves():
    assert words("I love it!!") == [("I", "love", "it")]
    assert words("named aptly , yes .") == [("named", "aptly", ",", "yes")]
    assert sentences("(he said).")[0].gaps == ("", " ", ").")
    assert words("snake_case_ e\u0301") == [("snake_case_", "e\u0301")]
    assert [is_mark(each) for each in "._\u0301€—"] == [True, False, False, False, True]
    moved = {shuffled(sentences("I love it!!"), 1, stream(seed)) for seed in range(40)}
    assert moved == {"I it love!!", "love I it!!", "love it I!!", "it I love!!", "it love I!!"}


def test_a_megabyte_is_no_trouble():
    text = "word " * 200_000 + "end!"
    assert len(shuffled(sentences(text), 3, stream())) == len(text)
    assert sentences("!" * 1_000_000)[0].words == ()
