"""Words replaced by a masked model's guesses (as Wu et al. 2019, https://arxiv.org/abs/1812.06705, without labels)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from angelshare.data.augmentation.words import MARKS, Draft, Protected, Words, dressed

__all__ = ["ALPHA", "GUESSES", "Hidden", "chosen", "hide"]

ALPHA = 0.1
"""Share of the words that a copy changes."""

GUESSES = 10
"""How many of the likeliest words are drawn from."""


@dataclass(frozen=True)
class Hidden:
    """The words of one copy that a model has to guess.

    Attributes
    ----------
    at : their positions, ascending.
    chances : a number in [0, 1) each, which decides among the guesses.
    """

    at: list[int]
    chances: list[float]


def hide(words: Words, rng: np.random.Generator, alpha: float = ALPHA) -> Hidden:
    """Draw max(1, alpha x length) words, or as many as may be touched, each at most once."""
    candidates = words.free
    order = rng.permutation(len(candidates))[: max(1, int(alpha * len(words)))]
    at = sorted(candidates[drawn] for drawn in order.tolist())
    return Hidden(at, rng.random(len(at)).tolist())


def chosen(
    words: Words, hidden: Hidden, guesses: Sequence[Sequence[tuple[str, float]]], protected: Protected
) -> tuple[str, str]:
    """("masked", text): at each hidden place a guess, as often as the model says among those that may stand there.

    The word itself and protected words may not; a word stays where no guess is left.

    Parameters
    ----------
    guesses : (word, probability) for each hidden place; fewer places where the model read only so far.
    """
    draft = Draft(words)
    for at, chance, found in zip(hidden.at, hidden.chances, guesses, strict=False):
        able = [
            (fresh, weight)
            for word, weight in found
            if word.lower() != words.plain[at] and word.strip(MARKS) and protected.allows(word)
            if draft.keeps({at: (fresh := dressed(word, words.tokens[at]))})
        ]
        if able:
            reach = np.cumsum([weight for _, weight in able])
            drawn = int(np.searchsorted(reach, chance * reach[-1], side="right"))
            draft.change({at: able[min(drawn, len(able) - 1)][0]})
    return "masked", " ".join(draft.tokens)
