"""Which sentences of a corpus are chosen: by their words and their hash alone."""

import numpy as np
import pytest

from angelshare.data.stream import Texts
from angelshare.errors import DataError
from angelshare.mitigate.pairs import open_pairs
from angelshare.mitigate.sentences import FIRST, LONGEST, SECOND, TARGET, choose, sentences
from angelshare.mitigate.targets import open_targets

GENDER = open_pairs("gender-10")


def corpus(*texts):
    ids = [str(at) for at in range(len(texts))]
    yield Texts(ids, list(texts), ["c"] * len(texts), np.ones(len(texts), np.float32))


def chosen(*texts, targets=("doctor", "head nurse"), count=9, seed=0):
    found = choose(corpus(*texts), GENDER, targets, count, seed)
    return {kind: [t for t, k in zip(found.texts, found.kinds, strict=True) if k == kind] for kind in range(3)}


def test_sentences_end_behind_their_marks():
    text = 'One two. Is it? "Yes, it is!" she said. 3.5 percent e.g.this\nnext line. Alone. ' + "word " * (LONGEST + 1)
    assert list(sentences(text)) == [
        "One two.",
        "Is it?",
        '"Yes, it is!',
        "she said.",
        "3.5 percent e.g.this\nnext line.",
    ]


def test_the_kinds_of_sentences():
    found = chosen(
        "A doctor came. Her DOCTOR came.",
        "He left, and Mary stayed. John left!",
        "The head  nurse sang? The head sang. Doctors sang. Nothing here.",
        "A doctor came.",
    )
    assert set(found[TARGET]) == {"A doctor came.", "The head  nurse sang?"} and len(found[TARGET]) == 2
    assert found[FIRST] == ["Her DOCTOR came."] and found[SECOND] == ["John left!"]


def test_neither_the_order_nor_the_cut_of_the_corpus_decides():
    texts = [f"The doctor saw {at}. She saw {at}. He saw {at}." for at in range(200)]
    found = chosen(*texts, count=20)
    assert [len(kind) for kind in found.values()] == [20, 20, 20]
    assert chosen(*texts[::-1], count=20) == found == chosen("  ".join(texts), count=20)
    assert chosen(*texts, count=20, seed=1) != found
    more = chosen(*texts, count=50)
    assert all(more[kind][:20] == found[kind] for kind in range(3))


def test_a_dev_split_is_of_the_same_sentences_every_time():
    texts = [f"The doctor saw {at}. She saw {at}." for at in range(200)]
    found = choose(corpus(*texts), GENDER, ("doctor",), 500, 0)
    rest, held = found.split(0.1, 0)
    assert 20 < len(held) < 70 and not set(rest.texts) & set(held.texts)
    assert rest.texts + held.texts != found.texts and set(rest.texts + held.texts) == set(found.texts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one side of gender-10 alone"),
        ("The doctor came.", "one side of gender-10 alone"),
        ("She and he met a doctor.", "one side of gender-10 alone"),
        ("She met a doctor.", "target word and no word of gender-10"),
        ("She came. " + "x" * 2_000_000 + " doctor", None),
    ],
)
def test_a_corpus_without_such_sentences_is_refused(text, words):
    if words is None:
        assert len(chosen(text)[TARGET]) == 1
        return
    with pytest.raises(DataError, match=words):
        chosen(text)


def test_target_words_come_from_a_file_or_a_public_set(tmp_path, monkeypatch):
    file = tmp_path / "words.txt"
    file.write_text("\ufeffDoctor\n\n head   nurse \n***\ndoctor\n", encoding="utf-8")
    assert open_targets(file) == ("doctor", "head nurse")
    (tmp_path / "gender_words").mkdir()
    (tmp_path / "gender_words" / "stereotype.txt").write_text("welder\nbaker\n")
    monkeypatch.setenv("ANGELSHARE_DATA", str(tmp_path))
    assert open_targets("set:gender_words:stereotypes") == ("welder", "baker")
    for name, content, words in (
        ("a", b"\n\n", "holds no word"),
        ("b", b"\xff", "not UTF-8"),
        ("c", None, "cannot be read"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=words):
            open_targets(tmp_path / name)
    with pytest.raises(DataError, match="has the parts"):
        open_targets("set:gender_words:welders")
