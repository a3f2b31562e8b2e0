"""A masked model with fewer layers out of a bigger one: DistilBERT's distillation, one visible loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from angelshare import losses, runs
from angelshare.data.tables import Columns
from angelshare.data.tokens import TokenStore
from angelshare.mitigate.mixup import Answer, shares, taught
from angelshare.mitigate.tokenpairs import TokenPairs
from angelshare.models.batching import Encoded, buckets
from angelshare.models.card import CardFacts
from angelshare.models.guesses import Guesses, guesses, states
from angelshare.models.transformer import depth, spread, truncate
from angelshare.training import corpus, encoders, selection
from angelshare.training.encoder_options import INITIALIZER, EncoderOptions
from angelshare.training.engine import Run
from angelshare.training.masked_batch import Given, MaskedBatch
from angelshare.training.masking import Masker, Smoothed
from angelshare.training.order import Windows
from angelshare.training.outputs import public_name, store
from angelshare.training.ranks import ranks
from angelshare.training.workplace import Workplace

__all__ = ["distil_encoder"]

DEV_TOKENS = 2_048
"""Padded tokens a batch when the dev part is assessed: both models answer each with the whole vocabulary."""


def distil_encoder(
    teacher: str | Path,
    texts: corpus.Given | Sequence[corpus.Given],
    *,
    out: str | Path,
    columns: Columns | None = None,
    options: EncoderOptions | None = None,
) -> Path:
    """Distil a masked model into one of fewer layers; the weights of the best dev perplexity are kept.

    The student starts from the teacher's layers, embeddings and head. Masks are drawn for each whole step from
    (seed, step), so several processes (torchrun, accelerate) learn what one does.

    Parameters
    ----------
    teacher : directory or hub id of a masked model whose head was trained.
    texts : a corpus: files, `hub:` or `set:` names, tables; or one store that was made of it before.
    out : the student's directory to make. Its store is kept beside it, as `NAME.tokens`. Run again after an
        interruption, it goes on from the newest valid checkpoint.

    Raises
    ------
    DataError : there is too little to read, or `out` was made from other data or options.
    ModelError : the teacher has no trained head, or not the layers asked for; or its tokenizer has other numbers of
        tokens for the words of a pair.
    TrainingError : a loss or gradient is not finite; names the sequences.
    """
    options, processes = options or EncoderOptions(), ranks()
    found = corpus.Corpus.of(texts, columns)
    facts = {
        "command": "distil-encoder",
        "teacher": encoders.fingerprint(teacher),
        "corpus": found.digests,
        "options": options.facts(),
    }
    with processes.main_process_first():
        place = Workplace(out, facts)
    if place.finished:
        runs.verify(place.out)
        return place.out
    with place.preparing():
        model, tokenizer = encoders.teacher(str(teacher))
        student = _student(model, options)
        pairs = None if options.mixup is None else TokenPairs.of(options.mixup.pairs, tokenizer)
        tokens = found.opened(place.out.with_name(f"{place.out.name}.tokens"), model, tokenizer, options.corpus)
    job = _Job(model, tokenizer, tokens, options, pairs)
    run = _train(job, student, place.work / "student")
    if processes.is_main_process:
        made = place.work / "student" / "made"
        training = {"role": "encoder: student", "sequences": len(tokens.train), "tokens": tokens.facts["tokens"]}
        store(run, tokenizer, made, card=_card(job, run, teacher), facts=place.facts, training=training)
        place.publish({"": made})
    processes.wait_for_everyone()
    return place.out


@dataclass(frozen=True, eq=False)
class _Job:
    teacher: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    tokens: TokenStore
    options: EncoderOptions
    pairs: TokenPairs | None


def _student(teacher: PreTrainedModel, options: EncoderOptions) -> PreTrainedModel:
    total = depth(teacher)
    layers = options.layers if options.layers is not None else max(total // 2, 1)
    settings: dict[str, Any] = {"initializer_range": INITIALIZER}
    if options.dropout is not None:
        names = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")
        settings |= dict.fromkeys(names, options.dropout)
    chosen = spread(total, layers) if isinstance(layers, int) and total else layers
    return truncate(teacher, chosen, settings).requires_grad_(True)


def _train(job: _Job, student: PreTrainedModel, work: Path) -> Run:
    """The loop."""
    options, train = job.options, job.options.training
    texts = corpus.encoded(job.tokens.train, job.tokenizer)
    mask = Smoothed.of(options.masked, options.smoothing, job.tokenizer, job.tokens.counts)
    order = Windows(texts.lengths, train.batch_size, options.seed, train.accumulate)
    steps = options.steps or train.epochs * order.steps
    run = Run(
        student,
        lengths=texts.lengths,
        ids=range(len(texts)),
        options=train,
        seed=options.seed,
        work=work,
        title="student",
        steps=steps,
        evaluate_every=max(1, steps // options.evaluations),
        order=order,
        whole_batches=True,
    )
    teacher = job.teacher.to(run.device)
    dev = corpus.encoded(job.tokens.dev, job.tokenizer)
    dev = corpus.some(dev, options.dev_tokens, runs.rng(options.seed, "dev"))
    for rows in run.batches():
        batch = MaskedBatch.drawn(texts, rows, mask, runs.rng(options.seed, "mask", run.step))
        if options.mixup is not None:
            drawn = shares(options.mixup.alpha, len(rows), runs.rng(options.seed, "mixup", run.step))
            batch = replace(batch, pairs=job.pairs, shares=drawn)
        for part in run.parts(len(rows)):
            given = batch.part(part.rows, _over(options), run.device)
            with run.forward(part):
                theirs = _answer(teacher, given, options)
                ours = guesses(run.model, _read(run.inner, given, options), given.places)
                found = _losses(ours, theirs, given, options)
            run.backward(_shares(found, batch, options), part)
        run.update(rows)
        if run.evaluation_due:
            run.assess(_assess(run, teacher, dev, mask, options))
    run.restore_best()
    return run


def _over(options: EncoderOptions) -> str:
    """Which tokens pass the vocabulary's matrix: no more than a loss needs."""
    return "attended" if options.kl_weight and options.kl_over == "attended" else "masked"


