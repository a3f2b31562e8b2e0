"""A text as words: what stands between spaces, with the marks at its ends; and which of them must stay."""

import re
import string
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from angelshare.data.identities import LEXICON_VERSION, lexicon
from angelshare.errors import DataError

__all__ = ["Draft", "Protected", "Words", "around", "below", "built_in", "dressed", "own_words", "stop_words", "words"]

MARKS = string.punctuation + "“”‘’«»‹›„…–—¿¡"
_PARTS = re.compile(r"\w+")


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("angelshare.data.augmentation").joinpath("words.toml").read_text(encoding="utf-8"))


@cache
def stop_words() -> frozenset[str]:
    """Words that have no synonym worth the name; negations are not among them."""
    return frozenset(_file()["stop"])


class Protected:
    """Words and phrases that no augmentation takes out, moves or brings in.

    Parameters
    ----------
    terms : words and phrases; case and what stands between a phrase's words do not matter.
    endings : of words that are protected, too.

    Attributes
    ----------
    reach : how many words on either side of one decide whether it is part of a phrase.
    """

    def __init__(self, terms: Iterable[str] = (), endings: Sequence[str] = ()) -> None:
        self._words, self._endings = set[str](), tuple(endings)
        self._phrases: dict[str, list[tuple[str, ...]]] = {}
        self.reach = 0
        for term in terms:
            parts = tuple(_PARTS.findall(term.lower()))
            if len(parts) == 1:
                self._words.add(parts[0])
            elif parts:
                self._phrases.setdefault(parts[0], []).append(parts)
                self.reach = max(self.reach, len(parts) - 1)
        self._parts = self._words.union(*(parts for some in self._phrases.values() for parts in some))

    def __call__(self, plain: Sequence[str]) -> list[bool]:
        """A True for each word, in lower case and without marks, that must stay."""
        held = [False] * len(plain)
        for _, places in self.found(plain):
            for at in places:
                held[at] = True
        return held

    def found(self, plain: Sequence[str]) -> list[tuple[str, list[int]]]:
        """Each protected term, with the positions of the words that it is made of."""
        if not (self._words or self._phrases or self._endings):
            return []
        found = [(word, [at]) for at, word in enumerate(plain) if word in self._words]
        if all(map(str.isalnum, plain)) and self._phrases.keys().isdisjoint(plain):
            return found
        parts: list[tuple[str, int]] = []
        for at, word in enumerate(plain):
            if word.isalnum():
                parts.append((word, at))
            else:
                inner = _PARTS.findall(word)
                if word not in self._words:
                    found += [(part, [at]) for part in inner if part in self._words]
                if word.endswith(self._endings):
                    found.append((word, [at]))
                parts += [(part, at) for part in inner]
        for start, (part, _) in enumerate(parts):
            for phrase in self._phrases.get(part, ()):
                some = parts[start : start + len(phrase)]
                if tuple(word for word, _ in some) == phrase:
                    found.append((" ".join(phrase), [at for _, at in some]))
        return found

    def touches(self, plain: str) -> bool:
        """Whether a word may be part of a protected term. Most are not, which is quickly told."""
        return plain in self._parts or not plain.isalnum()

    def same(self, plain: Sequence[str], others: Sequence[str]) -> bool:
        """Whether the words hold the same protected terms as others in their place."""
        return [term for term, _ in self.found(plain)] == [term for term, _ in self.found(others)]

    def allows(self, words: str) -> bool:
        """Whether a word, or some, may be brought in."""
        return not self.found(words.lower().split())


@cache
def built_in() -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """(terms, endings, version) of the protect list: negations, and the identity terms of the lexicon."""
    terms = (*_file()["negations"], *(term for group in lexicon().values() for term in group))
    return terms, tuple(_file()["endings"]), f"{_file()['version']}/{LEXICON_VERSION}"


def own_words(path: str | Path) -> tuple[str, ...]:
    """The words and phrases of a file, one a line.

    Raises
    ------
    DataError : it cannot be read, is not UTF-8, or holds none.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DataError(
            f"{path} cannot be read: {reason}. Give a text file of words to protect, one a line."
        ) from error
    found = tuple(line.strip() for line in lines if _PARTS.search(line))
    if not found:
        raise DataError(f"{path} holds no word to protect. Write one word or phrase a line.")
    return found


@dataclass(frozen=True, eq=False)
class Words:
    """A text, word by word.

    Attributes
    ----------
    tokens : as written, without spaces.
    plain : in lower case, without the marks at their ends; empty where a token is marks alone.
    held : True where the word must stay.
    places : positions of the tokens with a letter or digit in them; the others are marks, which part no phrase.
    """

    tokens: list[str]
    plain: list[str]
    held: list[bool]
    places: list[int]
    protected: Protected

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def free(self) -> list[int]:
        """Positions of the words that may be touched."""
        return [at for at in self.places if not self.held[at]]


def words(text: str, protected: Protected) -> Words:
    """Linear in the text's length."""
    tokens = text.replace("\0", " ").split()
    plain = [_plain(token) for token in tokens]
    places = [at for at, word in enumerate(plain) if word.isalnum() or _PARTS.search(word)]
    return Words(tokens, plain, protected(plain), places, protected)


def _plain(token: str) -> str:
    return token.strip(MARKS).lower().replace("’", "'")


class Draft:
    """A text whose free words change, but its protected terms do not: no two halves of a phrase come to stand together.

    Attributes
    ----------
    tokens : as they are by now.
    """

    def __init__(self, words: Words) -> None:
        self.tokens = list(words.tokens)
        self._protected, self._places = words.protected, words.places
        self._plain = [words.plain[at] for at in words.places]

    def keeps(self, changes: Mapping[int, str]) -> bool:
        """Whether tokens at the positions of free words would leave the protected terms as they are."""
        return self._with(changes) is not None

    def change(self, changes: Mapping[int, str]) -> bool:
        """Put tokens at the positions of free words, where that leaves the protected terms as they are."""
        plain = self._with(changes)
        if plain is None:
            return False
        for number, word in plain.items():
            self._plain[number] = word
        for at, token in changes.items():
            self.tokens[at] = token
        return True

    def _with(self, changes: Mapping[int, str]) -> dict[int, str] | None:
        fresh = {bisect_left(self._places, at): _plain(token) for at, token in changes.items()}
        reach = self._protected.reach
        for number in (number for number, word in fresh.items() if self._protected.touches(word)):
            around = range(max(0, number - reach), min(len(self._plain), number + reach + 1))
            before = [self._plain[other] for other in around]
            if not self._protected.same(before, [fresh.get(other, self._plain[other]) for other in around]):
                return None
        return fresh


def around(token: str) -> tuple[str, str, str]:
    """(marks before, the word, marks after)."""
    core = token.strip(MARKS)
    start = token.find(core)
    return token[:start], core, token[start + len(core) :]


def dressed(word: str, token: str) -> str:
    """The word with the marks and in the case of the token it stands for."""
    before, core, after = around(token)
    if core[:1].isupper():
        word = word.upper() if len(core) > 1 and core.isupper() else word[:1].upper() + word[1:]
    return f"{before}{word}{after}"


def below(rng: np.random.Generator, count: int) -> int:
    """A whole number from 0 to `count` - 1, each with the same chance to 2^-53: a fifth of the cost of `integers`."""
    return int(rng.random() * count)
