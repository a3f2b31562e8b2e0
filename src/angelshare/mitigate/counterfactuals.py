"""Counterfactual texts: the same text about another group of the same category, in grammar that still agrees."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from angelshare.data.identities import mentions, patterns
from angelshare.data.templates import article

__all__ = ["CATEGORIES_VERSION", "Category", "Counterfactual", "categories", "counterfactuals"]

_NEXT = re.compile(r"[\s-]+(\w+)")
_BEFORE = re.compile(r"(\w+)\s+$")
_WORD = re.compile(r"\w+")
_OPENING = " \t\"'“‘(*_-"


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("angelshare.mitigate").joinpath("categories.toml").read_text(encoding="utf-8"))


CATEGORIES_VERSION: str = _file()["version"]


@dataclass(frozen=True)
class Category:
    """Groups whose words stand for each other.

    Attributes
    ----------
    agreement : words that would no longer agree after a swap ("he" after man → woman).
    groups : by the lexicon's identity and the part of speech, the group's words; the first is the one swapped in.
    """

    name: str
    agreement: frozenset[str]
    groups: Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Counterfactual:
    """A text in which the words of one identity became those of another.

    Attributes
    ----------
    identity, target : the lexicon's names of the group that the text mentioned, and mentions now.
    terms : (words of the original, what took their place), in lower case, one a swapped place.
    """

    text: str
    category: str
    identity: str
    target: str
    terms: tuple[tuple[str, str], ...]


@cache
def categories() -> tuple[Category, ...]:
    """The categories, in the order of the data file."""
    agreement: dict[str, list[str]] = _file()["agreement"]
    return tuple(
        Category(
            name,
            frozenset(agreement.get(name, ())),
            {group: {part: tuple(words) for part, words in parts.items()} for group, parts in groups.items()},
        )
        for name, groups in _file()["categories"].items()
    )


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(_file()[kind])


def counterfactuals(text: str) -> list[Counterfactual]:
    """Every counterfactual of the text that is known to be correct, none where there is doubt.

    All mentions of one identity are swapped, for each other group of its category that the text does not mention. There
    is none where a mention is not a word of the category, could be two parts of speech for which the other group has
    different words ("Christian": Jewish or Jew?), or where the text holds words that would no longer agree.
    """
    found = _mentioned(text)
    words = {word.lower() for word in _WORD.findall(text)}
    return [
        made
        for category in categories()
        if not words & category.agreement
        for identity in category.groups
        if identity in found
        for target in category.groups
        if target not in found and (made := _swapped(text, category, identity, target)) is not None
        if _mentioned(made.text) == found - {identity} | {target}
    ]


def _mentioned(text: str) -> set[str]:
    return {identity for identity, rows in mentions([text]).items() if rows[0]}


def _swapped(text: str, category: Category, identity: str, target: str) -> Counterfactual | None:
    pieces, terms, end = [], [], 0
    for match in _matches(text, identity):
        term = _plain(match.group())
        word = _other_word(text, match, category.groups[identity], category.groups[target])
        if word is None:
            return None
        lead, start = _article(text, match.start(), word)
        pieces += [text[end:start], lead, _in_case(word, text, match, category.groups[identity])]
        terms.append((term, word.lower()))
        end = match.end()
    return Counterfactual("".join([*pieces, text[end:]]), category.name, identity, target, tuple(terms))


def _matches(text: str, identity: str) -> Iterator[re.Match[str]]:
    return (match for match in patterns()[identity].finditer(text) if match.lastgroup is not None)


def _plain(phrase: str) -> str:
    return re.sub(r"[\s-]+", " ", phrase).replace("’", "'").lower()


def _other_word(
    text: str, match: re.Match[str], mine: Mapping[str, tuple[str, ...]], others: Mapping[str, tuple[str, ...]]
) -> str | None:
    """The target's word for what the match is in its sentence; None where that is not certain."""
    term = _plain(match.group())
    follower = _NEXT.match(text, match.end())
    after = "" if follower is None else follower[1].lower()
    parts = {part for part, words in mine.items() if term in map(str.lower, words)}
    if {"adjective", "person"} <= parts:
        before = _BEFORE.search(text, max(0, match.start() - 40), match.start())
        if after in _words("nouns"):
            parts -= {"person"}
        elif before is not None and before[1].lower() in _words("articles") and after in _words("followers") | {""}:
            parts -= {"adjective"}
    choices = {others[part][0] if part in others else None for part in parts}
    word = choices.pop() if len(choices) == 1 else None
    if word is not None and {term, word} & _words("only_of_people") and after not in _words("nouns"):
        return None
    return word


def _article(text: str, start: int, word: str) -> tuple[str, int]:
    """What stands before the new word, and from where on it replaces the text: an article that agrees, or nothing."""
    before = _BEFORE.search(text, max(0, start - 40), start)
    if before is None or before[1].lower() not in ("a", "an"):
        return "", start
    agreed = article(word)
    if before[1][0].isupper():
        shouted = before[1] == "AN" or text[start : start + 2].isupper()
        agreed = agreed.upper() if shouted else agreed.capitalize()
    return agreed + text[before.end(1) : start], before.start()


def _in_case(word: str, text: str, match: re.Match[str], mine: Mapping[str, tuple[str, ...]]) -> str:
    """The word in capitals where the writer shouts, in small letters where the writer uses no capitals, else as listed.

    The first letter is a capital where a sentence begins, or where the writer gave one to a word that needs none.
    """
    written = match.group()
    usual = next(w for words in mine.values() for w in words if w.lower() == _plain(written))
    if len(written) > 1 and written.isupper():
        return word.upper()
    if written[0].islower():
        return word.lower() if usual[0].isupper() else word
    before = text[: match.start()].rstrip(_OPENING)
    begins = not before or before[-1] in ".!?\n"
    return word[0].upper() + word[1:] if begins or usual[0].islower() else word