def _read(student: PreTrainedModel, given: Given, options: EncoderOptions) -> dict[str, Tensor]:
    """What the student reads: the masked sequences, or their embeddings with those of pair words mixed."""
    if options.mixup is None or given.mixed is None or "input" not in options.mixup.parts:
        return given.inputs
    ids, mask = given.inputs["input_ids"], given.inputs["attention_mask"]
    return {"inputs_embeds": given.mixed.inputs(student.get_input_embeddings(), ids), "attention_mask": mask}


def _answer(teacher: PreTrainedModel, given: Given, options: EncoderOptions) -> Guesses | None:
    """The teacher's answer to what a loss asks of it, mixed as wanted; None where no loss asks."""

    def ask(ids: Tensor, mask: Tensor, places: Tensor) -> Answer:
        inputs = {"input_ids": ids, "attention_mask": mask}
        if not options.kl_weight:
            return torch.zeros(0, 0), states(teacher, inputs)
        found = guesses(teacher, inputs, places)
        return found.logits, found.states

    if not options.asks_teacher:
        return None
    ids, mask = given.inputs["input_ids"], given.inputs["attention_mask"]
    parts = () if options.mixup is None else options.mixup.parts
    with torch.no_grad():
        return Guesses(*taught(given.mixed, parts, ask(ids, mask, given.places), given.places, mask, ask))


