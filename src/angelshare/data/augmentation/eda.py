"""EDA (Wei and Zou 2019, https://doi.org/10.18653/v1/D19-1670): synonyms, insertions, swaps and deletions."""

from collections.abc import Callable, Sequence

import numpy as np

from angelshare.data.augmentation.words import Words, below, dressed, stop_words

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
    return [at for at in words.free if words.plain[at] and words.plain[at] not in stop]


def synonyms(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> list[str]:
    """max(1, alpha x length) words, or as many as have one, replaced by a synonym drawn for each; never a stop word."""
    tokens, left = list(words.tokens), _count(words, alpha)
    candidates = _replaceable(words)
    for drawn in rng.permutation(len(candidates)).tolist():
        at = candidates[drawn]
        choices = known(words.plain[at])
        if choices:
            tokens[at] = dressed(choices[below(rng, len(choices))], tokens[at])
            left -= 1
        if not left:
            break
    return tokens


def insertion(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> list[str]:
    """max(1, alpha x length) synonyms, each of a drawn word, put in at drawn places; none inside a protected phrase."""
    held, candidates = words.held, _replaceable(words)
    gaps = [at for at in range(len(words) + 1) if not (0 < at < len(words) and held[at - 1] and held[at])]
    added: dict[int, list[str]] = {}
    for _ in range(_count(words, alpha) if candidates else 0):
        for _ in range(TRIES):
            choices = known(words.plain[candidates[below(rng, len(candidates))]])
            if choices:
                at = gaps[below(rng, len(gaps))]
                added.setdefault(at, []).append(choices[below(rng, len(choices))])
                break
    if not added:
        return list(words.tokens)
    pieces = [[*added.get(at, ()), token] for at, token in enumerate(words.tokens)]
    return [token for piece in [*pieces, added.get(len(words), [])] for token in piece]


def swap(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> list[str]:
    """max(1, alpha x length) times, two words that are drawn change places."""
    tokens, free = list(words.tokens), words.free
    for _ in range(_count(words, alpha) if len(free) > 1 else 0):
        one = below(rng, len(free))
        other = (one + 1 + below(rng, len(free) - 1)) % len(free)
        first, second = free[one], free[other]
        tokens[first], tokens[second] = tokens[second], tokens[first]
    return tokens


def deletion(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> list[str]:
    """Each word is left out with probability alpha; one that is drawn stays where none would."""
    chances = rng.random(len(words)).tolist()
    kept = [
        token
        for token, chance, stays in zip(words.tokens, chances, words.held, strict=True)
        if stays or chance >= alpha
    ]
    return kept or words.tokens[(at := below(rng, len(words))) : at + 1]


OPERATIONS = {"synonyms": synonyms, "insertion": insertion, "swap": swap, "deletion": deletion}


def eda(words: Words, rng: np.random.Generator, known: Synonyms, alpha: float = ALPHA) -> tuple[str, str]:
    """(operation, text) of one copy: which of the four operations makes it is drawn."""
    name = list(OPERATIONS)[below(rng, len(OPERATIONS))]
    return name, " ".join(OPERATIONS[name](words, rng, known, alpha))
