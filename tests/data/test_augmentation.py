"""Each operation against its definition, and words that none of them may touch."""

import math
import re
from collections import Counter

import numpy as np
import pytest
from augmenting import Guesser, sentences
from hypothesis import given, settings
from hypothesis import strategies as st

from angelshare.data.augmentation import generated, masked
from angelshare.data.augmentation.eda import OPERATIONS, deletion, eda, insertion, swap, synonyms
from angelshare.data.augmentation.tang import MASK, speech_of, tang
from angelshare.data.augmentation.words import Protected, Words, around, built_in, dressed, own_words, words
from angelshare.errors import DataError

KNOWN = {"good": ("fine", "great"), "film": ("movie", "picture show"), "dog": ("hound",), "happy": ("glad",)}
NOTHING = Protected()
TERMS, ENDINGS, _ = built_in()
LISTS = Protected(TERMS, ENDINGS)


def known(word: str) -> tuple[str, ...]:
    return KNOWN.get(word, ())


def streams(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng((7, at)) for at in range(count)]


def near(found: int, draws: int, share: float) -> bool:
    """Within four standard errors: one false alarm in 16,000."""
    return abs(found - draws * share) <= 4 * math.sqrt(draws * share * (1 - share)) + 1e-9


def is_part(part: list[str], whole: list[str]) -> bool:
    """Whether `part` is left when some of `whole` are taken out."""
    rest = iter(whole)
    return all(word in rest for word in part)


def tags(sentence: list[str]) -> list[str]:
    verbs, adjectives = {"love", "watch"}, {"good", "bad", "happy", "gay"}
    return ["VB" if word in verbs else "JJ" if word in adjectives else "NN" for word in map(str.lower, sentence)]


SPEECH = speech_of(sentences(300), tags, NOTHING)


def tang_of(found: Words, rng: np.random.Generator, **others: float) -> tuple[str, str]:
    return tang(found, rng, SPEECH, lambda word: tags([word])[0], **others)


def test_words_keep_their_marks_and_case() -> None:
    found = words('"Good," he  said:\nNOT (bad) — don’t!', NOTHING)
    assert found.tokens == ['"Good,"', "he", "said:", "NOT", "(bad)", "—", "don’t!"]
    assert found.plain == ["good", "he", "said", "not", "bad", "", "don't"]
    assert dressed("fine", '"Good,"') == '"Fine,"' and dressed("fine", "GOOD!") == "FINE!" and dressed("x", "i") == "x"
    assert [around(token) for token in ("(a)", "...", "b")] == [("(", "a", ")"), ("", "", "..."), ("", "b", "")]


def test_the_protect_list_knows_negations_groups_and_phrases() -> None:
    text = (
        "We don't, can’t and cant NOT like gays; the woman's African-American friend is anti-gay, of the same sex, no?"
    )
    found = words(text, LISTS)
    held = [token for token, stays in zip(found.tokens, found.held, strict=True) if stays]
    assert held == [
        "don't,",
        "can’t",
        "cant",
        "NOT",
        "gays;",
        "woman's",
        "African-American",
        "anti-gay,",
        "same",
        "sex,",
        "no?",
    ]
    assert not any(words(text, NOTHING).held)
    own = Protected(["rust belt", "BMW"])
    assert words("a BMW in the rust-belt, rust", own).held == [False, True, False, False, True, False]
    assert LISTS.allows("picture show") and not LISTS.allows("gay") and not LISTS.allows("black person")


@pytest.mark.parametrize("length", [1, 7, 10, 25, 39])
def test_as_many_words_change_as_eda_says(length: int) -> None:
    rng = np.random.default_rng(length)
    count = max(1, int(0.1 * length))
    for at in range(200):
        tokens = [str(word) for word in rng.choice(["good", "film", "blue", "the", "dog"], size=length)]
        found = words(" ".join(tokens), NOTHING)
        able = sum(word in KNOWN for word in tokens)
        made = synonyms(found, np.random.default_rng(at), known)
        changed = [(old, new) for old, new in zip(tokens, made, strict=True) if old != new]
        assert len(changed) == min(count, able) and all(new in KNOWN[old] for old, new in changed)
        made = insertion(found, np.random.default_rng(at), known)
        added = Counter(made) - Counter(tokens)
        assert is_part(tokens, made) and (len(made) == length + count or able < length / 4)
        assert set(added) <= {new for old in tokens for new in known(old)}
        made = swap(found, np.random.default_rng(at), known)
        assert Counter(made) == Counter(tokens) and sum(a != b for a, b in zip(tokens, made, strict=True)) <= 2 * count
        made = deletion(found, np.random.default_rng(at), known)
        assert made and is_part(made, tokens)


