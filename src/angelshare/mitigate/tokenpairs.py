"""A pair list under a tokenizer: which tokens of a batch hold a pair word, and which take their place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from transformers import PreTrainedTokenizerBase

from angelshare.errors import ModelError
from angelshare.mitigate.pairs import PairList

__all__ = ["TokenPairs", "TokenSwap"]

NAMED = 3
"""How many of the words that cannot be swapped are named."""


@dataclass(frozen=True, eq=False)
class TokenSwap:
    """A batch and what stands in it after all pair words are swapped; every token keeps its position.

    Attributes
    ----------
    ids : the tokens after the swap.
    places : True where a token is of a pair word.
    second : True where that word is the second of its pair ("man" of woman and man).
    """

    ids: Int[np.ndarray, "rows tokens"]
    places: Bool[np.ndarray, "rows tokens"]
    second: Bool[np.ndarray, "rows tokens"]


@dataclass(frozen=True, eq=False)
class _Longer:
    """A word of several tokens, and its partner of as many."""

    own: tuple[int, ...]
    other: tuple[int, ...]
    second: bool


@dataclass(frozen=True, eq=False)
class TokenPairs:
    """The swaps of a pair list, token by token.

    Attributes
    ----------
    partner : (vocabulary,) the token that takes a one-token word's place; -1 for all others.
    second : (vocabulary,) whether that word is the second of its pair.
    longer : words of several tokens, the longest first.
    goes_on : (vocabulary,) True for a token that is part of the word before it, if that has not ended.
    ends : (vocabulary,) True for a token behind which no word goes on.
    """

    partner: Int[np.ndarray, " vocabulary"]
    second: Bool[np.ndarray, " vocabulary"]
    longer: tuple[_Longer, ...]
    goes_on: Bool[np.ndarray, " vocabulary"]
    ends: Bool[np.ndarray, " vocabulary"]

    @classmethod
    def of(cls, pairs: PairList, tokenizer: PreTrainedTokenizerBase) -> "TokenPairs":
        """The words as the list spells them and with their first letter or all letters large, within and at a start.

        Raises
        ------
        ModelError : the tokenizer does not know a word as the list spells it, or cuts it and its partner into different
            numbers of tokens: then no token of the one stands for a token of the other.
        """
        found: dict[tuple[int, ...], _Longer] = {}
        unfit: list[str] = []
        for partner in pairs.partners.values():
            for form in dict.fromkeys((partner.own, _large(partner.own), partner.own.lower(), partner.own.upper())):
                for lead in (" ", ""):
                    own, other = (_cut(tokenizer, lead + word) for word in (form, partner.written(form)))
                    fits = len(own) == len(other) > 0 and tokenizer.unk_token_id not in (*own, *other)
                    if fits:
                        found.setdefault(own, _Longer(own, other, partner.second))
                    elif form == partner.own and lead:
                        unfit.append(f"'{form}' ({len(own)} to {len(other)} for '{partner.word}')")
        if unfit:
            more = f" and {len(unfit) - NAMED} more" if len(unfit) > NAMED else ""
            raise ModelError(
                "A swap keeps the number of tokens, and this tokenizer has other numbers, or no token, for "
                f"{', '.join(unfit[:NAMED])}{more}. Leave these pairs out of {pairs.name}."
            )
        size = len(tokenizer)
        partner_of, second = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=bool)
        for (token, *rest), swap in found.items():
            if not rest:
                partner_of[token], second[token] = swap.other[0], swap.second
        longer = sorted((swap for swap in found.values() if len(swap.own) > 1), key=lambda swap: -len(swap.own))
        return cls(partner_of, second, tuple(longer), *_borders(tokenizer))

    def __call__(self, ids: Int[np.ndarray, "rows tokens"], real: Bool[np.ndarray, "rows tokens"]) -> TokenSwap:
        """Swap the pair words of a batch; parts of longer words stay ("man" before "##kind").

        `ids` are those that the model sees: a word behind a mask is none.
        """
        begins = np.ones(ids.shape, dtype=bool)
        begins[:, 1:] = ~self.goes_on[ids[:, 1:]] | self.ends[ids[:, :-1]] | ~real[:, 1:]
        stops = np.ones(ids.shape, dtype=bool)
        stops[:, :-1] = begins[:, 1:]
        swapped, second = ids.copy(), np.zeros(ids.shape, dtype=bool)
        places = np.zeros(ids.shape, dtype=bool)
        for word in self.longer:
            for row, at in np.argwhere(_matches(word.own, ids, real & ~places, begins, stops)).tolist():
                span = slice(at, at + len(word.own))
                if not places[row, span].any():
                    swapped[row, span], second[row, span], places[row, span] = word.other, word.second, True
        alone = (self.partner[ids] >= 0) & begins & stops & real & ~places
        swapped[alone], second[alone] = self.partner[ids[alone]], self.second[ids[alone]]
        return TokenSwap(swapped, places | alone, second)


def _matches(
    word: Sequence[int], ids: np.ndarray, free: np.ndarray, begins: np.ndarray, stops: np.ndarray
) -> Bool[np.ndarray, "rows starts"]:
    """True where the word begins, in whole tokens of its own."""
    starts = max(ids.shape[1] - len(word) + 1, 0)
    found = begins[:, :starts] & stops[:, len(word) - 1 :][:, :starts]
    for offset, token in enumerate(word):
        found = found & (ids[:, offset : offset + starts] == token) & free[:, offset : offset + starts]
    return found


def _cut(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _large(word: str) -> str:
    return word[0].upper() + word[1:]


def _borders(
    tokenizer: PreTrainedTokenizerBase,
) -> tuple[Bool[np.ndarray, " vocabulary"], Bool[np.ndarray, " vocabulary"]]:
    """Which tokens go on with the word before them, and behind which none goes on, by how their pieces are spelled.

    WordPiece marks what goes on ("##s"). Byte-level and SentencePiece tokenizers mark what begins ("Ġthe", "▁the"), and
    a piece without such a mark goes on if it begins with a letter and the piece before it ends with one.
    """
    pieces: list[str] = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = np.isin(np.arange(len(pieces)), tokenizer.all_special_ids)
    if any(piece.startswith("##") for piece in pieces):
        return np.array([piece.startswith("##") for piece in pieces], dtype=bool), special
    if any(piece.startswith("Ġ") for piece in pieces):  # its pieces spell bytes, and a quotation mark is three of them
        pieces = [tokenizer.convert_tokens_to_string([piece]) for piece in pieces]
    elif not any(piece.startswith("▁") for piece in pieces):  # every token is a word
        return np.zeros(len(pieces), dtype=bool), np.ones(len(pieces), dtype=bool)
    goes_on = np.array([_letter(piece[:1]) for piece in pieces], dtype=bool)
    ends = np.array([not _letter(piece[-1:]) for piece in pieces], dtype=bool)
    return goes_on & ~special, ends | special


def _letter(character: str) -> bool:
    return character.isalnum() or character == "\ufffd"  # bytes of a letter that several pieces spell
