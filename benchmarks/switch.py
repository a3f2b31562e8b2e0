"""A switch end to end against its bound, and against the teacher alone, in one run and interleaved.

    python benchmarks/switch.py [--texts 2048] [--rounds 3] [--student DIR --teacher DIR]

The bound is 1 / (share of the teacher's tokens deferred + student's seconds / teacher's), of the same run. Both models
compute in one precision. With ANGELSHARE_DATA the texts are posts of Civil Comments as they are, with ANGELSHARE_MODELS
the teacher is MiniLM-L6 under a seeded head; the student is a seeded `bow` unless others are named.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from labelling import classifier, corpus

from angelshare.models.classifier import TorchClassifier
from angelshare.models.hardness import Confidence
from angelshare.models.loading import load
from angelshare.models.students import build
from angelshare.models.switched import Plan, Switch

SHARES = (0.05, 0.2)
AIM, AIM_ALONE = 0.8, 4.0


def models(options: argparse.Namespace, texts: list[str]) -> tuple[TorchClassifier, TorchClassifier]:
    if options.student and options.teacher:
        return tuple(load(spec, precision=options.precision) for spec in (options.student, options.teacher))
    teacher = classifier(texts, options.precision)
    made = build("bow", labels=teacher.labels, multilabel=False, texts=texts, seed=0)
    return TorchClassifier(*made, precision="float32"), teacher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--student", type=Path)
    parser.add_argument("--teacher", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    texts = corpus(options.texts)
    student, teacher = models(options, texts)
    tokens = np.array(
        [len(row) for row in teacher.tokenizer(texts, truncation=True, max_length=teacher.max_length)["input_ids"]]
    )
    signals = {"margin": Confidence("margin")}
    hardness = Switch(student, teacher, signals, Plan("margin", 0.0)).look(texts).hardness["margin"]
    scorers = {"teacher": teacher.predict_logits, "student": student.predict_logits}
    parts = {}
    for share in SHARES:
        name = f"switch {share:.0%}"
        threshold = float(np.quantile(hardness, 1 - share))
        scorers[name] = Switch(student, teacher, signals, Plan("margin", threshold)).predict_logits
        parts[name] = (float((hardness > threshold).mean()), float(tokens[hardness > threshold].sum() / tokens.sum()))
    seconds: dict[str, list[float]] = {name: [] for name in scorers}
    for score in scorers.values():
        score(texts[:256])
    for _ in range(options.rounds):
        for name, score in scorers.items():
            start = time.perf_counter()
            score(texts)
            seconds[name].append(time.perf_counter() - start)
    best = {name: min(taken) for name, taken in seconds.items()}
    print(
        f"{len(texts):,} texts, {tokens.sum():,} tokens; {student.kind} of {student.parameters:,} parameters and "
        f"{teacher.kind} of {teacher.parameters:,}, {options.precision}, {torch.get_num_threads()} threads"
    )
    for name in ("teacher", "student"):
        print(f"{name:12} {len(texts) / best[name]:10,.0f} texts/s")
    for name, (rows, share) in parts.items():
        bound = 1 / (share + best["student"] / best["teacher"])
        ratio = best["teacher"] / best[name]
        rounds = np.array(seconds["teacher"]) / np.array(seconds[name])
        print(
            f"{name:12} {len(texts) / best[name]:10,.0f} texts/s  {rows:.1%} of rows, {share:.1%} of tokens  "
            f"{ratio:.2f}x the teacher (by round {rounds.min():.2f}-{rounds.max():.2f}), bound {bound:.2f}x: "
            f"{ratio / bound:.0%} of it"
        )
    print(f"Asked: {AIM:.0%} of the bound, and {AIM_ALONE:.0f}x the teacher at 20 %.")


if __name__ == "__main__":
    main()