def test_the_rates_of_eda() -> None:
    found = words("one two three four five six seven eight nine ten", NOTHING)
    kept = [len(deletion(found, rng, known)) for rng in streams(2000)]
    assert near(20_000 - sum(kept), 20_000, 0.1)
    assert len(deletion(found, np.random.default_rng(0), known, alpha=1.0)) == 1
    found = words("good film dog happy the a", NOTHING)
    names = Counter(eda(found, rng, known)[0] for rng in streams(2000))
    assert set(names) == set(OPERATIONS) and all(near(names[name], 2000, 0.25) for name in OPERATIONS)
    moved = Counter(tuple(swap(words("a b c", NOTHING), rng, known)) for rng in streams(1500))
    assert len(moved) == 3 and all(near(count, 1500, 1 / 3) for count in moved.values())
    fresh = Counter(synonyms(words("good", NOTHING), rng, known)[0] for rng in streams(1000))
    assert near(fresh["fine"], 1000, 0.5) and near(fresh["great"], 1000, 0.5)


def test_the_rates_of_tang() -> None:
    text = "love good film watch bad plot happy dog love good"
    found = words(text, NOTHING)
    tokens, draws = found.tokens, 3000
    copies = [tang_of(found, rng, ngram=0.0) for rng in streams(draws)]
    made = [copy.split() for _, copy in copies if copy]
    assert len(made) == draws
    pairs = [(old, new) for copy in made for old, new in zip(tokens, copy, strict=True)]
    assert near(sum(new == MASK for _, new in pairs), len(pairs), 0.1)
    replaced = [(old, new) for old, new in pairs if new not in (MASK, old)]
    assert all(tags([old]) == tags([new]) for old, new in replaced)
    same = {old: SPEECH_SHARE[tags([old])[0]].get(old, 0.0) for old in set(tokens)}
    expected = sum(0.1 * (1 - same[old]) for old in tokens) / len(tokens)
    assert near(len(replaced), len(pairs), expected)
    verbs = Counter(new for old, new in replaced if old == "love")
    assert set(verbs) == {"watch"}
    cut = [tang_of(found, rng, share=0.0, replace=0.0) for rng in streams(draws)]
    sizes = Counter(len(copy.split()) for _, copy in cut)
    assert near(draws - sizes[10], draws, 0.25)
    assert all(near(sizes[size], draws, 0.05) for size in range(1, 6)) and set(sizes) == {1, 2, 3, 4, 5, 10}
    assert all(f" {copy} " in f" {text} " for _, copy in cut)
    assert {name for name, _ in copies} == {"", "mask", "mask+speech", "speech"}


SPEECH_SHARE = {
    tag: dict(zip(SPEECH.words[tag], np.diff(SPEECH.reach[tag], prepend=0.0).tolist(), strict=True))
    for tag in SPEECH.words
}


def test_words_are_drawn_as_often_as_they_come() -> None:
    counts = Counter(word for text in sentences(300) for word in text.lower().split() if tags([word]) == ["JJ"])
    for word, share in SPEECH_SHARE["JJ"].items():
        assert share == pytest.approx(counts[word] / counts.total())
        drawn = sum(SPEECH.draw("JJ", chance) == word for chance in np.arange(0, 1, 0.001))
        assert drawn == pytest.approx(1000 * share, abs=2)
    assert SPEECH.draw("UH", 0.5) is None


def test_a_fully_replaced_sentence_is_none() -> None:
    found = words("good film", NOTHING)
    assert {tang_of(found, rng, share=1.0)[1] for rng in streams(50)} == {""}
    some = [tang_of(found, rng, share=0.5, replace=0.0)[1] for rng in streams(1000)]
    both, one_left = 0.25, 0.25 * 0.2 * 0.25  # both masked; or an n-gram of one word, which is the masked one
    assert near(some.count(""), 1000, both + one_left)
    assert all(copy != MASK and copy != f"{MASK} {MASK}" for copy in some)


def test_masked_words_follow_the_model() -> None:
    found = words("Good dog, bad dog, the very good dog watches a film so", NOTHING)
    places = Counter()
    for rng in streams(600):
        hidden = masked.hide(found, rng)
        assert len(hidden.at) == max(1, int(0.1 * len(found))) == len(set(hidden.at)) and hidden.at == sorted(hidden.at)
        places.update(hidden.at)
    assert all(near(places[at], 600, 1 / len(found)) for at in range(len(found)))
    one = masked.Hidden([0], [0.0])
    guesses = [[("good", 0.9), ("gay", 0.05), ("fine", 0.04), ("kind", 0.01)]]
    drawn = Counter(
        masked.chosen(found, masked.Hidden([0], [chance]), guesses, LISTS)[1].split()[0]
        for chance in np.arange(0, 1, 0.01)
    )
    assert drawn == {"Fine": 80, "Kind": 20}
    assert masked.chosen(found, one, [[("good", 1.0)]], LISTS)[1] == " ".join(found.tokens)
    assert masked.chosen(found, masked.Hidden([0, 1], [0.0, 0.0]), guesses, LISTS)[1].startswith("Fine dog,")


