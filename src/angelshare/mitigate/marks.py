"""Sentences as tokens, with the places of the words that are looked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int
from transformers import PreTrainedTokenizerBase

from angelshare.errors import DataError, ModelError
from angelshare.mitigate.pairs import PairList, words
from angelshare.mitigate.sentences import TARGET, Sentences
from angelshare.models.batching import CHARACTERS_A_TOKEN, Encoded, clean, encode

__all__ = ["Marked", "marked"]

ROWS_AT_ONCE = 4_096
"""Sentences whose tokens' offsets are held at once."""


@dataclass(frozen=True, eq=False)
class Marked:
    """Sentences with a place at least, as tokens.

    Attributes
    ----------
    places : beside each token 1 + the number of the place that it is part of, or 0.
    words : (places,) number of the attribute word that stands there; -1 for a target word.
    attributes : the attribute words, in lower case.
    """

    sentences: Sentences
    encoded: Encoded
    places: Encoded
    words: Int[np.ndarray, " places"]
    attributes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def directions(self) -> int:
        """How many attribute words have a place."""
        return len(np.unique(self.words[self.words >= 0]))


def marked(
    tokenizer: PreTrainedTokenizerBase, sentences: Sentences, pairs: PairList, targets: Sequence[str], limit: int
) -> Marked:
    """Tokenise sentences and find the words of their kind; those whose words stand behind `limit` are left out.

    Raises
    ------
    ModelError : the tokenizer does not say where its tokens stand.
    DataError : no sentence of a kind is left.
    """
    if not tokenizer.is_fast:
        raise ModelError("This encoder's tokenizer does not say where its tokens stand. Save a fast one beside it.")
    encoded, target = encode(tokenizer, sentences.texts, limit), words(targets)
    attributes = tuple(sorted(pairs.partners))
    number = {word: at for at, word in enumerate(attributes)}
    places, found = np.zeros_like(encoded.tokens), []
    filled = np.zeros(len(sentences), dtype=bool)
    for row, (text, spans) in enumerate(_offsets(tokenizer, sentences.texts, limit)):
        about = sentences.kinds[row] == TARGET
        here = places[encoded.starts[row] : encoded.starts[row] + encoded.lengths[row]]
        for match in (target if about else pairs.pattern).finditer(text):
            word = -1 if about else number.get(" ".join(match.group().lower().split()), -1)
            inside = (spans[:, 0] < match.end()) & (spans[:, 1] > match.start()) & (spans[:, 1] > spans[:, 0])
            if inside.any() and (about or word >= 0):
                found.append(word)
                here[inside] = len(found)
                filled[row] = True
    kept = sentences.take(filled)
    for kind, what in ((kept.kinds == TARGET, "target word"), (kept.kinds != TARGET, f"word of {pairs.name}")):
        if not kind.any():
            raise DataError(f"No sentence has a {what} within its first {limit} tokens. Raise --max-length.")
    starts, lengths = encoded.starts[filled], encoded.lengths[filled]
    return Marked(
        kept,
        replace(encoded, starts=starts, lengths=lengths),
        Encoded(places, starts, lengths, 0),
        np.array(found, dtype=np.int64),
        attributes,
    )


def _offsets(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], limit: int
) -> Iterator[tuple[str, Int[np.ndarray, "tokens 2"]]]:
    """Each text as the tokenizer takes it, and where each of its tokens begins and ends."""
    for start in range(0, len(texts), ROWS_AT_ONCE):
        tidy = [clean(text, limit * CHARACTERS_A_TOKEN) for text in texts[start : start + ROWS_AT_ONCE]]
        made = tokenizer(tidy, truncation=True, max_length=limit, return_offsets_mapping=True)
        for text, spans in zip(tidy, made["offset_mapping"], strict=True):
            yield text, np.array(spans, dtype=np.int64).reshape(-1, 2)
