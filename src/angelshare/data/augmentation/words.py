"""A text as words: what stands between spaces, with the marks at its ends; and which of them must stay."""

import re
import string
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from angelshare.data.identities import LEXICON_VERSION, lexicon
from angelshare.errors import DataError

__all__ = ["Protected", "Words", "around", "below", "built_in", "dressed", "own_words", "stop_words", "words"]

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
    """

    def __init__(self, terms: Iterable[str] = (), endings: Sequence[str] = ()) -> None:
        self._words, self._endings = set[str](), tuple(endings)
        self._phrases: dict[str, list[tuple[str, ...]]] = {}
        for term in terms:
            parts = tuple(_PARTS.findall(term.lower()))
            if len(parts) == 1:
                self._words.add(parts[0])
            elif parts:
                self._phrases.setdefault(parts[0], []).append(parts)

    def __call__(self, plain: Sequence[str]) -> list[bool]:
        """A True for each word, in lower case and without marks, that must stay."""
        if not (self._words or self._phrases or self._endings):
            return [False] * len(plain)
        held = [word in self._words for word in plain]
        if all(map(str.isalnum, plain)) and self._phrases.keys().isdisjoint(plain):
            return held
        parts: list[tuple[str, int]] = []
        for at, word in enumerate(plain):
            if word.isalnum():
                parts.append((word, at))
            else:
                inner = _PARTS.findall(word)
                held[at] = held[at] or word.endswith(self._endings) or not self._words.isdisjoint(inner)
                parts += [(part, at) for part in inner]
        for start, (part, _) in enumerate(parts):
            for phrase in self._phrases.get(part, ()):
                found = parts[start : start + len(phrase)]
                if tuple(word for word, _ in found) == phrase:
                    for _, at in found:
                        held[at] = True
        return held

    def allows(self, words: str) -> bool:
        """Whether a word, or some, may be brought in."""
        return not any(self(words.lower().split()))


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
    """

    tokens: list[str]
    plain: list[str]
    held: list[bool]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def free(self) -> list[int]:
        """Positions of the words that may be touched."""
        return [at for at, stays in enumerate(self.held) if not stays]


def words(text: str, protected: Protected) -> Words:
    """Linear in the text's length."""
    tokens = text.replace("\0", " ").split()
    plain = [token.strip(MARKS).lower().replace("’", "'") for token in tokens]
    return Words(tokens, plain, protected(plain))


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
