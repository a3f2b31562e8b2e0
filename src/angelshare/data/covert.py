"""Covert abuse: a text is toxic where any of its labels holds, covert or overt, and its kind says which."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from angelshare.data import values
from angelshare.data.readers import Chunk, delimited_records
from angelshare.data.tables import Builder, Columns, Table

KIND = "kind"
ATTRIBUTES = (
    "antagonize", "condescending", "dismissive", "generalisation", "generalisation_unfair", "hostile", "sarcastic",
)  # fmt: skip
HATE = {"not_hate": "0", "implicit_hate": "1", "explicit_hate": "1"}


def hate(paths: Sequence[Path], name: str) -> Table:
    """Implicit and explicit hate are both toxic; implicit hate has the class of the second stage as its kind."""
    posts, stage_2 = paths
    classes: dict[str, str] = {}
    for chunk in delimited_records(stage_2, ("post", "implicit_class"), "\t"):
        classes.update(zip(chunk.values["post"], chunk.values["implicit_class"], strict=True))
    builder = Builder(Columns(text="post", toxicity="class", kinds=(KIND,)))
    for chunk in delimited_records(posts, ("post", "class"), "\t"):
        pairs = list(zip(chunk.values["post"], chunk.values["class"], strict=True))
        found: Mapping[str, list[str]] = {
            "post": [post for post, _ in pairs],
            "class": [HATE.get(label, label) for _, label in pairs],
            KIND: [classes.get(post, label) if label == "implicit_hate" else label for post, label in pairs],
        }
        builder.add(Chunk(chunk.source, dict(found), chunk.rows, chunk.lines))
    return builder.table(name, str(posts))


def comments(paths: Sequence[Path], name: str) -> Table:
    """The maximum of seven attributes is the toxicity; a comment with one attribute has it as its kind."""
    builder = Builder(Columns(text="comment", toxicity="toxicity", id="_unit_id", kinds=(KIND,)))
    for path in paths:
        for chunk in delimited_records(path, ("comment", "_unit_id", *ATTRIBUTES), ","):
            shares = np.stack([values.numbers(chunk, name, what="label") for name in ATTRIBUTES], axis=1)
            found = {
                **chunk.values,
                "toxicity": shares.max(axis=1).tolist(),
                KIND: [_kind([a for a, share in zip(ATTRIBUTES, row, strict=True) if share >= 0.5]) for row in shares],
            }
            builder.add(Chunk(chunk.source, found, chunk.rows, chunk.lines))
    return builder.table(name, ", ".join(map(str, paths)))


def _kind(holding: Sequence[str]) -> str:
    """An unfair generalisation is a generalisation too: one kind."""
    distinct = [name for name in holding if name != "generalisation_unfair"] or list(holding)
    return "healthy" if not distinct else distinct[0] if len(distinct) == 1 else "several"
