"""Which groups of people a text mentions, by a versioned word list of our own.

A lexicon sees words, not meaning: it misses what is implied and marks some names. Audits that use it say so; identity
columns annotated by people are better wherever there are some.
"""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float32

_WORD = re.compile(r"\w+")


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("angelshare.data").joinpath("identities.toml").read_text(encoding="utf-8"))


LEXICON_VERSION: str = _file()["version"]


def lexicon() -> dict[str, tuple[str, ...]]:
    """The words and phrases of every identity, in lower case."""
    return {identity: tuple(terms) for identity, terms in _file()["identities"].items()}


def exceptions() -> tuple[str, ...]:
    """Phrases in which a word of the lexicon means something else ("white house")."""
    return tuple(_file()["exceptions"])


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """One pattern an identity: its terms as the group `term`, or a phrase to pass over; the longest first."""
    return {identity: _pattern(terms) for identity, terms in lexicon().items()}


def _pattern(terms: Sequence[str]) -> re.Pattern[str]:
    words = {term.split()[0] for term in terms}
    passed = [phrase for phrase in exceptions() if words & set(_WORD.findall(phrase))]
    longest = sorted([(t, True) for t in terms] + [(p, False) for p in passed], key=lambda pair: -len(pair[0]))
    spelled = "|".join(f"(?P<t{i}>{_spelled(p)})" if term else _spelled(p) for i, (p, term) in enumerate(longest))
    return re.compile(rf"(?<!\w)(?:{spelled})(?!\w)", re.IGNORECASE)


def _spelled(phrase: str) -> str:
    return r"[\s-]+".join(re.escape(word) for word in phrase.split()).replace("'", "['’]")


def mentioned(text: str, identity: str) -> bool:
    """Whether the text holds a term of the identity outside of the phrases to pass over."""
    return any(match.lastgroup is not None for match in patterns()[identity].finditer(text))


@cache
def _by_first_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for identity, terms in lexicon().items():
        for word in {_WORD.findall(term)[0] for term in terms}:
            found.setdefault(word, []).append(identity)
    return {word: tuple(identities) for word, identities in found.items()}


def mentions(texts: Sequence[str]) -> dict[str, Float32[np.ndarray, " rows"]]:
    """1.0 where a text mentions the identity, else 0.0, for every identity of the lexicon.

    Only identities with a first word among the text's words are searched for, which decides most texts at once.
    """
    found = {identity: np.zeros(len(texts), dtype=np.float32) for identity in lexicon()}
    first = _by_first_word()
    for row, text in enumerate(texts):
        words = first.keys() & set(_WORD.findall(text.lower()))
        for identity in {identity for word in words for identity in first[word]}:
            if mentioned(text, identity):
                found[identity][row] = 1
    return found
