"""Making a transfer set through each executor: this process, two processes, two Ray workers, in turns.

    python benchmarks/executors.py [--teacher DIR] [--texts 672] [--rounds 2] [--workers 2]

Two teachers. A transformer tells what scoring costs: --teacher, or the model of `labelling.py`, which also says what
the texts are. One that answers at once tells what all the rest costs the command's own process, which no number of
workers makes faster: texts read and hashed, near-duplicates and the leakage guard, rows chosen, shards written.

A rate is that of `label` from a Parquet file to a finished set without its first shards: by then every worker has
loaded the teacher, since none runs further ahead of another. The rest of the time is the start.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from angelshare.data.sampling import Selection
from angelshare.training.executors import WINDOW, ExecutorOptions, Named
from angelshare.training.label import LabelOptions, label

SHARD = 48
"""Rows a shard: few, so that a short run has many shards."""


class Instant:
    """Answers at once. One text in 200 or so is toxic, by its length."""

    fingerprint, labels, multilabel = "instant", ("fine", "toxic"), False

    def predict_logits(self, texts: list[str]) -> np.ndarray:
        lengths = np.array([len(text) for text in texts])
        odds = np.where(lengths % 200 == 0, 1.0, -1.0) * (1 + lengths % 7)
        return np.stack([-odds, odds], axis=1).astype(np.float32)


INSTANT = Named("executors:Instant", allow_code=True)


def made(teacher: Named, texts: Path, options: LabelOptions, skipped: int) -> tuple[float, float]:
    """(texts a second after the shards `skipped`, seconds of the start) of one transfer set."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "transfer"
        began = time.time()
        found = label(teacher, texts, out, options=options)
        ended = time.time()
        if options.selection is not None:  # its shards are written at the end
            return found.manifest["pool"]["scored"] / (ended - began), 0.0
        first = (out / f"shard-{skipped - 1:05d}.parquet").stat().st_mtime
        rate = (found.count - skipped * options.shard_rows) / (ended - first)
        return rate, ended - began - found.count / rate


def interleaved(
    teacher: Named, texts: Path, kinds: dict[str, LabelOptions], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    skipped = WINDOW * max(options.executor.workers for options in kinds.values())
    for _ in range(rounds):
        for name, options in kinds.items():
            taken[name].append(made(teacher, texts, options, skipped))
    return taken


def show(taken: dict[str, list[tuple[float, float]]]) -> None:
    first = np.array(next(iter(taken.values())))[:, 0]
    for name, pairs in taken.items():
        rates, starts = np.array(pairs).T
        ratios = rates / first
        print(
            f"{name:32} {np.median(rates):10,.1f} texts/s  {1e6 / np.median(rates):9.1f} us a text  ratio "
            f"{np.median(ratios):5.2f}x (by round {ratios.min():.2f}-{ratios.max():.2f})  "
            f"start {np.median(starts):5.1f} s",
            flush=True,
        )


def written(folder: Path, name: str, texts: list[str]) -> Path:
    pq.write_table(pa.table({"text": texts}), folder / name)
    return folder / name


def executors(workers: int, rows: int) -> dict[str, LabelOptions]:
    kinds = {"serial": ExecutorOptions()}
    kinds |= {
        f"{kind}, {workers} workers": ExecutorOptions(kind=kind, workers=workers) for kind in ("processes", "ray")
    }
    return {name: LabelOptions(shard_rows=rows, executor=kind) for name, kind in kinds.items()}


def parts(audit: Path, rows: int) -> dict[str, LabelOptions]:
    """What is done to the rows of one process, beside scoring."""
    with_guard = {"not_in": [(audit, None)], "distinct": True}
    plain = {"shard_rows": rows, "executor": ExecutorOptions()}
    return {
        "all rows": LabelOptions(**plain),
        "--distinct --not-in": LabelOptions(**plain, **with_guard),
        "--count --balance": LabelOptions(**plain, selection=Selection(count=100)),
        "--count --distinct --not-in": LabelOptions(**plain, **with_guard, selection=Selection(count=100)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", help="a model directory")
    parser.add_argument("--texts", type=int, default=14 * SHARD, help="texts for the teacher")
    parser.add_argument("--instant", type=int, default=40_000, help="texts for the teacher that answers at once")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()

    import torch  # here, since the workers of the instant teacher import this file
    from labelling import classifier, corpus, drawn

    torch.set_num_threads(1)
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))

    with tempfile.TemporaryDirectory() as name:
        folder, texts = Path(name), corpus(options.texts)
        model = classifier(texts, "float32")
        teacher = Named(options.teacher or str(folder / "teacher"))
        if options.teacher is None:
            model.model.save_pretrained(teacher.spec)
            model.tokenizer.save_pretrained(teacher.spec)
        asked = teacher.load()
        tokens = asked.tokenizer(texts, truncation=True, max_length=asked.max_length)["input_ids"]
        mean = np.mean([len(row) for row in tokens])
        print(
            f"{len(texts):,} texts of {mean:.1f} tokens on average, {asked.kind} of {asked.parameters:,} "
            f"parameters, one thread a worker, {torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores"
        )
        posts = written(folder, "posts.parquet", texts)
        show(interleaved(teacher, posts, executors(options.workers, SHARD), options.rounds))

        many = drawn(options.instant)
        print(f"\n{len(many):,} texts of {np.mean([len(text) for text in many]):.0f} characters, answered at once")
        pool, audit = written(folder, "pool.parquet", many), written(folder, "audit.parquet", drawn(2_000))
        show(interleaved(INSTANT, pool, executors(options.workers, 2048), options.rounds))
        print("\nThe same in one process, by what is done beside scoring")
        show(interleaved(INSTANT, pool, parts(audit, 2048), options.rounds))


if __name__ == "__main__":
    main()
