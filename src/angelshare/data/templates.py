"""Identity-swap sentences of our own: the same sentence, another group, one gold label."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Kind = Literal["toxicity", "sentiment"]

LABELS: dict[str, tuple[str, str]] = {"toxicity": ("neutral", "toxic"), "sentiment": ("negative", "positive")}
"""Names of the gold labels 0 and 1, as the data file groups the sentences."""

_SLOT = re.compile(r"\{(An? |an? )?([a-zA-Z]+)\}")


@dataclass(frozen=True)
class Term:
    """An identity term in its forms: "Muslim", "Muslim", "Muslims"; "gay", "gay person", "gay people".

    `identity` is the lexicon's name of the group (angelshare.data.identities).
    """

    term: str
    identity: str
    person: str
    people: str


@dataclass(frozen=True)
class Swap:
    """One template filled with one term.

    Rows with the same `template_id` differ in the term alone: they are a cluster.
    """

    id: str
    template_id: str
    term: str
    identity: str
    text: str
    label: int


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("angelshare.data").joinpath("templates.toml").read_text(encoding="utf-8"))


TEMPLATES_VERSION: str = _file()["version"]


def terms() -> list[Term]:
    """The identity terms, in the order of the data file."""
    return [
        Term(
            found["term"],
            found["identity"],
            found.get("person", f"{found['term']} person"),
            found.get("people", f"{found['term']} people"),
        )
        for found in _file()["terms"]
    ]


def templates(kind: Kind) -> list[tuple[str, str, int]]:
    """(id, sentence with slots, gold label), label 0 first."""
    return [
        (f"{name}-{number:02d}", sentence, label)
        for label, name in enumerate(LABELS[kind])
        for number, sentence in enumerate(_file()[kind][name], start=1)
    ]


def article(words: str) -> str:
    """The article before our terms ("a" or "an"), where the first letter decides."""
    return "an" if words[0].lower() in "aeiou" else "a"


def fill(sentence: str, term: Term) -> str:
    """Put the term into the slots of a sentence, with its article and a capital where asked."""
    forms = {"adjective": term.term, "person": term.person, "people": term.people}

    def form(match: re.Match[str]) -> str:
        lead, name = match.group(1) or "", match.group(2)
        words = forms[name.lower()]
        filled = f"{article(words)} {words}" if lead else words
        capital = (lead or name)[0].isupper()
        return filled[0].upper() + filled[1:] if capital else filled

    return _SLOT.sub(form, sentence)


def swaps(kind: Kind) -> list[Swap]:
    """Every template of the set crossed with every term, template by template.

    Parameters
    ----------
    kind : "toxicity" (label 1 is toxic) or "sentiment" (label 1 is positive).
    """
    return [
        Swap(
            id=f"{kind}-{template_id}-{term.term.lower().replace(' ', '-')}",
            template_id=f"{kind}-{template_id}",
            term=term.term,
            identity=term.identity,
            text=fill(sentence, term),
            label=label,
        )
        for template_id, sentence, label in templates(kind)
        for term in terms()
    ]
