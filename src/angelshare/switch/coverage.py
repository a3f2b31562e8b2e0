"""How often a switch breaks its promise: `python -m angelshare.switch.coverage` counts it on a made-up pool."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from angelshare.errors import DataError
from angelshare.models.hardness import View
from angelshare.progress import progress, say
from angelshare.runs import rng
from angelshare.switch.calibrate import EVERYONE, calibrate, largest
from angelshare.switch.rows import Answered
from angelshare.switch.targets import Target
from angelshare.types import Predictions

__all__ = ["Broken", "broken", "made_up", "table"]

TARGETS = ("deferred=0.2", "loss=0.02", "group-loss=0.05")


@dataclass(frozen=True)
class Broken:
    """Calibration sets drawn from a pool, and on how many the pool's own figure exceeds the target.

    Attributes
    ----------
    refused : sets on which no threshold could be shown to keep the target, so that nothing was promised.
    deferred : mean share of the pool that goes to the teacher. figure : mean of what the target limits, on the pool.
    """

    target: Target
    delta: float
    sets: int
    exceeded: int
    refused: int
    deferred: float
    figure: float

    @property
    def rate(self) -> float:
        return self.exceeded / self.sets

    @property
    def allowed(self) -> float:
        """`delta` and two standard errors of counting `sets`."""
        return float(self.delta + 2 * np.sqrt(self.delta * (1 - self.delta) / self.sets))


def broken(
    pool: Answered, target: Target, *, sets: int, size: int, delta: float = 0.1, signal: str = "margin", seed: int = 0
) -> Broken:
    """Calibrate on `sets` draws of `size` rows with replacement, and look at each threshold on the whole pool."""
    exceeded, shares, figures = 0, [], []
    with progress(f"{target}", sets) as advance:
        for turn in range(sets):
            drawn = pool.take(rng(seed, "coverage", str(target), turn).integers(0, len(pool), size))
            advance(1)
            try:
                found = calibrate(drawn, target, signal=signal, delta=delta, seed=turn)
            except DataError:
                continue
            plan = found.plan
            hardness = found.signals[plan.signal].hardness(pool.view.at(plan.temperature))
            groups = [name for name in plan.promise.get("groups", {}) if name != EVERYONE]
            figures.append(largest(pool, hardness, plan.threshold, target, groups))
            exceeded += figures[-1] > target.limit
            shares.append(float((hardness > plan.threshold).mean()))
    refused = sets - len(shares)
    means = [float(np.mean(values)) if values else float("nan") for values in (shares, figures)]
    return Broken(target, delta, sets, int(exceeded), refused, *means)


def made_up(rows: int, seed: int = 0, *, gold: bool = True) -> Answered:
    """A pool where the student knows when it is unsure, and is worse about one of three groups."""
    draw = rng(seed, "made-up pool")
    truth = draw.random(rows) < 0.5
    groups = draw.random((rows, 3)) < (0.5, 0.3, 0.1)
    sign = np.where(truth, 1.0, -1.0)
    student = sign * 1.5 + draw.normal(size=rows) * (1.1 + 0.5 * groups[:, 2])
    teacher = sign * 3 + draw.normal(size=rows) * 1.4
    ids = np.arange(rows).astype(str).astype(object)
    answers = [
        Predictions(name, ids, ("no", "yes"), False, np.stack([-logit, logit], axis=1) / 2)
        for name, logit in (("student", student), ("teacher", teacher))
    ]
    features = np.stack([student, draw.normal(size=rows)], axis=1)
    logits = answers[0].logits
    view = View(ids.tolist(), logits, features, False, lambda texts: logits[np.array(texts, dtype=np.int64)])
    known = np.stack([~truth, truth], axis=1) if gold else None
    return Answered(view, answers[0], answers[1], known, groups, ("one", "two", "three"))


def table(found: Sequence[Broken], size: int) -> str:
    """The rows of docs/switch.md."""
    head = ["target", "delta", "rows a set", "sets", "promise broken", "at most", "nothing promised"]
    head += ["to the teacher", "the figure itself"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for each in found:
        cells = [f"`{each.target}`", f"{each.delta:g}", f"{size:,}", f"{each.sets:,}", f"{each.rate:.1%}"]
        cells += [f"{each.allowed:.1%}", f"{each.refused}", f"{each.deferred:.1%}", f"{each.figure:.4f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", type=int, default=20_000, help="rows of the made-up pool")
    parser.add_argument("--rows", type=int, default=2_000, help="rows of a calibration set")
    parser.add_argument("--sets", type=int, default=1_000)
    parser.add_argument("--delta", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pool = made_up(options.pool, options.seed)
    found = [
        broken(pool, Target.parse(text), sets=options.sets, size=options.rows, delta=options.delta, seed=options.seed)
        for text in TARGETS
    ]
    say(table(found, options.rows))


if __name__ == "__main__":
    main()
