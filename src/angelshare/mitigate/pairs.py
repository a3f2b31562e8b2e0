"""Pairs of words that stand for each other, and texts with their pair words swapped."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from angelshare import runs
from angelshare.data.identities import LEXICON_VERSION
from angelshare.data.readers import is_table, records
from angelshare.data.values import shown
from angelshare.errors import DataError
from angelshare.mitigate.counterfactuals import CATEGORIES_VERSION, counterfactuals

__all__ = ["IDENTITIES", "IdentityPairs", "PairList", "Pairs", "Partner", "Twin", "open_pairs", "open_words", "words"]

IDENTITIES = "identities"
"""The named list whose pairs are the identities of the built-in lexicon, within a category."""

COLUMNS = ("first", "second")

_WORD = re.compile(r"\w(?:[^\r\n\t\ud800-\udfff]*\w)?")


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("angelshare.mitigate").joinpath("pairs.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Twin:
    """A text with its pair words swapped.

    Attributes
    ----------
    terms : (word of the text, what took its place), one a place.
    """

    text: str
    terms: tuple[tuple[str, str], ...]


class Pairs(Protocol):
    """What swaps the words of a text."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    def twins(self, text: str) -> list[Twin]: ...


@dataclass(frozen=True)
class Partner:
    """The word that takes another's place.

    Attributes
    ----------
    own : the word that is replaced.
    second : whether that is the second of its pair.
    """

    word: str
    own: str
    second: bool

    def written(self, own: str) -> str:
        """In capitals where the writer of `own` shouts, in small letters where that writer used none."""
        if own == self.own:
            return self.word
        if len(own) > 1 and own.isupper():
            return self.word.upper()
        return self.word.lower() if own[0].islower() else self.word[0].upper() + self.word[1:]


