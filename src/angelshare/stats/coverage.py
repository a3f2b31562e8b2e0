"""The coverage grid behind the default intervals: `python -m angelshare.stats.coverage` writes docs/coverage.md."""

import argparse
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TypeAlias

from angelshare.progress import progress, say
from angelshare.runs import atomic_file
from angelshare.stats.intervals import MEASURED_FROM
from angelshare.stats.simulate import CLUSTER, DRAWS, MANY, Cell, Decisions, accuracy_coverage, coverage

SIZES = (20, 50, 200, 2000)
AREAS = (0.6, 0.8, 0.95)
RATES = (0.7, 0.9, 0.97)
DIFFERENCES = (0.03, 0.1, 0.3)
FLOOR = 0.93

Rows: TypeAlias = Sequence[tuple[int, float, Mapping[str, float]]]

KINDS = {
    "continuous": "AUC, continuous scores",
    "ties": "AUC, scores rounded to whole numbers: ties everywhere (the AUC is the one before rounding)",
    "clusters": f"AUC, n clusters of {CLUSTER} rows a class, whole clusters resampled",
    "paired": "Difference of two AUCs on the same rows (.02, scores correlated by .8)",
}
CHOSEN = ("logit bootstrap", "normal bootstrap")

HEAD = """# How often the intervals hold the truth

Written by `python -m angelshare.stats.coverage`: {simulations:,} simulations a cell, {draws} replicates each
({many} from n = {large:,}), seed {seed}. A cell is the share, in percent, of 95 % intervals that hold the true value,
give or take {error:.1f} points of simulation error. n is the number of rows (or clusters) **a class**; for accuracy,
of rows. Scores are drawn from two normal distributions. The intervals in use are in bold.
Each eighth of a cell's simulations shares one set of multiplicities.

## What follows from it

- A figure: **{chosen[0]}**: the standard error of the replicates, on the logit scale of the metric's range. A metric
  without an upper end takes the logarithm, one without ends its own scale. *logit DeLong* is the same with DeLong's
  error: it stands in where an audit passes that, which it may only where rows are independent.
- A paired difference: **{chosen[1]}**: the standard error of the replicates' differences. Percentile, BCa and
  studentised intervals of a difference cover less.
- Where no replicate moves a figure (all right, all wrong, no row decided otherwise), the rule of three stands in.
- The lowest coverage of these two from n = {measured} on is **{lowest:.1f} %** (asked: {floor:.0f} % at least).
  Findings from a smaller class, or from fewer clusters, are marked `approximate`; under an audit's minimum count they
  are `not_enough_data`.
- With clusters, *DeLong* here sums over clusters; DeLong's own formula takes rows as independent and is not used there.
"""


def table(title: str, truths: str, rows: Rows) -> str:
    methods = list(rows[0][2])
    lines = [f"## {title}", "", f"| n | {truths} | " + " | ".join(methods) + " |", "|---|---|" + "---|" * len(methods)]
    for n, truth, shares in rows:
        cells = [_cell(100 * share, method in CHOSEN) for method, share in shares.items()]
        lines.append(f"| {n:,} | {truth:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(percent: float, chosen: bool) -> str:
    return f"**{percent:.1f}**" if chosen else f"{percent:.1f}"


def measure(simulations: int, seed: int) -> tuple[str, float]:
    """The page, and the lowest coverage of the chosen methods from MEASURED_FROM on."""
    parts, lowest = [], 1.0
    accuracies = {"Accuracy": (RATES, False), "Paired difference of accuracies": (DIFFERENCES, True)}
    total = len(SIZES) * (len(KINDS) * len(AREAS) + len(RATES) + len(DIFFERENCES))
    with progress("coverage cells", total) as advance:
        for kind, title in KINDS.items():
            rows = []
            for n, auc in product(SIZES, AREAS):
                rows.append((n, auc, coverage(Cell(kind, n, auc), simulations, seed)))
                advance(1)
            parts.append(table(title, "AUC", rows))
            lowest = min(lowest, _lowest(rows))
        for title, (rates, paired) in accuracies.items():
            rows = []
            for n, rate in product(SIZES, rates):
                rows.append((n, rate, accuracy_coverage(Decisions(n, rate, paired), simulations, seed)))
                advance(1)
            parts.append(table(title, "rows that differ" if paired else "accuracy", rows))
            lowest = min(lowest, _lowest(rows))
    head = HEAD.format(
        simulations=simulations,
        draws=DRAWS,
        many=DRAWS // 2,
        large=MANY,
        seed=seed,
        error=100 * (0.95 * 0.05 / simulations) ** 0.5,
        chosen=CHOSEN,
        measured=MEASURED_FROM,
        lowest=100 * lowest,
        floor=100 * FLOOR,
    )
    return "\n".join([head, *parts]), lowest


def _lowest(rows: Rows) -> float:
    return min(
        share for n, _, shares in rows if n >= MEASURED_FROM for method, share in shares.items() if method in CHOSEN
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/coverage.md"))
    options = parser.parse_args()
    page, lowest = measure(options.simulations, options.seed)
    with atomic_file(options.out) as aside:
        aside.write_text(page, encoding="utf-8")
    say(f"Lowest coverage from n = {MEASURED_FROM}: {100 * lowest:.1f} %. Written to {options.out}.")


if __name__ == "__main__":
    main()
