"""A step of masked distillation: angelshare against a loop that projects every place and pads to the maximum.

    python benchmarks/encoder_distillation.py [--rows 16] [--steps 8] [--max-length 128] [--layers 3] [--threads 2]

Both take the same steps on the same rows with the same masks and weights, in turns, in float32: forward passes of
teacher and student, the three losses, the backward pass, the optimizer. The peer is what DistilBERT's own code does:
all logits of both models, those of the wanted tokens selected, `kl_div` of their softmaxes. Losses must agree to 1e-5
of their size. Two modes: the KL over all tokens but padding, and over the masked ones. With ANGELSHARE_DATA the texts
are paragraphs of `corpus`, with ANGELSHARE_MODELS the teacher is MiniLM-L6 under a seeded head; without them drawn
words and a small model.
"""

import argparse
import copy
import gzip
import os
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM, PreTrainedModel

from angelshare import runs
from angelshare.models.base import seeded
from angelshare.models.batching import Encoded, encode
from angelshare.models.guesses import guesses
from angelshare.models.words import word_tokenizer
from angelshare.training import encoders, masked_distillation
from angelshare.training.encoder_options import EncoderOptions
from angelshare.training.masked_batch import MaskedBatch
from angelshare.training.masking import Smoothed
from angelshare.training.order import Windows

Step = Callable[[PreTrainedModel, MaskedBatch], torch.Tensor]
CPU = torch.device("cpu")


def paragraphs(count: int) -> list[str]:
    folder = os.environ.get("ANGELSHARE_DATA")
    if folder:
        with gzip.open(Path(folder) / "corpus" / "books.txt.gz", "rt", encoding="utf-8") as stream:
            lines = [line.strip() for line in islice(stream, 200_000) if len(line.split()) > 9]
        return [lines[at] for at in runs.rng(0, "paragraphs").permutation(len(lines))[:count]]
    rng = runs.rng(0, "paragraphs")
    words = [f"word{at}" for at in rng.zipf(1.3, 100_000) % 5_000]
    lengths = np.clip(rng.lognormal(np.log(40), 0.8, count).astype(int), 10, 250)
    return [" ".join(words[at * 250 % 99_000 :][:length]) for at, length in enumerate(lengths)]


def models(texts: list[str], layers: int, length: int) -> tuple:
    folder = os.environ.get("ANGELSHARE_MODELS")
    if folder:
        teacher, tokenizer = encoders.masked(str(Path(folder) / "minilm-l6"), 0)
        plain = seeded(0, "head", make=lambda: type(teacher)(teacher.config))  # without the pooler
        plain.load_state_dict({name: one for name, one in teacher.state_dict().items() if "pooler" not in name})
        teacher = plain
    else:
        tokenizer = word_tokenizer(texts, vocabulary=5_000, max_length=length)
        tokenizer.add_special_tokens({"mask_token": "[MASK]"})
        sizes = {"hidden_size": 128, "num_hidden_layers": 6, "num_attention_heads": 4, "intermediate_size": 512}
        config = BertConfig(vocab_size=30_522, **sizes)
        teacher = seeded(0, "teacher", make=lambda: BertForMaskedLM(config))
    teacher = teacher.eval().requires_grad_(False)
    student = masked_distillation._student(teacher, EncoderOptions(layers=layers, dropout=0.0))
    return teacher, student.train(), tokenizer


def ours(teacher: PreTrainedModel, options: EncoderOptions) -> Step:
    def step(student: PreTrainedModel, batch: MaskedBatch) -> torch.Tensor:
        given = batch.part(np.arange(len(batch.ids)), masked_distillation._over(options), CPU)
        theirs = masked_distillation._answer(teacher, given, options)
        answer = guesses(student, given.inputs, given.places)
        found = masked_distillation._losses(answer, theirs, given, options)
        return torch.stack(list(masked_distillation._shares(found, batch, options).values())).sum()

    return step


