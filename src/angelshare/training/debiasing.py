"""An encoder fine-tuned so that words of stereotypes point nowhere along a gender, or another attribute.

Kaneko and Bollegala 2021, https://arxiv.org/abs/2101.09523: the states of target words become orthogonal to the mean
states of attribute words, while sentences with attribute words keep theirs.
"""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from angelshare import runs
from angelshare.data.stream import Source, Texts, open_sources, stream
from angelshare.data.tables import Columns, Table
from angelshare.errors import ModelError, TrainingError
from angelshare.mitigate.marks import Marked, marked
from angelshare.mitigate.pairs import PairList, open_words
from angelshare.mitigate.sentences import TARGET, choose
from angelshare.mitigate.targets import stereotypes
from angelshare.models.base import seeded
from angelshare.models.batching import buckets
from angelshare.models.card import CardFacts
from angelshare.models.classifier import default_max_length
from angelshare.models.pretrained import FAILURES
from angelshare.models.quiet import quiet
from angelshare.progress import progress
from angelshare.training import encoders
from angelshare.training.engine import DEV_TOKENS, Run, TrainOptions
from angelshare.training.outputs import public_name, store
from angelshare.training.selection import DevScore
from angelshare.training.turning import Directions, Turning
from angelshare.training.workplace import Workplace

__all__ = ["DebiasOptions", "debias"]


@dataclass(frozen=True, kw_only=True)
class DebiasOptions:
    """How to take an attribute's direction out of an encoder.

    Attributes
    ----------
    level : token: the states of the target words themselves; sentence: of every token of their sentences.
    layers : all, or the last alone; what is kept is kept in all layers.
    alpha : weight of the projection onto the directions; what is to be kept has the rest to 1.
    sentences : of each kind at most: with target words, with words of one side of the pairs, with those of the other.
    max_length : tokens a sentence is cut to.
    dev_fraction : share of the sentences held out by their hash.
    """

    level: Literal["token", "sentence"] = "token"
    layers: Literal["all", "last"] = "all"
    alpha: float = 0.2
    sentences: int = 20_000
    max_length: int = 128
    dev_fraction: float = 0.05
    seed: int = 0
    training: TrainOptions = field(
        default_factory=lambda: TrainOptions(learning_rate=5e-5, batch_size=32, epochs=3, patience=3)
    )

    def __post_init__(self) -> None:
        if self.level not in ("token", "sentence"):
            raise ModelError(f"The level must be token or sentence. Got '{self.level}' instead.")
        if self.layers not in ("all", "last"):
            raise ModelError(f"The layers must be all or last. Got '{self.layers}' instead.")
        if not 0 < self.alpha < 1:
            raise ModelError(f"The alpha must be between 0 and 1. Got {self.alpha} instead.")
        if self.sentences < 1:
            raise ModelError(f"The sentences of a kind must be at least 1. Got {self.sentences} instead.")

    def facts(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name != "training"}
        return {**own, **self.training.facts()}


def debias(
    encoder: str | Path,
    corpus: Table | str | Path | Iterable[Table | str | Path],
    *,
    out: str | Path,
    pairs: PairList | str | Path = "gender-10",
    targets: Sequence[str] | None = None,
    columns: Columns | None = None,
    options: DebiasOptions | None = None,
) -> Path:
    """Fine-tune an encoder so that target words' states are orthogonal to attribute words'; the best dev loss is kept.

    The directions are the mean states of the attribute words over their sentences, computed anew before each pass.

    Parameters
    ----------
    encoder : directory or hub id. A masked-model head that it has stays as it is, above changed states.
    corpus : sources of running text, which stream; held are the sentences chosen.
    pairs : the attribute's words, or the name or file of their list.
    targets : words that are to say nothing of the attribute; our own list of stereotypes where None.
    out : the encoder's directory to make. Run again after an interruption, it goes on from the newest valid checkpoint.

    Raises
    ------
    DataError : the corpus lacks sentences with such words, or `out` was made from other data or options.
    ModelError : the encoder cannot be loaded.
    TrainingError : a loss or gradient is not finite; names the sentences.
    """
    options = options or DebiasOptions()
    pairs = pairs if isinstance(pairs, PairList) else open_words(pairs)
    wanted = tuple(dict.fromkeys(word.lower() for word in (stereotypes() if targets is None else targets)))
    sources = open_sources([corpus] if isinstance(corpus, Table | str | Path) else corpus, columns)
    place = Workplace(out, _facts(encoder, sources, pairs, wanted, options))
    if place.finished:
        runs.verify(place.out)
        return place.out
    with place.preparing():
        model, tokenizer = _loaded(str(encoder), options.seed)
        limit = min(options.max_length, default_max_length(model, tokenizer))
        found = choose(_read(sources), pairs, wanted, options.sentences, options.seed)
        rest, held = found.split(options.dev_fraction, options.seed)
        texts, dev = (marked(tokenizer, part, pairs, wanted, limit) for part in (rest, held))
    before = copy.deepcopy(model).eval().requires_grad_(False)
    run = Run(
        model,
        lengths=texts.encoded.lengths,
        ids=np.array([f"'{text[:40]}'" for text in texts.sentences.texts], dtype=object),
        options=options.training,
        seed=options.seed,
        work=place.work / "encoder",
        title="encoder",
    )
    if run.accelerator.num_processes > 1:
        raise TrainingError("An encoder is turned by one process. Start the command without torchrun or accelerate.")
    turning = Turning(run, before.to(run.device), options.level, options.layers, options.alpha)
    directions = Directions(turning, texts, place.work / "encoder" / "directions")
    for batch in run.batches():
        along = directions()
        with run.forward():
            losses = turning.losses(texts, batch, along)
        run.descend(batch, losses)
        if run.evaluation_due:
            run.assess(_assessed(turning, dev, along))
    run.restore_best()
    made = place.work / "encoder" / "made"
    training = {"role": "encoder", "rows": len(texts), "dev_rows": len(dev), "directions": texts.directions}
    store(run, tokenizer, made, card=_card(run, encoder, pairs, texts, options), facts=place.facts, training=training)
    place.publish({"": made})
    return place.out


