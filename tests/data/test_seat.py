"""SEAT's files: every test of the catalogue by name, and one sentence about what cannot be read."""

import json

import pytest

from angelshare.data.seat import DEFAULT, EVERY, read_tests
from angelshare.errors import AbsentSet, DataError


def content(**changes):
    found = {key: {"category": key, "examples": ["a", "b"]} for key in ("targ1", "targ2", "attr1", "attr2")}
    return {**found, **changes}


def test_there_are_46_and_six_are_usual(tmp_path):
    assert (len(EVERY), len(DEFAULT)) == (46, 6) and set(DEFAULT) < set(EVERY)
    for name in EVERY:
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(content()))
    assert [test.name for test in read_tests(root=tmp_path)] == list(DEFAULT)
    assert [test.name for test in read_tests(["all"], tmp_path)] == list(EVERY)
    (one,) = read_tests(["weat7", "weat7"], tmp_path)
    assert (one.name, one.categories[0], one.sentences[3]) == ("weat7", "targ1", ("a", "b"))


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(content(), indent=1))
    assert read_tests([str(path)])[0].name == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be one JSON object"),
        ("[]", "must be one JSON object"),
        (json.dumps(content(targ2={"category": "x"})), "'examples'"),
        (json.dumps(content(attr1={"category": "x", "examples": []})), "attr1: the examples must be sentences"),
        (json.dumps(content(attr2={"category": "x", "examples": [" "]})), "none empty"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path, text, said):
    path = tmp_path / "mine.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        read_tests([str(path)])
    assert "\n" not in str(caught.value)


def test_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.delenv("ANGELSHARE_DATA", raising=False)
    with pytest.raises(DataError, match="Got 'beauty' instead"):
        read_tests(["beauty"])
    with pytest.raises(AbsentSet, match="ANGELSHARE_DATA is not set"):
        read_tests()
    with pytest.raises(DataError, match="cannot be read"):
        read_tests([str(tmp_path / "no.jsonl")])