def peer(teacher: PreTrainedModel, options: EncoderOptions, length: int, pad: int) -> Step:
    def step(student: PreTrainedModel, batch: MaskedBatch) -> torch.Tensor:
        room = ((0, 0), (0, length - batch.ids.shape[1]))
        ids = torch.from_numpy(np.pad(batch.seen, room, constant_values=pad))
        mask = torch.from_numpy(np.pad(batch.real, room))
        chosen = torch.from_numpy(np.pad(batch.chosen, room))
        truth = torch.where(chosen, torch.from_numpy(np.pad(batch.ids, room)), -100)
        inputs = {"input_ids": ids, "attention_mask": mask.long(), "output_hidden_states": True}
        with torch.no_grad():
            theirs = teacher(**inputs)
        answer = student(**inputs)
        wanted = chosen if options.kl_over == "masked" else mask
        heat = options.temperature
        log_q = functional.log_softmax(answer.logits[wanted] / heat, dim=-1)
        p = functional.softmax(theirs.logits[wanted] / heat, dim=-1)
        kl = functional.kl_div(log_q, p, reduction="batchmean") * heat**2
        mlm = functional.cross_entropy(answer.logits.view(-1, answer.logits.shape[-1]), truth.view(-1))
        states = (answer.hidden_states[-1][mask], theirs.hidden_states[-1][mask])
        cosine = functional.cosine_embedding_loss(*states, torch.ones(len(states[0])))
        return options.kl_weight * kl + options.mlm_weight * mlm + options.cosine_weight * cosine

    return step


def timed(step: Step, student: PreTrainedModel, optimizer: torch.optim.Optimizer, batch: MaskedBatch) -> tuple:
    began, worked = time.perf_counter(), time.process_time()
    loss = step(student, batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item(), (time.perf_counter() - began, time.process_time() - worked)


def compare(mode: str, steps: dict[str, Step], student: PreTrainedModel, batches: list[MaskedBatch]) -> None:
    """Print the ratio of the seconds of all steps; both sides begin each step with the same weights."""
    students = {name: copy.deepcopy(student) for name in steps}
    optimizers = {name: torch.optim.AdamW(one.parameters(), lr=5e-4, eps=1e-6) for name, one in students.items()}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    apart = 0.0
    for number, batch in enumerate(batches):
        found = {}
        for name, step in steps.items():
            found[name], taken = timed(step, students[name], optimizers[name], batch)
            if number:  # the first step sets the optimizer's state up
                seconds[name].append(taken)
        students["peer"].load_state_dict(students["angelshare"].state_dict())
        apart = max(apart, abs(found["peer"] - found["angelshare"]) / abs(found["peer"]))
    taken = {name: np.array(found) for name, found in seconds.items()}
    ratios = taken["peer"][:, 0] / taken["angelshare"][:, 0]
    wall, worked = taken["peer"].sum(0) / taken["angelshare"].sum(0)
    tokens = sum(batch.attended for batch in batches[1:])
    each = ", ".join(f"{name} {tokens / found[:, 0].sum():,.0f} tokens/s" for name, found in taken.items())
    print(
        f"KL over {mode:8}: {wall:.2f}x (by step {ratios.min():.2f}-{ratios.max():.2f}), {worked:.2f}x in seconds of "
        f"the processor; {each}; largest difference of a loss {apart:.1e} of it",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)

    texts = paragraphs(given.rows * given.steps)  # the steps are one pass over them, so all lengths are in
    teacher, student, tokenizer = models(texts, given.layers, given.max_length)
    rows: Encoded = encode(tokenizer, texts, given.max_length)
    counts = np.bincount(rows.tokens, minlength=int(teacher.config.vocab_size))
    mask = Smoothed.of(0.15, 0.7, tokenizer, counts)
    order = Windows(rows.lengths, given.rows, 0)
    numbers = (0, *range(given.steps))  # the first sets everything up, and is not timed
    batches = [MaskedBatch.drawn(rows, order(at), mask, runs.rng(0, "mask", at)) for at in numbers]
    lengths = np.concatenate([batch.real.sum(1) for batch in batches[1:]])
    print(
        f"{given.steps} steps of {given.rows} rows (median {np.median(lengths):.0f} tokens, longest {lengths.max()}; "
        f"the peer pads to {given.max_length}), {teacher.config.num_hidden_layers} to {given.layers} layers of width "
        f"{teacher.config.hidden_size}, vocabulary {teacher.config.vocab_size:,}, {given.threads} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}"
    )
    for mode in ("attended", "masked"):
        options = EncoderOptions(kl_over=mode)
        slow = peer(teacher, options, given.max_length, rows.pad)
        compare(mode, {"peer": slow, "angelshare": ours(teacher, options)}, student, batches)


if __name__ == "__main__":
    main()