def test_prompts_end_after_the_label() -> None:
    told = generated.prompt("joy:", ["one  two", "x " * 60])
    assert (
        told.startswith("joy: one two\njoy: x x") and told.endswith("\njoy:") and told.count("x") == generated.LONGEST
    )
    drawn = [generated.shots("d", ["a", "b", "c", "d", "e"], rng) for rng in streams(50)]
    assert all(shots[-1] == "d" and len(set(shots)) == 4 for shots in drawn) and len({tuple(s) for s in drawn}) > 10
    assert generated.shots("d", ["d"], np.random.default_rng(0)) == ["d"]
    assert generated.written("\n\n fine\0 film \nmore") == "fine film" and generated.written(" \n") == ""


HALVES = ["same", "sex", "American", "African", "native", "the", "blind", "of", "hard", "hearing", "straight", "Men!"]
SINGLE = ["good", "Film,", "NOT", "don't", "gay", "a", "...", "😂", "—", "picture-show", "African-American", "film"]
FAMILIAR = {**KNOWN, "film": ("sex", "american", "blind person"), "good": ("straight", "same", "fine", "first")}


def told(found: Words, rng: np.random.Generator, name: str) -> list[str]:
    return OPERATIONS[name](found, rng, lambda word: [new for new in FAMILIAR.get(word, ()) if LISTS.allows(new)], 0.3)


def guessed(found: Words, rng: np.random.Generator) -> list[str]:
    hidden = masked.hide(found, rng, 0.3)
    guesses = Guesser(("sex", "😂", "american", "gay", "men", "fine")).guesses([found.tokens], [hidden.at], 10)[0]
    return masked.chosen(found, hidden, guesses, LISTS)[1].split()


HALF = speech_of([" ".join((*HALVES, *SINGLE))], tags, LISTS)
COPIES = {
    **{name: lambda found, rng, name=name: told(found, rng, name) for name in OPERATIONS},
    "tang": lambda found, rng: tang(found, rng, HALF, lambda word: "NN", "[blind]", 0.2, 0.2)[1].split(),
    "masked": guessed,
}


def terms_in(text: str) -> Counter[str]:
    """Every protected word and phrase, looked for one by one; marks between the words of a phrase do not matter."""
    line = re.sub(r"\W+", " ", text.replace("’", "'").lower().replace("n't", "n_t"))
    return Counter({term: count for term in (*TERMS, "don_t") if (count := len(re.findall(rf"\b{term}\b", line)))})


@pytest.mark.parametrize("method", COPIES)
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*HALVES, *SINGLE]), max_size=12), st.integers(0, 9999))
def test_no_method_takes_out_brings_in_or_parts_a_protected_term(method: str, tokens: list[str], seed: int) -> None:
    found = words(" ".join(tokens), LISTS)
    made = COPIES[method](found, np.random.default_rng(seed))
    assert made or not tokens or method == "tang"
    if made:  # nothing was made, so there is nothing to harm
        assert terms_in(" ".join(made)) == terms_in(" ".join(tokens))
        again = words(" ".join(made), LISTS)
        held = [token for token, stays in zip(found.tokens, found.held, strict=True) if stays]
        assert [token for token, stays in zip(again.tokens, again.held, strict=True) if stays] == held
    if method == "swap":
        assert [at for at, stays in enumerate(again.held if made else []) if stays] == [
            at for at, stays in enumerate(found.held) if stays
        ]


def test_halves_of_a_protected_phrase_never_meet() -> None:
    found = words("same good sex", LISTS)
    for method, copy in COPIES.items():
        made = {" ".join(copy(found, rng)) for rng in streams(200)}
        assert not any("same sex" in text for text in made) and (len(made) > 1 or method == "synonyms")
    own = Protected(["rust", "belt", "rust belt"])
    made = {" ".join(deletion(words("rust x belt y", own), rng, known)) for rng in streams(200)}
    assert made == {"rust x belt y", "rust x belt"}


def test_without_the_list_eda_turns_sentences_round() -> None:
    text = "they are not bad people just because they are gay and i never said so"
    kept, lost = Counter(), Counter()
    for protected, counts in ((LISTS, kept), (NOTHING, lost)):
        found = words(text, protected)
        for rng in streams(1000):
            made = deletion(found, rng, known)
            counts.update(word for word in ("not", "never", "gay") if word not in made)
    assert not kept
    assert all(near(lost[word], 1000, 0.1) for word in ("not", "never", "gay"))


def test_a_megabyte_takes_no_time() -> None:
    found = words("good film the dog " * 60_000, LISTS)
    for make in (*OPERATIONS.values(), lambda *given: tang_of(found, given[1])):
        make(found, np.random.default_rng(0), known)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "holds no word"), (b"--\n", "holds no word"), (b"\xff", "UTF-8")]
)
def test_files_of_words_to_protect(content: bytes, message: str, tmp_path) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        own_words(path)
    with pytest.raises(DataError, match="cannot be read"):
        own_words(tmp_path / "none.txt")
    path.write_text("rust belt\n\nBMW\n")
    assert own_words(path) == ("rust belt", "BMW")
