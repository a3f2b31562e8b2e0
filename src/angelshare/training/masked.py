"""An encoder trained further on texts as a masked model: what comes before fine-tuning a teacher for a domain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from angelshare import runs
from angelshare.data.tables import Columns, Table, read
from angelshare.errors import DataError, ModelError
from angelshare.models.batching import Encoded, buckets, encode
from angelshare.models.card import CardFacts
from angelshare.models.classifier import default_max_length
from angelshare.models.guesses import guesses
from angelshare.progress import say
from angelshare.training import encoders, selection
from angelshare.training.engine import DEV_TOKENS, Run, TrainOptions
from angelshare.training.masking import Masking
from angelshare.training.outputs import public_name, store
from angelshare.training.rows import table_digest
from angelshare.training.workplace import Workplace

__all__ = ["MaskedOptions", "pretrain"]


@dataclass(frozen=True, kw_only=True)
class MaskedOptions:
    """How to train a masked model.

    Attributes
    ----------
    share : of the tokens that are masked, each with the same chance.
    max_length : tokens a text is cut to.
    dev_fraction : share of the texts held out by hashed id where no dev texts are given.
    """

    share: float = 0.15
    max_length: int = 256
    dev_fraction: float = 0.05
    seed: int = 0
    training: TrainOptions = field(
        default_factory=lambda: TrainOptions(learning_rate=1e-4, batch_size=32, epochs=3, patience=2)
    )

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ModelError(f"The share of masked tokens must be between 0 and 1. Got {self.share} instead.")

    def facts(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name != "training"}
        return {**own, **self.training.facts()}


def pretrain(
    encoder: str | Path,
    pool: Table | str | Path | Sequence[Table | str | Path],
    *,
    out: str | Path,
    dev: Table | str | Path | None = None,
    columns: Columns | None = None,
    options: MaskedOptions | None = None,
) -> Path:
    """Train an encoder further on texts, as a masked model; the weights of the best dev perplexity are kept.

    Masks are drawn anew at every step, from (seed, step); those of the dev texts stay the same.

    Parameters
    ----------
    encoder : directory or hub id. One without a masked-model head gets a new one, tied to its embeddings.
    pool : tables or files of texts; each text is read once.
    out : the encoder's directory to make, with its head; `finetune` takes it. Run again after an interruption, it goes
        on from the newest valid checkpoint.

    Raises
    ------
    DataError : there is nothing to read, or `out` was made from other data or options.
    ModelError : the encoder cannot be loaded, or has no mask.
    TrainingError : a loss or gradient is not finite; names the rows.
    """
    options = options or MaskedOptions()
    table, held = _tables(pool, dev, columns, options)
    place = Workplace(out, _facts(encoder, table, held, options))
    if place.finished:
        runs.verify(place.out)
        return place.out
    with place.preparing():
        model, tokenizer = encoders.masked(str(encoder), options.seed)
        masking = Masking.of(options.share, tokenizer, int(model.config.vocab_size))
        limit = min(options.max_length, default_max_length(model, tokenizer))
        rows, texts = _readable(table, encode(tokenizer, table.texts, limit), masking)
        dev_texts = _readable(held, encode(tokenizer, held.texts, limit), masking)[1]
    run = Run(
        model,
        lengths=texts.lengths,
        ids=rows,
        options=options.training,
        seed=options.seed,
        work=place.work / "encoder",
        title="encoder",
    )
    for batch in run.batches():
        seen, truth, places = _masked(texts, batch, masking, runs.rng(options.seed, "mask", run.step), run.device)
        with run.forward():
            logits = guesses(run.model, seen, places).logits
        run.descend(batch, {"masked": functional.cross_entropy(logits.float(), truth)})
        if run.evaluation_due:
            run.assess(selection.of_masked(_dev_loss(run, dev_texts, masking, options.seed)))
    run.restore_best()
    made = place.work / "encoder" / "made"
    training = {"role": "encoder", "rows": len(rows), "dev_rows": len(dev_texts), "dev_perplexity": _perplexity(run)}
    store(run, tokenizer, made, card=_card(run, encoder, len(rows), options), facts=place.facts, training=training)
    place.publish({"": made})
    return place.out


def _masked(
    texts: Encoded, index: np.ndarray, masking: Masking, rng: np.random.Generator, device: torch.device
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """What the model reads, the tokens it must guess, and where they stand, counted through the rows."""
    batch = texts.batch(index)
    ids, real = batch["input_ids"].numpy(), batch["attention_mask"].numpy().astype(bool)
    seen, chosen = masking(ids, real, rng)
    inputs = {"input_ids": torch.from_numpy(seen), "attention_mask": batch["attention_mask"]}
    moved = {name: value.to(device) for name, value in inputs.items()}
    return moved, torch.from_numpy(ids[chosen]).to(device), torch.from_numpy(np.flatnonzero(chosen)).to(device)


def _dev_loss(run: Run, texts: Encoded, masking: Masking, seed: int) -> float:
    """Mean over the masked tokens, nats; the same masks every time."""
    total, count = 0.0, 0
    run.inner.eval()
    with torch.inference_mode():
        for number, index in enumerate(buckets(texts.lengths, DEV_TOKENS)):
            seen, truth, places = _masked(texts, index, masking, runs.rng(seed, "dev mask", number), run.device)
            logits = guesses(run.inner, seen, places).logits
            total += float(functional.cross_entropy(logits.float(), truth, reduction="sum"))
            count += len(truth)
    run.inner.train()
    return total / count


def _tables(
    pool: Table | str | Path | Sequence[Table | str | Path],
    dev: Table | str | Path | None,
    columns: Columns | None,
    options: MaskedOptions,
) -> tuple[Table, Table]:
    """Every text of the pool once, without those of the dev texts; and the dev texts."""
    plain = None if columns is None else Columns(text=columns.text, id=columns.id)
    sources = [pool] if isinstance(pool, Table | str | Path) else list(pool)
    tables = [source if isinstance(source, Table) else read(source, plain) for source in sources]
    held = dev if dev is None or isinstance(dev, Table) else read(dev, plain)
    apart = set() if held is None else set(held.texts)
    kept = {text: name for table in tables for name, text in _named(table, len(tables) > 1) if text not in apart}
    names = " and ".join(table.name for table in tables)
    whole = Table(names, names, np.array(list(kept.values()), dtype=object), list(kept))
    if not len(whole):
        raise DataError(f"{names} has no text that is not a dev text. Give more, or other dev texts.")
    return whole.split(options.dev_fraction, options.seed) if held is None else (whole, held)


def _named(table: Table, several: bool) -> Iterator[tuple[str, str]]:
    names = (f"{table.name}:{name}" if several else str(name) for name in table.ids)
    return zip(names, table.texts, strict=True)


def _readable(table: Table, texts: Encoded, masking: Masking) -> tuple[np.ndarray, Encoded]:
    """Ids and tokens of the rows that have a token to guess."""
    able = ~masking.special[texts.tokens[: int(texts.lengths.sum())]]
    ends = texts.starts + texts.lengths
    kept = np.diff(np.append(0, np.cumsum(able))[np.stack((texts.starts, ends))], axis=0)[0] > 0
    if not kept.any():
        raise DataError(f"{table.source} has no text with a token that the encoder knows. Give other texts.")
    if not kept.all():
        say(f"{table.name}: {int((~kept).sum()):,} of {len(table):,} texts have no token to guess, and are left out.")
    return table.ids[kept], replace(texts, starts=texts.starts[kept], lengths=texts.lengths[kept])


def _facts(encoder: str | Path, table: Table, dev: Table, options: MaskedOptions) -> Mapping[str, Any]:
    return {
        "command": "pretrain",
        "encoder": encoders.fingerprint(encoder),
        "texts": table_digest(table),
        "dev": table_digest(dev),
        "options": options.facts(),
    }


def _perplexity(run: Run) -> float:
    assert run.best is not None  # the last step is always assessed
    return -run.best.value


def _card(run: Run, encoder: str | Path, rows: int, options: MaskedOptions) -> CardFacts:
    return CardFacts(
        name=f"{public_name(encoder)}, trained further as a masked model",
        kind=str(run.inner.config.model_type),
        role="encoder",
        parameters=run.parameters,
        base_model=str(encoder),
        data=[f"{rows:,} texts"],
        losses={"masked": f"cross-entropy of {options.share:.0%} of the tokens, chosen uniformly"},
        seeds=[options.seed],
        settings=options.facts(),
        results={"dev perplexity": _perplexity(run)},
    )