def _facts(
    encoder: str | Path, sources: Sequence[Source], pairs: PairList, targets: Sequence[str], options: DebiasOptions
) -> Mapping[str, Any]:
    return {
        "command": "debias",
        "encoder": encoders.fingerprint(encoder),
        "corpus": runs.digest(*(source.digest for source in sources)),
        "pairs": pairs.digest,
        "targets": runs.digest(*targets),
        "options": options.facts(),
    }


def _read(sources: Sequence[Source]) -> Iterator[Texts]:
    rows = None if any(source.rows is None for source in sources) else sum(source.rows or 0 for source in sources)
    with progress("corpus", rows) as advance:
        for part in stream(sources):
            yield part
            advance(len(part))


def _loaded(encoder: str, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder, under its masked-model head where it has one; only what makes its states is trained.

    Raises
    ------
    ModelError : it cannot be loaded, or is no encoder.
    """
    try:
        with quiet():
            config = AutoConfig.from_pretrained(encoder, trust_remote_code=False)
        if any(name.endswith(("MaskedLM", "PreTraining")) for name in config.architectures or ()):
            model, tokenizer = encoders.masked(encoder, seed)
        else:
            model, tokenizer = _headless(encoder, seed)
    except FAILURES as error:
        raise ModelError(
            f"'{encoder}' cannot be loaded as an encoder: {str(error).strip().splitlines()[0]} "
            "Give a directory or a hub id of one."
        ) from error
    pooler = getattr(model.base_model, "pooler", None)
    above = set() if pooler is None else {id(weight) for weight in pooler.parameters()}
    trained = {id(weight) for weight in model.base_model.parameters()} - above
    for weight in model.parameters():
        weight.requires_grad_(id(weight) in trained)
    return model, tokenizer


def _headless(encoder: str, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    where = {"dtype": torch.float32, "use_safetensors": True, "trust_remote_code": False}
    with quiet():
        model, found = seeded(
            seed, "head", make=lambda: AutoModel.from_pretrained(encoder, output_loading_info=True, **where)
        )
        tokenizer = AutoTokenizer.from_pretrained(encoder, trust_remote_code=False)
    absent = sorted(found["missing_keys"])
    if absent and all(name.startswith("pooler.") for name in absent):
        model.pooler, absent = None, []  # it was never trained: what is drawn is not kept
    if absent or model.config.is_encoder_decoder:
        raise ModelError(f"'{encoder}' {f'lacks {absent[0]}' if absent else 'writes texts'}. Give a whole encoder.")
    return model, tokenizer


def _assessed(turning: Turning, dev: Marked, along: Float[Tensor, "layers attributes width"]) -> DevScore:
    """Minus the loss of the dev sentences: of each kind the mean over its sentences' batches, weighed by their rows."""
    loss = 0.0
    turning.run.inner.eval()
    about = dev.sentences.kinds == TARGET
    with torch.inference_mode():
        for rows in (np.flatnonzero(about), np.flatnonzero(~about)):
            for part in buckets(dev.encoded.lengths[rows], DEV_TOKENS):
                losses = turning.losses(dev, rows[part], along)
                loss += sum(float(value) for value in losses.values()) * len(part) / len(rows)
    turning.run.inner.train()
    if not math.isfinite(loss):
        raise TrainingError("The loss on the dev sentences is not finite. Lower --learning-rate.")
    return DevScore("minus_loss", -loss, loss)


def _card(run: Run, encoder: str | Path, pairs: PairList, texts: Marked, options: DebiasOptions) -> CardFacts:
    return CardFacts(
        name=f"{public_name(encoder)}, words made orthogonal to {public_name(pairs.name)}",
        kind=str(run.inner.config.model_type),
        role="encoder",
        parameters=run.parameters,
        base_model=str(encoder),
        data=[f"{len(texts):,} sentences"],
        losses={"projection of target words": options.alpha, "distance of attribute words": 1 - options.alpha},
        seeds=[options.seed],
        settings=options.facts(),
        results=run.results(),
        notes=["What was lessened is one measure of one attribute. Audit it on your own data."],
    )
