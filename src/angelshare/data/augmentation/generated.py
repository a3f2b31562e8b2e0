"""New texts of a label by a causal model, which reads a few of that label first."""

from collections.abc import Sequence

import numpy as np

from angelshare.data.augmentation.words import below

__all__ = ["LONGEST", "SHOTS", "TOKENS", "prompt", "shots", "written"]

SHOTS = 3
"""Texts of the same label that the model reads before the text that is to be augmented."""

LONGEST = 30
"""Words to which each of them is cut."""

TOKENS = 40
"""Tokens written at most: 190 a second is what two cores do with a model of 135M parameters."""


def shots(text: str, pool: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Up to `SHOTS` texts drawn from the pool without replacement, then the text itself."""
    others = [other for other in pool if other != text]
    drawn: list[str] = []
    while others and len(drawn) < SHOTS:
        drawn.append(others.pop(below(rng, len(others))))
    return [*drawn, text]


def prompt(label: str, examples: Sequence[str]) -> str:
    """A line an example, each after its label, and a last line that ends after the label."""
    told = " ".join(label.split()).rstrip(":")
    lines = [f"{told}: {' '.join(text.split()[:LONGEST])}" for text in examples]
    return "\n".join([*lines, f"{told}:"])


def written(continuation: str) -> str:
    """The first line of what the model wrote."""
    return " ".join((continuation.strip().splitlines() or [""])[0].replace("\0", " ").split())
