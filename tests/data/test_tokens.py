"""Token stores: what they hold, that killing does not change a byte, and that a wrong one is refused."""

import hashlib

import numpy as np
import pytest

from angelshare.data import tokens
from angelshare.data.stream import open_sources
from angelshare.data.tokens import StoreOptions, Tokeniser, TokenStore, is_store, tokenise
from angelshare.errors import DamagedFile, DataError


def ids(texts):
    """A number is a token; 1 is unknown."""
    return [[int(word) for word in text.split()] for text in texts]


WORDS = Tokeniser(ids, (2,), (3,), 1, 100, "words")
OPTIONS = StoreOptions(max_length=20, dev_share=0.2)


def lines(path, rows=200, seed=0):
    rng = np.random.default_rng(seed)
    path.write_text(
        "".join(" ".join(map(str, rng.integers(4, 100, size=rng.integers(1, 60)))) + "\n" for _ in range(rows))
    )
    return path


def sequences(part):
    return [
        part.tokens[start : start + length].tolist() for start, length in zip(part.starts, part.lengths, strict=True)
    ]


def held(directory):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(directory.iterdir())}


def test_what_a_store_holds(tmp_path):
    path = lines(tmp_path / "a.txt")
    store = tokenise(open_sources([path]), tmp_path / "store", WORDS, OPTIONS)
    expected = []
    for row in ids(path.read_text().splitlines()):
        pieces = [[2, *row[at : at + 18], 3] for at in range(0, len(row), 18)]
        expected += [tuple(piece) for piece in pieces if len(piece) >= 12]
    found = sequences(store.train) + sequences(store.dev)
    assert sorted(map(tuple, found)) == sorted(expected)
    assert 0.1 < len(store.dev) / len(found) < 0.3
    assert (store.counts == np.bincount(np.concatenate(found), minlength=100)).all()
    assert store.train.tokens.dtype == np.uint16 and isinstance(store.train.tokens, np.memmap)
    assert store.facts["counted"]["texts"] == 200 and store.facts["counted"]["short"] > 0
    assert is_store(tmp_path / "store") and not is_store(tmp_path)


def test_half_unknown_is_dropped(tmp_path):
    known, half, less = ("4 " * 18, "1 " * 10 + "4 " * 8, "1 " * 9 + "4 " * 9)
    (tmp_path / "a.txt").write_text(
        "".join(f"{text}{at % 50 + 5}\n" for text in (known, half, less) for at in range(50))
    )
    options = StoreOptions(max_length=30, dev_share=0.3)
    store = tokenise(open_sources([tmp_path / "a.txt"]), tmp_path / "store", WORDS, options)
    assert store.facts["counted"]["unknown"] == 0  # 10 of 21, with the marks
    (tmp_path / "b.txt").write_text(
        "".join(f"{'1 ' * 11}{'4 ' * 8}{at + 5}\n" for at in range(50)) + known + "\n" + less
    )
    with pytest.raises(DataError, match="50 of unknown tokens"):  # 11 of 22
        tokenise(
            open_sources([tmp_path / "b.txt"]), tmp_path / "other", WORDS, StoreOptions(max_length=30, dev_share=1e-9)
        )
    assert not (tmp_path / "other").exists()


def test_a_share_is_a_subset_and_equal_texts_fall_to_one_side(tmp_path):
    path = lines(tmp_path / "a.txt", 400)
    path.write_text(path.read_text() * 2)
    whole = tokenise(open_sources([path]), tmp_path / "whole", WORDS, OPTIONS)
    some = tokenise(
        open_sources([path]), tmp_path / "some", WORDS, StoreOptions(max_length=20, dev_share=0.2, share=0.3)
    )
    train, dev = ({tuple(one) for one in sequences(part)} for part in (whole.train, whole.dev))
    assert not train & dev
    assert {tuple(one) for one in sequences(some.train)} < train and {tuple(one) for one in sequences(some.dev)} < dev
    assert 0.2 < len(some.train) / len(whole.train) < 0.4


def test_killed_anywhere_the_bytes_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "COMMIT", 3_000)
    monkeypatch.setattr("angelshare.data.readers.CHUNK", 50)
    path = lines(tmp_path / "a.txt", 600)
    tokenise(open_sources([path]), tmp_path / "whole", WORDS, OPTIONS)
    real, calls = tokens.runs.fsync, 0

    def dies(place):
        nonlocal calls
        calls += 1
        if calls % 11 == 0:
            raise KeyboardInterrupt
        real(place)

    monkeypatch.setattr(tokens.runs, "fsync", dies)
    for _ in range(60):
        try:
            tokenise(open_sources([path]), tmp_path / "broken", WORDS, OPTIONS)
        except KeyboardInterrupt:
            continue
        break
    assert calls > 30
    assert held(tmp_path / "broken") == held(tmp_path / "whole")


def test_a_store_of_something_else_is_refused(tmp_path, monkeypatch):
    one, other = lines(tmp_path / "a.txt"), lines(tmp_path / "b.txt", seed=1)
    tokenise(open_sources([one]), tmp_path / "store", WORDS, OPTIONS)
    before = held(tmp_path / "store")
    tokenise(open_sources([one]), tmp_path / "store", WORDS, OPTIONS)  # there already
    with pytest.raises(DataError, match="another corpus"):
        tokenise(open_sources([other]), tmp_path / "store", WORDS, OPTIONS)
    assert held(tmp_path / "store") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("mine")
    with pytest.raises(DataError, match="something else"):
        tokenise(open_sources([one]), tmp_path / "mine", WORDS, OPTIONS)
    content = bytearray((tmp_path / "store" / "train.tokens").read_bytes())
    content[5] ^= 1
    (tmp_path / "store" / "train.tokens").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"train\.tokens differs"):
        TokenStore(tmp_path / "store")


@pytest.mark.parametrize("text", ["4 5 6\n", " ".join(["4"] * 15)])
def test_too_little_leaves_nothing_behind(text, tmp_path):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(DataError, match="must be one of each"):
        tokenise(open_sources([tmp_path / "a.txt"]), tmp_path / "store", WORDS, OPTIONS)
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(DataError, match="has no rows"):
        tokenise(open_sources([tmp_path / "empty.txt"]), tmp_path / "store", WORDS, OPTIONS)
    assert not (tmp_path / "store").exists()


def test_a_large_vocabulary_takes_four_bytes(tmp_path):
    path = lines(tmp_path / "a.txt")
    large = Tokeniser(lambda texts: [[at + 70_000 for at in row] for row in ids(texts)], (2,), (3,), 1, 80_000, "large")
    store = tokenise(open_sources([path]), tmp_path / "store", large, OPTIONS)
    assert store.train.tokens.dtype == np.uint32 and store.train.tokens.max() > 70_000
