"""A teacher out of an encoder and golden labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from angelshare import losses
from angelshare.data.tables import Columns, Table, read, require_classes
from angelshare.errors import DataError, ModelError
from angelshare.models.batching import encode
from angelshare.models.card import CardFacts
from angelshare.models.classifier import default_max_length, reads_types
from angelshare.training import encoders, selection
from angelshare.training.engine import Run, TrainOptions
from angelshare.training.outputs import finished, public_name, store
from angelshare.training.rows import Rows, aligned, golden_rows, table_digest
from angelshare.training.workplace import Workplace

if TYPE_CHECKING:
    from angelshare.models.classifier import TorchClassifier

__all__ = ["FinetuneOptions", "finetune", "learnable"]


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions:
    """How to make a teacher.

    Attributes
    ----------
    pooling : mean over the tokens' states, or cls: the encoder's own classification head on its first token.
    class_weights : weigh rarer labels up, to the same share of the loss each.
    max_length : tokens a text is cut to.
    dev_fraction : share of the training rows held out by hashed id where no dev table is given.
    """

    pooling: Literal["mean", "cls"] = "mean"
    class_weights: bool = False
    max_length: int = 256
    dev_fraction: float = 0.1
    seed: int = 0
    training: TrainOptions = field(
        default_factory=lambda: TrainOptions(learning_rate=1e-4, batch_size=32, epochs=4, patience=2)
    )

    def __post_init__(self) -> None:
        if self.pooling not in ("mean", "cls"):
            raise ModelError(f"The pooling must be mean or cls. Got '{self.pooling}' instead.")

    def facts(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name != "training"}
        return {**own, **self.training.facts()}


def finetune(
    encoder: str | Path,
    train: Table | str | Path,
    *,
    out: str | Path,
    dev: Table | str | Path | None = None,
    columns: Columns | None = None,
    options: FinetuneOptions | None = None,
) -> "TorchClassifier":
    """Fine-tune an encoder on golden labels; the weights of the best dev score are kept.

    Rows may be pairs of texts, and have numbers to predict instead of labels: then the loss is their squared error.

    Parameters
    ----------
    encoder : directory or hub id.
    train, dev : tables, or files read with `columns`. Without `dev`, a hashed share of `train` is held out.
    out : the model directory to make. Run again after an interruption, it goes on from the newest valid checkpoint.

    Raises
    ------
    DataError : `train` has one class only, or `out` was made from other data or options.
    TrainingError : a loss or gradient is not finite; names the rows.
    """
    options = options or FinetuneOptions()
    table, held = learnable(train, dev, columns, options)
    place = Workplace(out, _facts(encoder, table, held, options))
    if place.finished:
        return finished(place.out, regression=table.regression)
    spec = encoders.Spec(
        str(encoder), options.pooling, table.labels, table.multilabel, options.seed, regression=table.regression
    )
    with place.preparing():
        model, tokenizer = encoders.build(spec)
    limit = min(options.max_length, default_max_length(model, tokenizer))
    tokenizer.model_max_length = limit
    rows = golden_rows(table)
    texts, dev_texts = (encode(tokenizer, each.inputs, limit, typed=reads_types(model)) for each in (table, held))
    targets = torch.from_numpy(rows.targets)
    balance = _class_weights(rows) if options.class_weights else None
    run = Run(
        model,
        lengths=texts.lengths,
        ids=rows.ids,
        options=options.training,
        seed=options.seed,
        work=place.work / "teacher",
        title="teacher",
    )
    weights = torch.from_numpy(rows.weights).to(run.device)
    targets = targets.to(run.device)
    balance = None if balance is None else balance.to(run.device)
    for batch in run.batches():
        at = torch.from_numpy(batch).to(run.device)
        with run.forward():
            logits = run.model(**texts.batch(batch, run.device)).logits
            golden = _loss(table, logits, targets[at], balance, weights[at])
        run.descend(batch, {"golden": golden})
        if run.evaluation_due:
            run.assess(_assessed(held, run.score(dev_texts)))
    run.restore_best()
    training = {"role": "teacher", "rows": len(rows), "dev_rows": len(held)}
    made = place.work / "teacher" / "made"
    store(run, tokenizer, made, card=_card(run, encoder, table, options), facts=place.facts, training=training)
    place.publish({"": made})
    return finished(place.out, regression=table.regression)


def learnable(
    train: Table | str | Path, dev: Table | str | Path | None, columns: Columns | None, options: FinetuneOptions
) -> tuple[Table, Table]:
    """The rows to learn from and those that choose the checkpoint; raises DataError where nothing can be learnt."""
    table = train if isinstance(train, Table) else read(train, columns, pairs=True)
    require_classes(table)
    if table.regression and options.class_weights:
        raise DataError(f"{table.source} has numbers to predict, and no classes to weigh. Leave --class-weights out.")
    if dev is None:
        table, held = table.split(options.dev_fraction, options.seed)
        require_classes(table)
        return table, held
    held = dev if isinstance(dev, Table) else read(dev, columns, names=table.labels, pairs=True)
    if (held.pairs is None, held.regression) != (table.pairs is None, table.regression):
        raise DataError(f"{held.source} must have texts and labels of the same kind as {table.source}. Give such rows.")
    return table, aligned(held, table.labels, table.multilabel)


def _facts(encoder: str | Path, train: Table, dev: Table, options: FinetuneOptions) -> Mapping[str, Any]:
    return {
        "command": "finetune",
        "encoder": encoders.fingerprint(encoder),
        "train": table_digest(train),
        "dev": table_digest(dev),
        "options": options.facts(),
    }


def _card(run: Run, encoder: str | Path, table: Table, options: FinetuneOptions) -> CardFacts:
    return CardFacts(
        name=f"{public_name(encoder)}, fine-tuned",
        kind="transformer",
        labels=() if table.regression else table.labels,
        multilabel=table.multilabel,
        role="teacher",
        parameters=run.parameters,
        base_model=str(encoder),
        data=[f"{len(table):,} golden rows ({table.name})"],
        losses={"golden": _loss_name(table)},
        seeds=[options.seed],
        settings=options.facts(),
        results=run.results(),
    )


def _class_weights(rows: Rows) -> Tensor:
    """Single-label: rows / (labels * rows of the label). Multi-label: negatives / positives, for the positive part."""
    mass = rows.targets.astype(np.float64).sum(0)
    if rows.multilabel:
        return torch.from_numpy(((len(rows) - mass) / np.maximum(mass, 1e-6)).astype(np.float32))
    share = np.where(mass > 0, len(rows) / (np.count_nonzero(mass) * np.maximum(mass, 1e-6)), 0)
    return torch.from_numpy(share.astype(np.float32))


def _loss_name(table: Table) -> str:
    if table.regression:
        return "squared error"
    return "binary cross-entropy" if table.multilabel else "cross-entropy"


def _assessed(held: Table, scores: np.ndarray) -> selection.DevScore:
    targets = golden_rows(held).targets
    if held.regression:
        return selection.of_numbers(scores, targets)
    return selection.against_gold(scores, targets, held.multilabel)


def _loss(table: Table, logits: Tensor, targets: Tensor, balance: Tensor | None, weights: Tensor) -> Tensor:
    if table.regression:
        error: Tensor = losses.logits_mse(logits, targets, weights)
        return error
    on_labels = losses.golden_bce if table.multilabel else losses.golden_cross_entropy
    found: Tensor = on_labels(logits, targets, balance, weights)
    return found
