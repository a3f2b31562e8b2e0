"""The threshold: the most useful of those shown to keep the target, with a guarantee at every number of rows.

The rows are split in two. One part learns temperatures and signals, chooses the signal, and sets the candidates:
quantiles of its hardness. The other part tests the candidates in order (Learn-then-Test, `stats.certify`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64

from angelshare.errors import DataError
from angelshare.metrics.deferral import left
from angelshare.models.hardness import SIGNALS, Signal, View
from angelshare.models.switched import Plan
from angelshare.runs import rng
from angelshare.stats.certify import betting_p, binomial_p, passed, rows_needed
from angelshare.switch.fitting import AUTO, chosen, learn, probabilities, tell, temperature
from angelshare.switch.rows import Answered
from angelshare.switch.targets import Target

__all__ = ["Calibration", "Candidates", "calibrate", "certified", "check", "largest"]

FIT = 1 / 3
"""Share of the rows that learns and chooses; the guarantee rests on the others."""

CANDIDATES = 200
BLOCK = 16
"""Candidates tested at once."""

EVERYONE = "all rows"

LEAST_DELTA, MOST_DELTA = 1e-6, 0.5
"""A promise that is broken more often than kept is none."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a calibration found: the signals, the plan, and what it rests on."""

    signals: Mapping[str, Signal]
    plan: Plan
    absent: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Thresholds, in the order of testing: whichever is first keeps the target best."""

    thresholds: Float64[np.ndarray, " candidates"]

    @classmethod
    def of(cls, hardness: Float64[np.ndarray, " rows"], target: Target) -> "Candidates":
        """Between neighbouring values of rows that no test will see, from nearly all deferred to nearly none."""
        levels = np.unique(hardness[np.isfinite(hardness)])
        if not len(levels):
            raise DataError("The student's hardness is not finite on any row. Train the student again.")
        between = (levels[1:] + levels[:-1]) / 2
        ends = np.concatenate([[levels[0] - 1e-6 * (1 + abs(levels[0]))], between, [levels[-1]]])
        at = np.unique(np.round(np.linspace(0, len(ends) - 1, CANDIDATES)).astype(np.int64))
        return cls(ends[at][::-1] if target.kind == "deferred" else ends[at])


def calibrate(
    rows: Answered,
    target: Target,
    *,
    signal: str = AUTO,
    delta: float = 0.1,
    seed: int = 0,
    transfer: Iterable[View] | None = None,
) -> Calibration:
    """Learn the signals, choose one, and find its threshold.

    Parameters
    ----------
    rows : neither model learnt from them, and they are like those to come: drawn from the same population.
    target : what is promised; it holds of that population with a chance of at least 1 - `delta` over the rows drawn.
    signal : one of `SIGNALS`, or "auto".
    transfer : what the student says of the texts it learnt from, in parts, for the signal "distance".

    Raises
    ------
    DataError : an unknown signal, too few rows, or no threshold keeps the target; says what would help.
    """
    check(signal, delta)
    fit, test = split(rows, target, delta, seed)
    heat, teacher_heat = temperatures(fit)
    fit, test = (replace(part, view=part.view.at(heat)) for part in (fit, test))
    heated = None if transfer is None else (part.at(heat) for part in transfer)
    learnt = learn(fit, seed=seed, transfer=heated, wanted=signal)
    if signal == AUTO:
        tell(learnt)
    name = chosen(learnt, fit) if signal == AUTO else signal
    hardness = learnt.signals[name].hardness(test.view)
    threshold, facts = certified(hardness, test, Candidates.of(learnt.hardness[name], target), target, delta, seed)
    promise = {
        "target": str(target),
        "delta": delta,
        "loss_is": "accuracy lost against the teacher" if rows.truth is not None else "decisions not the teacher's",
        "rows": {"fit": len(fit), "tested": len(test)},
        "left_by_signal": {each: _digits(left(found, fit.costs)) for each, found in learnt.hardness.items()},
        **facts,
    }
    return Calibration(learnt.signals, Plan(name, threshold, heat, teacher_heat, promise), learnt.absent)


def check(signal: str, delta: float) -> None:
    """Raises DataError for a signal that there is not, or a delta that is no chance to speak of."""
    if signal not in (AUTO, *SIGNALS):
        raise DataError(f"The signal must be one of {AUTO}, {', '.join(SIGNALS)}. Got '{signal}' instead.")
    if not LEAST_DELTA <= delta <= MOST_DELTA:
        raise DataError(f"The delta must be from {LEAST_DELTA:g} to {MOST_DELTA:g}. Got {delta:g} instead.")


def split(rows: Answered, target: Target, delta: float, seed: int) -> tuple[Answered, Answered]:
    """The part that learns and the part that tests, drawn at random; raises DataError where the latter is too small."""
    order = rng(seed, "switch", "split").permutation(len(rows))
    count = round(FIT * len(rows))
    needed = least(rows, target, delta)
    if len(rows) - count < needed or count < 2:
        raise DataError(
            f"A target of {target} needs at least {max(int(np.ceil(needed / (1 - FIT))), 6):,} rows to be shown with a "
            f"certainty of {1 - delta:.0%}. Got {len(rows):,}: give more rows, a larger target, or a larger --delta."
        )
    return rows.take(order[:count]), rows.take(order[count:])


def least(rows: Answered, target: Target, delta: float) -> int:
    """The fewest rows that can show the target at all."""
    if target.kind == "deferred":
        return rows_needed(target.limit, delta, binary=True)
    return rows_needed(target.limit, delta, rows.lowest, binary=rows.binary)


def temperatures(rows: Answered) -> tuple[float, float]:
    """Of student and teacher: to golden labels, or without them the student's to the teacher's probabilities."""
    if rows.truth is None:
        return temperature(rows.student, probabilities(rows.teacher, 1.0)), 1.0
    truth = rows.truth.astype(np.float64)
    return temperature(rows.student, truth), temperature(rows.teacher, truth)


def certified(
    hardness: Float64[np.ndarray, " rows"], rows: Answered, given: Candidates, target: Target, delta: float, seed: int
) -> tuple[float, dict[str, Any]]:
    """The last threshold that passes, and what it does on the rows tested.

    For a share deferred the candidates come from the fewest deferred on, so the last is the one that defers most; for a
    loss from nearly all deferred on, so the last defers least.

    Raises
    ------
    DataError : not even the first passes.
    """
    parts, missing = _parts(rows, target, delta)
    order = rng(seed, "switch", "order").permutation(len(rows))
    kept_in = [(name, order[member[order]]) for name, member in parts]
    count = passed(_p_values(hardness, rows, kept_in, given, target, delta), delta)
    if not count:
        raise DataError(
            f"No threshold keeps {target} with a certainty of {1 - delta:.0%} on {len(rows):,} rows. "
            "Give more rows, a larger target, or a larger --delta."
        )
    threshold = float(given.thresholds[count - 1])
    kept = hardness <= threshold
    facts: dict[str, Any] = {"deferred": _digits(1 - kept.mean()), "loss": _digits((rows.costs * kept).mean())}
    if target.kind == "group-loss":
        facts["groups"] = {name: _digits((rows.costs * kept)[member].mean()) for name, member in parts}
        facts["groups_too_small"] = missing
    return threshold, facts


def _parts(rows: Answered, target: Target, delta: float) -> tuple[list[tuple[str, np.ndarray]], list[str]]:
    """Who is promised the target, as (name, (rows,) members); and the groups too small to be promised anything."""
    parts = [(EVERYONE, np.ones(len(rows), dtype=bool))]
    if target.kind != "group-loss":
        return parts, []
    if rows.groups is None or not rows.names:
        raise DataError("A target for the worst group needs groups. Name identity columns, or the lexicon.")
    needed = least(rows, target, delta)
    sizes = rows.groups.sum(axis=0)
    groups = [(name, rows.groups[:, at]) for at, name in enumerate(rows.names) if sizes[at] >= needed]
    if not groups:
        raise DataError(
            f"A target of {target} needs at least {needed:,} rows of a group, beside those that choose the signal. "
            f"The largest has {int(sizes.max(initial=0)):,}: give more rows, a larger target, or a larger --delta."
        )
    return parts + groups, [name for at, name in enumerate(rows.names) if sizes[at] < needed]


def _p_values(
    hardness: np.ndarray,
    rows: Answered,
    parts: list[tuple[str, np.ndarray]],
    given: Candidates,
    target: Target,
    delta: float,
) -> Iterator[float]:
    """Of each candidate in turn; of several groups the largest p, for all of them must pass."""
    for start in range(0, len(given.thresholds), BLOCK):
        thresholds = given.thresholds[start : start + BLOCK, None]
        found = np.zeros(len(thresholds))
        for _, members in parts:
            kept = hardness[members] <= thresholds
            if target.kind == "deferred":
                p = binomial_p((~kept).astype(np.float64), target.limit)
            elif rows.binary:
                p = binomial_p(rows.costs[members] * kept, target.limit)
            else:
                p = betting_p(rows.costs[members] * kept, target.limit, delta, rows.lowest)
            found = np.maximum(found, p)
        yield from found.tolist()


def largest(rows: Answered, hardness: np.ndarray, threshold: float, target: Target, groups: list[str]) -> float:
    """What the target limits, on these rows: a share, a loss, or the worst of all rows' loss and those of `groups`."""
    kept = hardness <= threshold
    if target.kind == "deferred":
        return float(1 - kept.mean())
    losses = rows.costs * kept
    found = [float(losses.mean())]
    if rows.groups is not None:
        found += [float(losses[rows.groups[:, rows.names.index(name)]].mean()) for name in groups]
    return max(found)


def _digits(value: float) -> float:
    return float(f"{value:.6g}")