@dataclass(frozen=True)
class PairList:
    """Pairs of words, each spelled as in the middle of a sentence; a text has capitals where its writer put them.

    Attributes
    ----------
    name : of the list, or of its file.
    pairs : (first, second), each once.
    ambiguous : of the words in several pairs, which of their partners takes their place.

    Raises
    ------
    DataError : there is no pair, something is no word, or a word has several partners and nobody says which.
    """

    name: str
    pairs: tuple[tuple[str, str], ...]
    ambiguous: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.pairs:
            raise DataError(f"{self.name} has no pairs. Write at least one, as a first and a second word.")
        for pair in self.pairs:
            wrong = next((word for word in pair if not _WORD.fullmatch(word)), None)
            if wrong is not None:
                raise DataError(f"{self.name}: {shown(wrong)} is no word or phrase. Write letters or digits.")
            if pair[0].lower() == pair[1].lower():
                raise DataError(f"{self.name} pairs '{pair[0]}' with itself. Name two words.")
        _ = self.partners

    @cached_property
    def partners(self) -> dict[str, Partner]:
        """By the word in lower case, what takes its place."""
        found: dict[str, dict[str, Partner]] = {}
        for first, second in self.pairs:
            found.setdefault(first.lower(), {})[second.lower()] = Partner(second, first, second=False)
            found.setdefault(second.lower(), {})[first.lower()] = Partner(first, second, second=True)
        said = {word.lower(): taken.lower() for word, taken in self.ambiguous.items()}
        for word, taken in said.items():
            if taken not in found.get(word, {}):
                raise DataError(f"{self.name} says that '{taken}' takes the place of '{word}', and pairs them nowhere.")
        for word, choices in found.items():
            if len(choices) > 1 and word not in said:
                raise DataError(
                    f"{self.name} pairs '{word}' with {' and '.join(map(repr, choices))}. Say in a TOML file which "
                    f'takes its place: a line like {word} = "{next(iter(choices))}" under [ambiguous].'
                )
        return {word: choices[said.get(word, next(iter(choices)))] for word, choices in found.items()}

    @cached_property
    def digest(self) -> str:
        """A sha256 of what decides the swaps."""
        parts = ((word, partner.word, str(partner.second)) for word, partner in sorted(self.partners.items()))
        return runs.digest(*(part for row in parts for part in row))

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of the words, the longest first."""
        return words(self.partners)

    def twins(self, text: str) -> list[Twin]:
        """The text with all its pair words swapped at once; none where it has none."""
        terms: list[tuple[str, str]] = []

        def other(match: re.Match[str]) -> str:
            own = " ".join(match.group().split())
            partner = self.partners.get(own.lower())  # a pattern that ignores case takes a long s for an s
            if partner is None:
                return match.group()
            terms.append((match.group(), partner.written(own)))
            return terms[-1][1]

        swapped = self.pattern.sub(other, text)
        return [Twin(swapped, tuple(terms))] if terms else []


@dataclass(frozen=True)
class IdentityPairs:
    """The identities of the built-in lexicon, each for every other of its category, where grammar still agrees."""

    name: str = IDENTITIES

    @property
    def digest(self) -> str:
        return runs.digest(self.name, LEXICON_VERSION, CATEGORIES_VERSION)

    def twins(self, text: str) -> list[Twin]:
        """One twin for each group that may take the place of one that the text mentions."""
        return [Twin(one.text, one.terms) for one in counterfactuals(text)]


def words(listed: Iterable[str]) -> re.Pattern[str]:
    """Any of the words and phrases where it stands alone, in any case, the longest first."""
    longest = sorted({word.lower() for word in listed}, key=lambda word: (-len(word), word))
    spelled = "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest)
    return re.compile(rf"(?<!\w)(?:{spelled})(?!\w)", re.IGNORECASE)


def open_pairs(spec: str | Path) -> PairList | IdentityPairs:
    """A named list, or the user's own: TOML, or a table with the columns first and second.

    Raises
    ------
    DataError : there is no such list, or the file is broken.
    """
    text, named = str(spec), _file()["pairs"]
    if text == IDENTITIES:
        return IdentityPairs()
    if text in named:
        return _of_toml(text, named[text])
    if text.lower().endswith(".toml"):
        return _of_toml(text, _parsed(Path(text)))
    if is_table(text):
        chunks = (chunk.values for chunk in records(text, COLUMNS))
        rows = [row for values in chunks for row in zip(values["first"], values["second"], strict=True)]
        return PairList(text, _pairs(text, rows), {})
    raise DataError(
        f"There is no list of pairs '{text}'. Name one of {', '.join([*named, IDENTITIES])}, or a .toml or .csv file."
    )


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DataError(f"{path} cannot be read: {reason}. Give a TOML or CSV file of pairs.") from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path} is not TOML: {error}. Mend that line.") from error


def _of_toml(where: str, found: Mapping[str, Any]) -> PairList:
    unknown = sorted(found.keys() - {"pairs", "ambiguous"})
    if unknown:
        raise DataError(f"{where} has the unknown key '{unknown[0]}'. Its keys are pairs and ambiguous.")
    rows, said = found.get("pairs", []), found.get("ambiguous", {})
    if not isinstance(rows, list):
        raise DataError(f'{where}: pairs must be a list like [["woman", "man"], ["girl", "boy"]].')
    if not isinstance(said, dict) or not all(isinstance(word, str) for word in said.values()):
        raise DataError(f'{where}: ambiguous must be a table of lines like her = "his".')
    return PairList(where, _pairs(where, rows), said)


def _pairs(where: str, rows: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    """Each pair once, spaces at the ends of its words left out."""
    found: dict[tuple[str, str], None] = {}
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Sequence) or len(row) != 2 or not all(isinstance(word, str) for word in row):
            raise DataError(f"{where}: pair {number} must be two words. Got {shown(row)} instead.")
        found[(" ".join(row[0].split()), " ".join(row[1].split()))] = None
    return tuple(found)


def open_words(spec: str | Path) -> PairList:
    """As `open_pairs`, where each word has one partner; raises DataError for the identities, which have several."""
    found = open_pairs(spec)
    if isinstance(found, IdentityPairs):
        raise DataError(
            f"Words of '{IDENTITIES}' have several partners, which distil alone can take. Name gender-10, or a file."
        )
    return found
