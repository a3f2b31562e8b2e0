"""EDA (Wei and Zou 2019, https://doi.org/10.18653/v1/D19-1670): synonyms, insertions, swaps and deletions."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from angelshare.data.augmentation.words import Draft, Words, below, dressed, stop_words

__all__ = ["ALPHA", "OPERATIONS", "Synonyms", "deletion", "eda", "insertion", "swap", "synonyms"]

ALPHA = 0.1
"""Share of the words that a copy changes."""

TRIES = 10
"""Words drawn for one insertion until one has a synonym."""

Synonyms = Callable[[str], Sequence[str]]
"""The synonyms of a word, in lower case; the word itself is none."""


def _count(words: Words, alpha: float) -> int:
    return max(1, int(alpha * len(words)))


def _replaceable(words: Words) -> list[int]:
    stop = stop_words()
    return [at for at in words.free if words.plain[at] not in stop]


def synonyms(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> list[str]:
    """max(1, alpha x length) words, or as many as have one, replaced by a synonym drawn for each; never a stop word."""
    draft, left = Draft(words), _count(words, alpha)
    candidates = _replaceable(words)
    for drawn in rng.permutation(len(candidates)).tolist():
        at = candidates[drawn]
        choices = known(words.plain[at])
        if choices:
            left -= draft.change({at: dressed(choices[below(rng, len(choices))], words.tokens[at])})
        if not left:
            break
    return draft.tokens


def insertion(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> list[str]:
    """max(1, alpha x length) synonyms, each of a drawn word, put in at drawn places; none inside a protected phrase."""
    plain, held = [words.plain[at] for at in words.places], [words.held[at] for at in words.places]
    candidates, protected, reach = _replaceable(words), words.protected, words.protected.reach
    gaps = [at for at in range(len(plain) + 1) if not (0 < at < len(plain) and held[at - 1] and held[at])]
    added: dict[int, list[str]] = {}
    for _ in range(_count(words, alpha) if candidates else 0):
        for _ in range(TRIES):
            choices = known(words.plain[candidates[below(rng, len(candidates))]])
            if choices:
                at, word = gaps[below(rng, len(gaps))], choices[below(rng, len(choices))]
                left = [*_pieces(plain, added, max(0, at - reach), at), *added.get(at, ())]
                right = [*plain[at : at + 1], *_pieces(plain, added, at + 1, at + reach)]
                if not protected.touches(word) or protected.same([*left, *right], [*left, word, *right]):
                    added.setdefault(at, []).append(word)
                    break
    tokens: list[str] = []
    start = 0
    for at, fresh in sorted(added.items()):
        stop = words.places[at] if at < len(plain) else len(words)
        tokens += words.tokens[start:stop] + fresh
        start = stop
    return tokens + words.tokens[start:]


def _pieces(plain: Sequence[str], added: Mapping[int, Sequence[str]], start: int, stop: int) -> list[str]:
    """Words with what was put in before each."""
    return [word for at in range(start, stop) for word in (*added.get(at, ()), *plain[at : at + 1])]


def swap(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> list[str]:
    """max(1, alpha x length) times, two words that are drawn change places."""
    draft, free = Draft(words), words.free
    for _ in range(_count(words, alpha) if len(free) > 1 else 0):
        one = below(rng, len(free))
        other = (one + 1 + below(rng, len(free) - 1)) % len(free)
        first, second = free[one], free[other]
        draft.change({first: draft.tokens[second], second: draft.tokens[first]})
    return draft.tokens


def deletion(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> list[str]:
    """Each word is left out with probability alpha; one that is drawn stays where none would."""
    chances = rng.random(len(words)).tolist()
    out = {at for at, chance in enumerate(chances) if chance < alpha and not words.held[at]}
    out -= _partings(words, out)
    kept = [token for at, token in enumerate(words.tokens) if at not in out]
    return kept or words.tokens[(at := below(rng, len(words))) : at + 1]


def _partings(words: Words, out: Collection[int]) -> set[int]:
    """Positions of words between two halves of a protected phrase, which would meet without them."""
    protected, reach = words.protected, words.protected.reach
    found, before, plain = set[int](), list[str](), [words.plain[at] for at in words.places]
    for number, at in enumerate(words.places if reach else ()):
        if at in out:
            left, right = before[-reach:], plain[number + 1 : number + 1 + reach]
            meet = left and right and protected.touches(left[-1]) and protected.touches(right[0])
            if not meet or protected.same([*left, *right], [*left, plain[number], *right]):
                continue
            found.add(at)
        before.append(plain[number])
    return found


OPERATIONS = {"synonyms": synonyms, "insertion": insertion, "swap": swap, "deletion": deletion}


def eda(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> tuple[str, str]:
    """(operation, text) of one copy: which of the four operations makes it is drawn."""
    name = list(OPERATIONS)[below(rng, len(OPERATIONS))]
    return name, " ".join(OPERATIONS[name](words, rng, known, alpha))