def _losses(ours: Guesses, theirs: Guesses | None, given: Given, options: EncoderOptions) -> dict[str, Tensor]:
    """Sums over the part's tokens, nats: `kl` with T squared, `mlm`, and `cosine`; those that are weighed above 0."""
    found: dict[str, Tensor] = {}
    if theirs is not None and options.kl_weight:
        kl, mlm = losses.distillation_sums(ours.logits, theirs.logits, given.truth, options.temperature)
        found = {"kl": kl, "mlm": mlm}
    else:
        found["mlm"] = functional.cross_entropy(ours.logits.float(), given.truth, reduction="sum")
    if theirs is not None and options.cosine_weight:
        attention = given.inputs["attention_mask"]
        found["cosine"] = losses.hidden_cosine(ours.states, theirs.states, attention) * given.attended
    return {name: value for name, value in found.items() if _weights(options)[name]}


def _weights(options: EncoderOptions) -> dict[str, float]:
    return {"kl": options.kl_weight, "mlm": options.mlm_weight, "cosine": options.cosine_weight}


def _shares(found: Mapping[str, Tensor], batch: MaskedBatch, options: EncoderOptions) -> dict[str, Tensor]:
    """Weighed, and divided by the tokens of the whole step: over all parts and processes they add up to its losses."""
    tokens = {"kl": batch.counted(_over(options)), "mlm": batch.masked, "cosine": batch.attended}
    weights = _weights(options)
    return {name: value * (weights[name] / tokens[name]) for name, value in found.items()}


def _assess(
    run: Run, teacher: PreTrainedModel, dev: Encoded, mask: Masker, options: EncoderOptions
) -> selection.DevScore:
    """Perplexity, and the KL and cosine to the teacher, of the dev tokens; the same masks every time."""
    sums, counts = dict.fromkeys(("mlm", "kl", "cosine"), 0.0), dict.fromkeys(("mlm", "kl", "cosine"), 0)
    run.inner.eval()
    with torch.inference_mode(), torch.autocast(run.device.type, torch.bfloat16, enabled=run.autocast):
        for number, rows in enumerate(buckets(dev.lengths, DEV_TOKENS)):
            batch = MaskedBatch.drawn(dev, rows, mask, runs.rng(options.seed, "dev mask", number))
            given = batch.part(np.arange(len(rows)), options.kl_over, run.device)
            theirs, ours = (guesses(model, given.inputs, given.places) for model in (teacher, run.inner))
            kl, mlm = losses.distillation_sums(ours.logits, theirs.logits, given.truth, options.temperature)
            apart = losses.hidden_cosine(ours.states, theirs.states, given.inputs["attention_mask"]) * given.attended
            for name, value, tokens in (
                ("mlm", mlm, given.masked),
                ("kl", kl, given.counted(options.kl_over)),
                ("cosine", apart, given.attended),
            ):
                sums[name] += float(value)
                counts[name] += tokens
    run.inner.train()
    means = {name: sums[name] / max(counts[name], 1) for name in sums}
    return selection.of_masked(means["mlm"], kl=means["kl"], cosine=means["cosine"])


def _card(job: _Job, run: Run, teacher: str | Path) -> CardFacts:
    options, best = job.options, run.best
    assert best is not None  # the last step is always assessed
    names = {"kl": f"KL at temperature {options.temperature}, {options.kl_over} tokens", "mlm": "masked tokens"}
    return CardFacts(
        name=f"{public_name(teacher)}, distilled to {depth(run.inner)} layers",
        kind=str(run.inner.config.model_type),
        role="encoder: student",
        parameters=run.parameters,
        teacher=public_name(teacher),
        teacher_fingerprint=encoders.fingerprint(teacher),
        data=[f"{len(job.tokens.train):,} sequences of a corpus of {job.tokens.facts['tokens']:,} tokens"],
        losses={names.get(name, name): weight for name, weight in _weights(options).items() if weight},
        seeds=[options.seed],
        settings=options.facts(),
        results={"dev perplexity": -best.value, **{f"dev {name}": value for name, value in best.others.items()}},
    )
