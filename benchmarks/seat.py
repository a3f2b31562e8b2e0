"""SEAT's chance of d by 100,000 permutations against a straightforward loop, and by all against one by one.

One run, interleaved: theirs, ours, theirs, ours. The loop is what sent-bias describes: shuffle the targets, sum the
scores of the first half, compare.
"""

import argparse
import itertools
import statistics
import time

import numpy as np

from angelshare.stats.compiled import threads
from angelshare.stats.permutation import DRAWS, partitions


def plain(scores: np.ndarray, first: int, draws: int, rng: np.random.Generator) -> float:
    """The share of shuffles whose first half scores at least as much."""
    observed = scores[:first].sum()
    hits = 0
    for _ in range(draws):
        order = rng.permutation(len(scores))[:first]
        if scores[order].sum() >= observed:
            hits += 1
    return (1 + hits) / (1 + draws)


def one_by_one(scores: np.ndarray, first: int) -> float:
    """The share of all partitions, each summed."""
    values = scores.tolist()
    observed = sum(values[:first]) - 1e-12
    sums = [sum(chosen) >= observed for chosen in itertools.combinations(values, first)]
    return sum(sums) / len(sums)


def sample(side: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate((rng.normal(0.2, 1, size=side), rng.normal(size=side)))


def timed(work) -> tuple[float, float]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def compare(side: int, rounds: int) -> float:
    scores, rng = sample(side), np.random.default_rng(1)
    theirs, ours, gaps = [], [], []
    for turn in range(rounds):
        seconds, expected = timed(lambda: plain(scores, side, DRAWS, rng))
        theirs.append(seconds)
        for again in range(5):
            seconds, found = timed(lambda seed=5 * turn + again: partitions(scores, side, seed=seed).p)
            ours.append(seconds)
        gaps.append(abs(found - expected))
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(
        f"{DRAWS:,} permutations, {side} a side: NumPy loop {statistics.median(theirs):.2f} s, ours "
        f"{1000 * statistics.median(ours):.1f} ms: {ratio:.0f}x (largest difference of p {max(gaps):.4f})"
    )
    return ratio


def exact(side: int, rounds: int) -> float:
    scores = sample(side)
    theirs, ours = [], []
    for _ in range(rounds):
        seconds, expected = timed(lambda: one_by_one(scores, side))
        theirs.append(seconds)
        for _ in range(5):
            seconds, found = timed(lambda: partitions(scores, side).p)
            ours.append(seconds)
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(
        f"all partitions, {side} a side: one by one {statistics.median(theirs):.2f} s, ours "
        f"{1000 * statistics.median(ours):.2f} ms: {ratio:,.0f}x (difference of p {abs(found - expected):.1e})"
    )
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[56, 72, 350])
    parser.add_argument("--exact", type=int, default=11, help="targets a side whose partitions are all counted")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{threads()} threads")
    partitions(sample(30), 30)
    for side in options.sides:
        compare(side, options.rounds)
    exact(options.exact, options.rounds)


if __name__ == "__main__":
    main()
