"""Pair lists: what swaps, in which capitals, and which lists are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angelshare.errors import DataError
from angelshare.mitigate.counterfactuals import counterfactuals
from angelshare.mitigate.pairs import PairList, open_pairs, words
from angelshare.mitigate.targets import stereotypes

GENDER = open_pairs("gender-10")


def swapped(text, pairs=GENDER):
    return [twin.text for twin in pairs.twins(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She told him", "He told him"),  # the paper's list has no "him"
        ("her son, HIMSELF", "his daughter, HERSELF"),
        ("Mary's guy", "John's gal"),
        ("mary and MARY", "john and JOHN"),
        ("Woman-made", "Man-made"),
        ("he\nshe", "she\nhe"),
    ],
)
def test_all_words_of_a_text_are_swapped_at_once_as_their_writer_wrote_them(text, expected):
    assert swapped(text) == [expected]


@pytest.mark.parametrize("text", ["", "human females", "heroine, sheet, MANY", "\u017fon", "shemale \ud800 herring"])
def test_parts_of_words_are_no_words(text):
    assert swapped(text) == []


@given(st.lists(st.sampled_from([*GENDER.partners, "She", "HER", "x", "herd", "-", "\n"]), max_size=12).map(" ".join))
def test_two_swaps_give_the_text_again(text):
    """Each word of the ten pairs has one partner, whose partner it is."""
    once = swapped(text)
    assert not once or swapped(once[0]) == [text]


def test_the_terms_name_every_place():
    [twin] = GENDER.twins("He and his Mother")
    assert twin.terms == (("He", "She"), ("his", "her"), ("Mother", "Father"))


def test_phrases_and_capitals_of_the_list_itself():
    pairs = PairList("own", (("nurse", "Dr Who"), ("first lady", "president")), {})
    assert swapped("a nurse, the First  Lady", pairs) == ["a Dr Who, the President"]
    assert swapped("dr who, Dr Who", pairs) == ["nurse, nurse"]


def test_identities_swap_as_counterfactuals_do():
    text = "A Muslim man"
    assert [twin.text for twin in open_pairs("identities").twins(text)] == [one.text for one in counterfactuals(text)]


def test_an_ambiguous_word_takes_what_the_list_says(tmp_path):
    file = tmp_path / "own.toml"
    pairs = 'pairs = [["her", "his"], ["her", "him"]]\n'
    file.write_text(pairs)
    with pytest.raises(DataError, match=r"pairs 'her' with 'his' and 'him'.*her = \"his\" under \[ambiguous\]"):
        open_pairs(file)
    file.write_text(pairs + '[ambiguous]\nher = "him"\n')
    assert swapped("Her, his, him", open_pairs(file)) == ["Him, her, her"]
    assert [open_pairs(file).partners[word].second for word in ("her", "his", "him")] == [False, True, True]


def test_a_table_of_pairs(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("first,second\nyoung, old \nyoung,old\n")
    assert swapped("Young old", open_pairs(file)) == ["Old young"]
    assert open_pairs(file).digest == PairList("x", (("young", "old"),), {}).digest
    assert open_pairs(file).digest != PairList("x", (("old", "young"),), {}).digest  # the sides are turned


BROKEN = {
    "empty.csv": ("", "is empty"),
    "header.csv": ("first,second\n", "has no pairs"),
    "column.csv": ("one,two\na,b\n", "no column 'first'"),
    "blank.csv": ("first,second\na,\n", "'' is no word"),
    "same.csv": ("first,second\na,A\n", "with itself"),
    "several.csv": ("first,second\na,b\na,c\n", "Say in a TOML file"),
    "open.toml": ("pairs = [", "is not TOML"),
    "none.toml": ("", "has no pairs"),
    "key.toml": ("pear = 1", "unknown key 'pear'"),
    "three.toml": ('pairs = [["a", "b", "c"]]', "must be two words"),
    "list.toml": ("pairs = 3", "must be a list"),
    "ambiguous.toml": ('pairs = [["a", "b"]]\nambiguous = 1', "must be a table"),
    "nowhere.toml": ('pairs = [["a", "b"]]\n[ambiguous]\na = "c"', "pairs them nowhere"),
    "surrogate.jsonl": ('{"first": "a\\ud800b", "second": "c"}', "is no word"),
    "number.jsonl": ('{"first": 3, "second": "c"}', "must be two words"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_lists_are_one_sentence(tmp_path, name):
    (tmp_path / name).write_text(BROKEN[name][0])
    with pytest.raises(DataError, match=BROKEN[name][1]):
        open_pairs(tmp_path / name)


def test_there_is_no_such_list(tmp_path):
    with pytest.raises(DataError, match=r"gender-10, identities, or a \.toml"):
        open_pairs("gender-11")
    with pytest.raises(DataError, match="cannot be read"):
        open_pairs(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b'pairs = [["\xff", "b"]]')
    with pytest.raises(DataError, match="not UTF-8"):
        open_pairs(tmp_path / "latin.toml")


def test_the_stereotypes_name_no_gender():
    assert len(set(stereotypes())) == len(stereotypes()) > 100
    assert not any(words(GENDER.partners).search(word) for word in stereotypes())
