"""72 bias AUCs (24 overlapping groups) and their paired bootstrap, against pandas and scikit-learn written plainly.

One run, interleaved: theirs, ours, theirs, ours. Naive resampling would take days, so it is extrapolated from a few
replicates of one model. Memory is measured in a process of its own: the peak above what it was with everything
imported and the kernels compiled.
"""

import argparse
import multiprocessing
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from angelshare.metrics.bias import bias_auc_replicates, bias_aucs
from angelshare.stats.compiled import threads
from angelshare.stats.resample import Resampling, group_strata

MEBIBYTE = 2**20


def sample(rows: int, groups: int, models: int, decimals: int | None, seed: int = 0):
    rng = np.random.default_rng(seed)
    positive = rng.random(rows) < 0.08
    member = rng.random((rows, groups)) < rng.uniform(0.005, 0.15, groups)
    latent = rng.normal(size=rows) + 1.8 * positive
    scores = np.stack([latent + 0.3 * (m + 1) * rng.normal(size=rows) for m in range(models)], axis=1)
    return (scores if decimals is None else scores.round(decimals)), positive, member


def plain(frame: pd.DataFrame, groups: list[str]) -> dict[str, tuple[float, float, float]]:
    """The three AUCs of each group, as the definitions read."""

    def auc(rows: pd.DataFrame) -> float:
        return roc_auc_score(rows["label"], rows["score"])

    found = {}
    for group in groups:
        inside, label = frame[group], frame["label"]
        found[group] = (
            auc(frame[inside]),
            auc(frame[(inside & ~label) | (~inside & label)]),
            auc(frame[(inside & label) | (~inside & ~label)]),
        )
    return found


def frame_of(scores: np.ndarray, positive: np.ndarray, member: np.ndarray) -> tuple[pd.DataFrame, list[str]]:
    groups = [f"group_{g}" for g in range(member.shape[1])]
    return pd.DataFrame(member, columns=groups).assign(label=positive, score=scores), groups


def timed(work) -> tuple[float, object]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def warm() -> None:
    scores, positive, member = sample(40_000, 24, 2, 1)
    bias_aucs(scores, positive, member)
    bias_auc_replicates(scores, positive, member, Resampling(positive.astype(np.int64), draws=16))


def points(rows: int, groups: int, rounds: int) -> float:
    scores, positive, member = sample(rows, groups, 1, None)
    frame, names = frame_of(scores[:, 0], positive, member)
    theirs, ours = [], []
    for _ in range(rounds):
        seconds, expected = timed(lambda: plain(frame, names))
        theirs.append(seconds)
        for _ in range(5):
            seconds, found = timed(lambda: bias_aucs(scores[:, 0], positive, member))
            ours.append(seconds)
    got = np.stack([found.subgroup[0], found.bpsn[0], found.bnsp[0]], axis=1)
    gap = np.abs(got - np.array(list(expected.values()))).max()
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(
        f"{3 * groups} bias AUCs, {rows:,} rows: pandas + scikit-learn {statistics.median(theirs):.2f} s, ours "
        f"{1000 * statistics.median(ours):.1f} ms: {ratio:,.0f}x (largest difference {gap:.1e})"
    )
    return ratio


def replicates(rows: int, groups: int, draws: int, naive: int, decimals: int | None) -> float:
    scores, positive, member = sample(rows, groups, 2, decimals)
    resampling = Resampling(group_strata(member, positive), draws=draws, seed=1)
    frame, names = frame_of(scores[:, 0], positive, member)
    rng = np.random.default_rng(0)

    def one() -> None:
        plain(frame.take(rng.integers(0, rows, rows)), names)

    before = [timed(one)[0] for _ in range(-(-naive // 2))]
    ours, _ = timed(lambda: bias_auc_replicates(scores, positive, member, resampling))
    after = [timed(one)[0] for _ in range(naive // 2)]
    each = 2 * statistics.mean(before + after)
    ratio = each * draws / ours
    ties = "" if decimals is None else f", scores rounded to {decimals} decimals"
    print(
        f"{draws:,} paired resamples of two models, {rows:,} rows{ties}: naive {each:.2f} s each (extrapolated from "
        f"{naive} of one model: {each * draws / 3600:,.1f} h), ours {ours:.1f} s in all: {ratio:,.0f}x"
    )
    return ratio


def resident(field: str) -> int:
    """Bytes by /proc: getrusage would count what the parent had before this process was started."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def peak(rows: int, groups: int, models: int, draws: int, answer) -> None:
    warm()
    imported = resident("VmRSS")
    scores, positive, member = sample(rows, groups, models, None)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of making the arrays
    bias_aucs(scores, positive, member)
    if draws:
        strata = group_strata(member, positive)
        bias_auc_replicates(scores, positive, member, Resampling(strata, draws=draws))
    arrays = scores.nbytes + positive.nbytes + member.nbytes
    answer.put((imported, resident("VmHWM"), arrays))


def memory(rows: int, groups: int, models: int, draws: int) -> float:
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=peak, args=(rows, groups, models, draws, answer))
    process.start()
    imported, highest, arrays = answer.get()
    process.join()
    ratio = (highest - imported) / arrays
    what = f"{models} model(s), {draws} resamples" if draws else f"{models} model(s), no resampling"
    print(
        f"memory, {rows:,} rows, {what}: peak {(highest - imported) / MEBIBYTE:.0f} MiB above the imported process, "
        f"arrays {arrays / MEBIBYTE:.0f} MiB: {ratio:.2f}x"
    )
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--groups", type=int, default=24)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--naive", type=int, default=2, help="naive replicates to extrapolate from")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    print(f"{threads()} threads, {options.groups} overlapping groups")
    warm()
    points(options.rows, options.groups, options.rounds)
    replicates(options.rows, options.groups, options.draws, options.naive, decimals=2)
    memory(options.rows, options.groups, 1, 0)
    memory(options.rows, options.groups, 1, 64)
    memory(options.rows, options.groups, 2, 64)


if __name__ == "__main__":
    main()
