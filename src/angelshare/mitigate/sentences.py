"""Sentences of a corpus with a word of a pair list, or with a target word and none of the list: some, by their hash."""

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int8

from angelshare import runs
from angelshare.data.stream import Texts
from angelshare.data.tables import hashed
from angelshare.errors import DataError
from angelshare.mitigate.pairs import PairList, words

__all__ = ["FIRST", "SECOND", "TARGET", "Sentences", "choose"]

TARGET, FIRST, SECOND = 0, 1, 2
"""What a sentence holds: a target word, or words of one side of the pairs."""

LONGEST = 128
"""Words of a sentence at most: what is longer is none, or was not cut where it ends."""

_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences, each once.

    Attributes
    ----------
    kinds : (sentences,) TARGET, FIRST or SECOND.
    """

    texts: list[str]
    kinds: Int8[np.ndarray, " sentences"]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, at: Bool[np.ndarray, " sentences"]) -> "Sentences":
        return Sentences([self.texts[row] for row in np.flatnonzero(at)], self.kinds[at])

    def split(self, fraction: float, seed: int) -> tuple["Sentences", "Sentences"]:
        """(rest, held): about `fraction` are held out by their hash.

        Raises
        ------
        DataError : one of the two lacks sentences with target words, or with pair words.
        """
        held = np.array([hashed(text, seed) < fraction for text in self.texts], dtype=bool)
        about = self.kinds == TARGET
        if not all((which & part).any() for which in (about, ~about) for part in (held, ~held)):
            raise DataError(
                f"{len(self)} sentences with the words that are looked for are too few to hold a dev split out of. "
                "Give a larger corpus, or raise --sentences."
            )
        return self.take(~held), self.take(held)


def choose(corpus: Iterable[Texts], pairs: PairList, targets: Sequence[str], count: int, seed: int) -> Sentences:
    """At most `count` sentences of each kind, those with the smallest hash: the order of the corpus decides nothing.

    A sentence with words of both sides of the pairs is left out, as in the code of Kaneko and Bollegala 2021.

    Raises
    ------
    DataError : there is no sentence with a pair word, or none with a target word.
    """
    kind_of = _Kind(pairs, targets)
    heaps = {kind: _Smallest(count, seed) for kind in (TARGET, FIRST, SECOND)}
    for part in corpus:
        for text in part.texts:
            if not kind_of.possible(text):
                continue
            for sentence in sentences(text):
                kind = kind_of(sentence)
                if kind is not None:
                    heaps[kind].offer(sentence)
    found = {kind: heap.texts for kind, heap in heaps.items()}
    if not found[FIRST] and not found[SECOND]:
        raise DataError(f"No sentence of the corpus has words of one side of {pairs.name} alone. Give a larger corpus.")
    if not found[TARGET]:
        raise DataError(
            f"No sentence of the corpus has a target word and no word of {pairs.name}. Give a larger corpus, or other "
            "words with --targets."
        )
    kinds = np.repeat(np.array(list(found), dtype=np.int8), [len(texts) for texts in found.values()])
    return Sentences([text for texts in found.values() for text in texts], kinds)


def sentences(text: str) -> Iterator[str]:
    """The text cut behind its full stops, question and exclamation marks; of 2 to LONGEST words each."""
    for piece in _END.split(text):
        sentence = piece.strip()
        if 2 <= len(sentence.split(maxsplit=LONGEST)) <= LONGEST:
            yield sentence


class _Kind:
    def __init__(self, pairs: PairList, targets: Sequence[str]) -> None:
        self.partners, self.pairs, self.targets = pairs.partners, pairs.pattern, words(targets)
        self.begins = {_WORD.findall(word.lower())[0] for word in (*pairs.partners, *targets)}

    def possible(self, text: str) -> bool:
        """Whether some word begins one that is looked for: most sentences are decided by that."""
        return not self.begins.isdisjoint(_WORD.findall(text.lower()))

    def __call__(self, sentence: str) -> int | None:
        if not self.possible(sentence):
            return None
        found = (" ".join(match.group().lower().split()) for match in self.pairs.finditer(sentence))
        sides = {self.partners[word].second for word in found if word in self.partners}
        if sides:
            return None if len(sides) == 2 else SECOND if sides.pop() else FIRST
        return TARGET if self.targets.search(sentence) else None


class _Smallest:
    """The texts with the smallest hashes of all that were offered, each once."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed
        self.heap: list[tuple[int, str]] = []
        self.held: set[str] = set()

    def offer(self, text: str) -> None:
        key = -int(runs.digest("sentence", str(self.seed), text)[:16], 16)
        if text in self.held or (len(self.heap) == self.count and key <= self.heap[0][0]):
            return
        self.held.add(text)
        if len(self.heap) < self.count:
            heapq.heappush(self.heap, (key, text))
        else:
            self.held.discard(heapq.heappushpop(self.heap, (key, text))[1])

    @property
    def texts(self) -> list[str]:
        return [text for _, text in sorted(self.heap, reverse=True)]
