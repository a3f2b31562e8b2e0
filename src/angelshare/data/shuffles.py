"""The same words in another order (Pham et al. 2020, "Out of Order", https://arxiv.org/abs/2012.15180)."""

import itertools
import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WORD = re.compile(r"\S+")
ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।")
CLOSING = "\"'’”»)]}"


@dataclass(frozen=True)
class Sentence:
    """What moves and what stays.

    Attributes
    ----------
    words : what stands between spaces, the last one without the punctuation behind it.
    gaps : one more than words: what stands before each word, and behind the last. They stay where they are.
    """

    words: tuple[str, ...]
    gaps: tuple[str, ...]

    def with_words(self, words: Sequence[str]) -> str:
        return "".join(part for pair in zip(self.gaps, (*words, ""), strict=True) for part in pair)


def sentences(text: str) -> list[Sentence]:
    """A text cut at line breaks, and behind words that end with a full stop, an exclamation or a question mark.

    Abbreviations count as ends too: to take two sentences for one would let words change sides.
    """
    tokens = list(WORD.finditer(text))
    found, start = [], 0
    for token, after in itertools.pairwise(tokens):
        if token[0].rstrip(CLOSING).endswith(ENDS) or "\n" in text[token.end() : after.start()]:
            found.append(_sentence(text[start : token.end()]))
            start = token.end()
    return [*found, _sentence(text[start:])]


def _sentence(text: str) -> Sentence:
    end = len(text)
    while end and (text[end - 1].isspace() or is_mark(text[end - 1])):
        end -= 1
    gaps = WORD.split(text[:end])
    return Sentence(tuple(WORD.findall(text[:end])), (*gaps[:-1], gaps[-1] + text[end:]))


def is_mark(character: str) -> bool:
    """Whether it is punctuation to every tokenizer that cuts words at punctuation."""
    if character == "_":
        return False  # to many patterns a letter
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def can_move(sentence: Sentence, block: int) -> bool:
    """Whether some order of its blocks of words reads differently: two neighbours that differ when they swap."""
    blocks = _blocks(sentence.words, block)
    return any(one + other != other + one for one, other in itertools.pairwise(blocks))


def shuffled(found: Sequence[Sentence], block: int, draw: np.random.Generator) -> str:
    """The text with the blocks of `block` words of each sentence in another order.

    Orders are drawn until something has moved; sentences that cannot move stay as they are. `draw` goes on: a stream
    begun anew for each text would give all sentences of one length the same order.
    """
    return "".join(one.with_words(_reordered(one, block, draw)) for one in found)


def _reordered(sentence: Sentence, block: int, draw: np.random.Generator) -> tuple[str, ...]:
    if not can_move(sentence, block):
        return sentence.words
    blocks = _blocks(sentence.words, block)
    while True:
        words = tuple(word for at in draw.permutation(len(blocks)) for word in blocks[at])
        if words != sentence.words:
            return words


def _blocks(words: tuple[str, ...], size: int) -> list[tuple[str, ...]]:
    return [words[start : start + size] for start in range(0, len(words), size)]
