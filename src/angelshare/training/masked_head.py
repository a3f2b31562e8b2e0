"""A masked-model head for an encoder that has none, so that it can teach; no weight of the encoder changes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from angelshare import runs
from angelshare.data.tables import Columns
from angelshare.models.batching import Encoded, buckets
from angelshare.models.card import CardFacts
from angelshare.models.guesses import guesses
from angelshare.training import corpus, encoders, selection
from angelshare.training.encoder_options import INITIALIZER, HeadOptions
from angelshare.training.engine import DEV_TOKENS, Run
from angelshare.training.masked_batch import MaskedBatch
from angelshare.training.masking import Masker, Smoothed
from angelshare.training.order import Windows
from angelshare.training.outputs import public_name, store
from angelshare.training.ranks import ranks
from angelshare.training.workplace import Workplace

__all__ = ["train_head"]


def train_head(
    encoder: str | Path,
    texts: corpus.Given | Sequence[corpus.Given],
    *,
    out: str | Path,
    columns: Columns | None = None,
    options: HeadOptions | None = None,
) -> Path:
    """Train a head to guess masked words from the states of an encoder, of which no weight changes.

    Parameters
    ----------
    encoder : directory or hub id of an encoder without such a head.
    texts : a corpus, or one store that was made of it before.
    out : the masked model's directory to make; its store is kept beside it, as `NAME.tokens`.

    Raises
    ------
    DataError : there is too little to read, or `out` was made from other data or options.
    ModelError : it cannot be loaded, or has a head.
    TrainingError : a loss or gradient is not finite; names the sequences.
    """
    options, processes = options or HeadOptions(), ranks()
    found = corpus.Corpus.of(texts, columns)
    facts = {
        "command": "train-head",
        "encoder": encoders.fingerprint(encoder),
        "corpus": found.digests,
        "options": options.facts(),
    }
    with processes.main_process_first():
        place = Workplace(out, facts)
    if place.finished:
        runs.verify(place.out)
        return place.out
    with place.preparing():
        model, tokenizer = encoders.headless(str(encoder), options.seed, INITIALIZER)
        tokens = found.opened(place.out.with_name(f"{place.out.name}.tokens"), model, tokenizer, options.corpus)
    mask = Smoothed.of(options.masked, options.smoothing, tokenizer, tokens.counts)
    train, sequences = options.training, corpus.encoded(tokens.train, tokenizer)
    order = Windows(sequences.lengths, train.batch_size, options.seed, train.accumulate)
    steps = options.steps or train.epochs * order.steps
    run = Run(
        model,
        lengths=sequences.lengths,
        ids=range(len(sequences)),
        options=train,
        seed=options.seed,
        work=place.work / "head",
        title="head",
        steps=steps,
        evaluate_every=max(1, steps // options.evaluations),
        order=order,
        whole_batches=True,
    )
    dev = corpus.some(corpus.encoded(tokens.dev, tokenizer), options.dev_tokens, runs.rng(options.seed, "dev"))
    for rows in run.batches():
        batch = MaskedBatch.drawn(sequences, rows, mask, runs.rng(options.seed, "mask", run.step))
        for part in run.parts(len(rows)):
            given = batch.part(part.rows, "masked", run.device)
            with run.forward(part):
                run.inner.base_model.eval()  # it is not trained, so nothing of it is dropped
                logits = guesses(run.model, given.inputs, given.places).logits
            loss = functional.cross_entropy(logits.float(), given.truth, reduction="sum")
            run.backward({"mlm": loss / batch.masked}, part)
        run.update(rows)
        if run.evaluation_due:
            run.assess(_assess(run, dev, mask, options.seed))
    run.restore_best()
    if processes.is_main_process:
        made = place.work / "head" / "made"
        training = {"role": "encoder: head", "sequences": len(tokens.train), "tokens": tokens.facts["tokens"]}
        store(run, tokenizer, made, card=_card(run, encoder, options, len(sequences)), facts=facts, training=training)
        place.publish({"": made})
    processes.wait_for_everyone()
    return place.out


def _assess(run: Run, dev: Encoded, mask: Masker, seed: int) -> selection.DevScore:
    total, count = 0.0, 0
    run.inner.eval()
    with torch.inference_mode(), torch.autocast(run.device.type, torch.bfloat16, enabled=run.autocast):
        for number, rows in enumerate(buckets(dev.lengths, DEV_TOKENS)):
            batch = MaskedBatch.drawn(dev, rows, mask, runs.rng(seed, "dev mask", number))
            given = batch.part(np.arange(len(rows)), "masked", run.device)
            logits = guesses(run.inner, given.inputs, given.places).logits
            total += float(functional.cross_entropy(logits.float(), given.truth, reduction="sum"))
            count += given.masked
    run.inner.train()
    return selection.of_masked(total / count)


def _card(run: Run, encoder: str | Path, options: HeadOptions, sequences: int) -> CardFacts:
    assert run.best is not None  # the last step is always assessed
    return CardFacts(
        name=f"{public_name(encoder)}, with a masked-model head",
        kind=str(run.inner.config.model_type),
        role="encoder: head",
        parameters=run.parameters,
        base_model=str(encoder),
        data=[f"{sequences:,} sequences"],
        losses={"mlm": "cross-entropy of masked tokens; no weight of the encoder changed"},
        seeds=[options.seed],
        settings=options.facts(),
        results={"dev perplexity": -run.best.value},
    )
