"""Labelling a mixed-length corpus: angelshare against a truncating `transformers` pipeline at batch 64, in one run.

    python benchmarks/labelling.py [--texts 512] [--rounds 3] [--threads 2]

Both score the same texts with the same weights, tokenisation included, in turns; the ratio is that of the best rounds.
The peer is what its users run: `pipeline(texts, batch_size=64, truncation=True)` in float32. With ANGELSHARE_DATA the
texts are posts of Civil Comments as they are, with ANGELSHARE_MODELS the model is MiniLM-L6 under a seeded head.
Without them: words drawn by seed, of lengths like those posts', and a tiny model.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, pipeline

from angelshare import runs
from angelshare.data.catalogue import open_set
from angelshare.models.base import label_settings, seeded
from angelshare.models.classifier import TorchClassifier, computes_bfloat16
from angelshare.models.transformer import from_encoder
from angelshare.models.words import word_tokenizer

LABELS = ("fine", "toxic")
HEAD_SCALE = 50
"""An untrained head gives scores near zero; times this they spread as a trained one's do, and so do differences."""


def corpus(count: int) -> list[str]:
    """Texts of many lengths, in random order: posts where they are at hand, else words."""
    if os.environ.get("ANGELSHARE_DATA"):
        posts, rng = open_set("civil_comments_spans").texts, runs.rng(0, "labelling")
        return [posts[at] for at in rng.permutation(len(posts))[-count:]]  # the first set the size of batches
    return drawn(count)


def drawn(count: int) -> list[str]:
    """Texts of words drawn by seed; their lengths are log-normal with a median of 28 words."""
    rng = runs.rng(0, "labelling")
    words = [f"word{at}" for at in rng.zipf(1.3, 100_000) % 5_000]
    lengths = np.clip(rng.lognormal(np.log(28), 0.9, count).astype(int), 1, 250)
    starts = rng.integers(0, len(words) - 250, count)
    return [" ".join(words[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


def classifier(texts: list[str], precision: str) -> TorchClassifier:
    folder = os.environ.get("ANGELSHARE_MODELS")
    if folder:
        model, tokenizer = from_encoder(str(Path(folder) / "minilm-l6"), labels=LABELS, multilabel=False, seed=0)
    else:
        tokenizer = word_tokenizer(texts, vocabulary=5_000, max_length=512)
        config = BertConfig(hidden_size=128, num_hidden_layers=2, num_attention_heads=4, intermediate_size=512)
        config.update(label_settings(LABELS, False))
        model = seeded(0, "tiny", make=lambda: BertForSequenceClassification(config))
    with torch.no_grad():
        model.classifier.weight.mul_(HEAD_SCALE)
    return TorchClassifier(model, tokenizer, precision=precision)


def peer(ours: TorchClassifier) -> Callable[[list[str]], np.ndarray]:
    scorer = pipeline("text-classification", model=ours.model, tokenizer=ours.tokenizer, device="cpu")

    def score(texts: list[str]) -> np.ndarray:
        rows = scorer(texts, batch_size=64, truncation=True, top_k=None, function_to_apply="none")
        return np.array(
            [[next(one["score"] for one in row if one["label"] == label) for label in LABELS] for row in rows]
        )

    return score


def interleaved(scorers: dict[str, Callable[[list[str]], np.ndarray]], texts: list[str], rounds: int) -> tuple:
    seconds: dict[str, list[float]] = {name: [] for name in scorers}
    scores = {}
    for score in scorers.values():
        score(texts[:64])
    for _ in range(rounds):
        for name, score in scorers.items():
            start = time.perf_counter()
            scores[name] = score(texts)
            seconds[name].append(time.perf_counter() - start)
    return seconds, scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    texts = corpus(options.texts)
    single = classifier(texts, "float32")
    scorers = {"pipeline": peer(single), "angelshare fp32": single.predict_logits}
    if computes_bfloat16(torch.device("cpu")):
        scorers["angelshare bf16"] = classifier(texts, "bfloat16").predict_logits
    lengths = single.tokenizer(texts, truncation=True, max_length=single.max_length)["input_ids"]
    tokens = np.array([len(row) for row in lengths])
    print(
        f"{len(texts):,} texts, {tokens.sum():,} tokens (median {np.median(tokens):.0f}, 90th percentile "
        f"{np.percentile(tokens, 90):.0f}, longest {tokens.max()}), {single.kind} of {single.parameters:,} parameters, "
        f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
    )
    seconds, scores = interleaved(scorers, texts, options.rounds)
    for name, taken in seconds.items():
        ratios = np.array(seconds["pipeline"]) / np.array(taken)
        apart = np.abs(scores[name] - scores["pipeline"]).max()
        print(
            f"{name:16} {len(texts) / min(taken):8.1f} texts/s  best {min(taken):6.2f} s  "
            f"ratio {min(seconds['pipeline']) / min(taken):5.2f}x (by round {ratios.min():.2f}-{ratios.max():.2f})  "
            f"largest difference of a score {apart:.1e} nats"
        )
    if "angelshare bf16" not in scorers:
        print("angelshare bf16  not measured: no AMX or AVX512-BF16 on this processor")


if __name__ == "__main__":
    main()
