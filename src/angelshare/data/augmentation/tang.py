"""Tang et al. 2019 (https://arxiv.org/abs/1903.12136): masks, words of the same part of speech, n-grams."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from angelshare.data.augmentation.words import MARKS, Draft, Protected, Words, below, dressed

__all__ = ["MASK", "NGRAM", "REPLACE", "SHARE", "Speech", "Tags", "speech_of", "tang"]

SHARE = 0.1
"""Chance of a word to be masked."""

REPLACE = 0.1
"""Chance of a word to be replaced by one of its part of speech."""

NGRAM = 0.25
"""Chance of a copy to be cut to one n-gram, of one to `LONGEST` words."""

LONGEST = 5
MASK = "[MASK]"

Tags = Callable[[Sequence[str]], Sequence[str]]
"""The part of speech of each word of a sentence."""


@dataclass(frozen=True, eq=False)
class Speech:
    """Which words a corpus has of each part of speech, and how often.

    Attributes
    ----------
    tags : the part of speech that a word, in lower case, mostly has in the corpus.
    words : by the part of speech, in the alphabet's order.
    reach : by the part of speech, (words,) the summed counts up to each word, divided by the last.
    """

    tags: Mapping[str, str]
    words: Mapping[str, list[str]]
    reach: Mapping[str, Float64[np.ndarray, " words"]]

    def draw(self, tag: str, chance: float) -> str | None:
        """The word that a number in [0, 1) falls on, words being as wide as they are frequent; None without any."""
        if tag not in self.words:
            return None
        return self.words[tag][int(np.searchsorted(self.reach[tag], chance, side="right"))]


def speech_of(texts: Iterable[str], tags: Tags, protected: Protected) -> Speech:
    """Count the words of a corpus by their part of speech; protected words are tagged, and never drawn."""
    counts: dict[str, Counter[str]] = {}
    for text in texts:
        cores = [core for token in text.split() if (core := token.strip(MARKS))]
        for core, tag in zip(cores, tags(cores), strict=True):
            counts.setdefault(core.lower().replace("’", "'"), Counter())[tag] += 1
    mostly = {word: min(found, key=lambda tag: (-found[tag], tag)) for word, found in counts.items()}
    by_tag: dict[str, dict[str, int]] = {}
    for word in sorted(counts):
        if protected.allows(word):
            for tag, count in counts[word].items():
                by_tag.setdefault(tag, {})[word] = count
    reach = {tag: np.cumsum(list(found.values())) / sum(found.values()) for tag, found in by_tag.items()}
    return Speech(mostly, {tag: list(found) for tag, found in by_tag.items()}, reach)


def tang(
    words: Words,
    rng: np.random.Generator,
    speech: Speech,
    tag: Callable[[str], str],
    mask: str = MASK,
    share: float = SHARE,
    replace: float = REPLACE,
    ngram: float = NGRAM,
) -> tuple[str, str]:
    """(operations, text) of one copy; the text is empty where no word of the original is left in it.

    Each word is masked with probability `share`, else replaced with probability `replace` by a word of its part of
    speech, drawn as often as it comes in the corpus. Then with probability `ngram` one n-gram is kept, n from 1 to 5
    drawn first; only n-grams with all protected words are drawn from, and without any the copy stays whole.

    Parameters
    ----------
    tag : the part of speech of a word that `speech` does not know.
    """
    draft, free = Draft(words), set(words.free)
    touched, done = [False] * len(words), set[str]()
    for at, chance in enumerate(rng.random(len(words)).tolist()):
        if chance >= share + replace or at not in free:
            continue
        plain = words.plain[at]
        masked = chance < share
        other = mask if masked else speech.draw(speech.tags.get(plain) or tag(plain), float(rng.random()))
        if other is not None and draft.change({at: other if masked else dressed(other, words.tokens[at])}):
            touched[at] = True
            done.add("mask" if masked else "speech")
    tokens = draft.tokens
    if rng.random() < ngram:
        size = min(1 + below(rng, LONGEST), len(words))
        held = [at for at, stays in enumerate(words.held) if stays]
        first = max(0, held[-1] - size + 1) if held else 0
        last = min(len(words) - size, held[0]) if held else len(words) - size
        if first <= last:
            start = first + below(rng, last - first + 1)
            tokens, touched = tokens[start : start + size], touched[start : start + size]
            done.add("ngram")
    return "+".join(sorted(done)), "" if all(touched) else " ".join(tokens)
