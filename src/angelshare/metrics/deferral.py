"""What a switch leaves undone: the cost of rows that a student keeps although its teacher would do better."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float64, Int, Real

Decisions: TypeAlias = Int[np.ndarray, " rows"] | Bool[np.ndarray, "rows labels"]
"""The label's index of a row where one holds; a True a label where several may."""

MOST = 0.5
"""Signals are compared by what they leave when up to this share is deferred: beyond it a switch hardly pays."""


def errors(decisions: Decisions, truth: Bool[np.ndarray, "rows labels"]) -> Float64[np.ndarray, " rows"]:
    """The share of each row's decisions that are wrong: 0 or 1 where one label holds."""
    if decisions.ndim == 1:
        return (~truth[np.arange(len(decisions)), decisions]).astype(np.float64)
    return np.asarray((decisions != truth).mean(axis=1))


def disagreement(first: Decisions, second: Decisions) -> Float64[np.ndarray, " rows"]:
    """The share of each row's decisions in which two models differ."""
    different = first != second
    return np.asarray(different if first.ndim == 1 else different.mean(axis=1), dtype=np.float64)


def kept_costs(
    student: Decisions, teacher: Decisions, truth: Bool[np.ndarray, "rows labels"] | None
) -> Float64[np.ndarray, " rows"]:
    """What each row costs if the student keeps it: its error less the teacher's, in [-1, 1].

    Without golden labels the disagreement of the two, in [0, 1]; that is never less than the error it stands for.
    """
    if truth is None:
        return disagreement(student, teacher)
    return np.asarray(errors(student, truth) - errors(teacher, truth))


def remaining(
    hardness: Real[np.ndarray, " rows"], costs: Real[np.ndarray, " rows"], shares: Real[np.ndarray, " shares"]
) -> Float64[np.ndarray, " shares"]:
    """Mean cost over all rows, once the hardest `shares` of them at most are deferred and cost nothing."""
    deferred = places(hardness)[:, None] <= np.round(np.asarray(shares) * len(hardness))
    return np.asarray((np.asarray(costs)[:, None] * ~deferred).mean(axis=0))


def places(hardness: Real[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """How many rows go to the teacher where this one does: no threshold parts rows that look equally hard."""
    turned = -np.nan_to_num(np.asarray(hardness, dtype=np.float64), nan=np.inf)
    return np.searchsorted(np.sort(turned), turned, side="right").astype(np.int64)


def left(hardness: Real[np.ndarray, " rows"], costs: Real[np.ndarray, " rows"]) -> float:
    """Mean of `remaining` over deferring 0 to `MOST` of the rows: one figure by which signals are compared."""
    return float(remaining(hardness, costs, np.linspace(0, MOST, 51)).mean())
