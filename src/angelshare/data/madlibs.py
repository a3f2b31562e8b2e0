"""Short and long synthetic sentences: which template and which identity term each is made of."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files

import numpy as np

from angelshare.data.tables import Table
from angelshare.errors import DataError
from angelshare.runs import rng

ALONE = "I am "
"""The sentences that hold an identity term and nothing else behind these words: they tell which terms there are."""

NAME, TERM, JOB = "(name)", "(identity)", "(occupation)"

SHORTEST, LONGEST = 3, 8
"""Filler sentences of a long text."""


def told_apart(table: Table, part: str) -> Table:
    """The table with its terms as identities and its templates as clusters.

    A template is a sentence with its name, identity and occupation left open: "(name) is a nasty (identity)". The
    file's own column names six kinds of sentence, too few to resample. The part `short` keeps of the sentences with a
    name those of one name a template, drawn at random, so that 45 names do not crowd out the other templates; `long`
    puts filler sentences around them, the same for all terms, so that still only the term changes. The part
    `intersectional` has two terms a sentence, and stays as it is.

    Raises
    ------
    DataError
        For files without a sentence "I am ..." to learn the terms from.
    """
    if part == "intersectional":
        return table
    terms = sorted({text.removeprefix(ALONE) for text in table.texts if text.startswith(ALONE)}, key=lambda t: -len(t))
    if not terms:
        raise DataError(f"{table.source} has no sentence that begins with '{ALONE}'. Get the files of 'madlibs' again.")
    kinds = table.kinds["template"]
    parted = [_parted(text, str(kind), terms) for text, kind in zip(table.texts, kinds, strict=True)]
    templates = {template: at for at, template in enumerate(dict.fromkeys(template for template, _, _ in parted))}
    found = replace(
        table,
        clusters=np.array([templates[template] for template, _, _ in parted], dtype=np.int64),
        identities={
            term.replace(" ", "_"): np.array([term == mine for _, _, mine in parted], dtype=np.float32)
            for term in sorted(terms)
        },
    )
    if part == "test":
        return found
    names = _one_name([(template, name) for template, name, _ in parted])
    kept = [at for at, (template, name, _) in enumerate(parted) if names[template] == name]
    found = found.take(kept)
    return found if part == "short" else lengthened(found, [parted[at][0] for at in kept])


def _parted(text: str, kind: str, terms: Sequence[str]) -> tuple[str, str, str]:
    """(template, name, term) of a sentence; the name or the term is empty where it has none."""
    if kind == "you_occupation":
        return " ".join([*text.split(" ")[:4], JOB]), "", ""
    words = f" {text} "
    term = next((term for term in terms if f" {term} " in words), "")
    before, _, after = words.rpartition(f" {term} ") if term else (words, "", "")
    template = f"{before} {TERM} {after}" if term else before
    name = ""
    if kind == "name_adj":
        name, verb, rest = template.strip().partition(" is a ")
        template = f"{NAME}{verb}{rest}"
    return " ".join((kind, *template.split())), name, term


def _one_name(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A name for each template, by a random stream of its own, so that other templates do not change it."""
    names: dict[str, dict[str, None]] = {}
    for template, name in pairs:
        names.setdefault(template, {})[name] = None
    return {template: str(rng(0, "madlibs", template).choice(sorted(found))) for template, found in names.items()}


@cache
def filler() -> tuple[str, ...]:
    """Neutral sentences of our own; none names a person or a group."""
    text = files("angelshare.data").joinpath("filler.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["sentences"])


def lengthened(table: Table, templates: Sequence[str]) -> Table:
    """Every sentence somewhere among filler sentences, which are the same for all rows of a template."""
    around = {template: _around(template) for template in dict.fromkeys(templates)}
    texts = []
    for text, template in zip(table.texts, templates, strict=True):
        before, after = around[template]
        texts.append(" ".join((*before, f"{text[0].upper()}{text[1:]}.", *after)))
    return replace(table, texts=texts)


def _around(template: str) -> tuple[list[str], list[str]]:
    draw = rng(0, "madlibs-long", template)
    count = int(draw.integers(SHORTEST, LONGEST + 1))
    sentences = [filler()[at] for at in draw.choice(len(filler()), size=count, replace=False)]
    at = int(draw.integers(count + 1))
    return sentences[:at], sentences[at:]
