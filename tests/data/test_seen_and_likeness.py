"""What went by is known again; what is alike is found."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from angelshare.data.likeness import band_keys, normalised
from angelshare.data.seen import Seen, keys

words = st.text(alphabet="ab c", max_size=4)


@given(st.lists(st.lists(words, max_size=8), max_size=12))
def test_a_key_is_new_exactly_once(parts: list[list[str]]) -> None:
    seen, known = Seen(), set()
    for part in parts:
        expected = [text not in known and text not in part[:at] for at, text in enumerate(part)]
        assert seen.has(keys(part)).tolist() == [text in known for text in part]
        assert seen.add(keys(part)).tolist() == expected
        known.update(part)
        assert len(seen) == len(known)


def test_eight_bytes_a_text() -> None:
    seen = Seen()
    for start in range(0, 100_000, 1000):
        seen.add(keys(map(str, range(start, start + 1000))))
    assert len(seen) == 100_000
    assert sum(run.nbytes for run in seen._runs) == 800_000
    assert len(seen._runs) < 12


def test_what_normalising_ignores_and_what_it_keeps() -> None:
    assert normalised("  Straße, ＦＵＬＬ—width!\n") == normalised("STRASSE full width") == "strasse full width"
    assert normalised("You_idiot!!!") == normalised("you idiot") == "you idiot"
    assert normalised("कि") != normalised("का")
    assert normalised("?!") != normalised("!?") and normalised(" 😀 ") == "😀"
    assert normalised("don't") != normalised("dont")


def test_near_duplicates_share_a_key_as_often_as_promised() -> None:
    """Against the exact Jaccard similarity of word triples: 0.9 -> 89 %, 0.5 -> 2 %."""
    rng = np.random.default_rng(0)

    def share(similarity: float) -> float:
        hits = 0
        for at in range(300):
            common = [f"c{at} {n} x" for n in range(100)]
            apart = round(100 * (1 - similarity) / (1 + similarity))
            one = [*common[apart:], *(f"a{at} {n} y" for n in range(apart))]
            other = [*common[apart:], *(f"b{at} {n} z" for n in range(apart))]
            # sentences of triples that share no words with their neighbours' triples are made of single triples
            found = band_keys([" ".join(one), " ".join(other)])
            hits += bool((found[0] == found[1]).any())
        return hits / 300

    del rng
    assert share(0.97) > 0.75
    assert share(0.2) < 0.05


def test_case_and_marks_do_not_make_a_new_text() -> None:
    one, other = band_keys([normalised("A fine film, truly!"), normalised("a FINE film -- truly")])
    assert (one == other).all()
