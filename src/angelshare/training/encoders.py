"""An encoder with a new head: of a classifier, pooled as asked, or of a masked model."""

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from angelshare.errors import ModelError
from angelshare.models.base import label_settings, seeded
from angelshare.models.language import fingerprint, loaded
from angelshare.models.pooled import PooledConfig, PooledForSequenceClassification
from angelshare.models.quiet import quiet
from angelshare.models.transformer import from_encoder

__all__ = ["Spec", "build", "fingerprint", "headless", "masked", "teacher"]


@dataclass(frozen=True)
class Spec:
    """Which encoder, and what for."""

    encoder: str
    pooling: Literal["mean", "cls"]
    labels: tuple[str, ...]
    multilabel: bool
    seed: int
    regression: bool = False


def build(spec: Spec) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder's weights under a head drawn from `spec.seed`.

    Raises
    ------
    ModelError : the encoder cannot be loaded.
    """
    if spec.pooling == "cls":
        return from_encoder(
            spec.encoder, labels=spec.labels, multilabel=spec.multilabel, regression=spec.regression, seed=spec.seed
        )
    try:
        with quiet():
            encoder = AutoModel.from_pretrained(spec.encoder, dtype=torch.float32, use_safetensors=True)
            return seeded(spec.seed, "head", make=lambda: _pooled(encoder, spec)), AutoTokenizer.from_pretrained(
                spec.encoder
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"The encoder '{spec.encoder}' cannot be loaded: {str(error).strip().splitlines()[0]} "
            "Give a directory or a hub id of an encoder."
        ) from error


def _pooled(encoder: PreTrainedModel, spec: Spec) -> PreTrainedModel:
    inner = {**encoder.config.to_diff_dict(), "model_type": encoder.config.model_type}
    config = PooledConfig(encoder=inner, **label_settings(spec.labels, spec.multilabel, spec.regression))
    pooled = PooledForSequenceClassification(config)
    if hasattr(encoder, "pooler"):
        encoder.pooler = None
    pooled.encoder.load_state_dict(encoder.state_dict())
    return pooled


def masked(encoder: str, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder under its masked-model head; without one, under a new head drawn from `seed`, tied to its embeddings.

    Its pooler, which a masked model has no use for, stays as it is: who fine-tunes the encoder may want it.

    Raises
    ------
    ModelError : it cannot be loaded, is no encoder, or its tokenizer has no mask.
    """
    where = {"dtype": torch.float32, "use_safetensors": True, "trust_remote_code": False}
    try:
        with quiet():
            model, found = seeded(
                seed,
                "head",
                make=lambda: AutoModelForMaskedLM.from_pretrained(encoder, output_loading_info=True, **where),
            )
            if any("pooler." in name for name in found["unexpected_keys"]):
                inside = AutoModel.from_pretrained(encoder, **where)
                inside.pooler.requires_grad_(False)
                setattr(model, model.base_model_prefix, inside)
                model.tie_weights()
            tokenizer = AutoTokenizer.from_pretrained(encoder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise ModelError(
            f"'{encoder}' cannot be loaded as a masked model: {str(error).strip().splitlines()[0]} "
            "Give a directory or a hub id of an encoder."
        ) from error
    absent = sorted(name for name in found["missing_keys"] if name.startswith(f"{model.base_model_prefix}."))
    if absent or model.base_model is model:
        raise ModelError(f"'{encoder}' lacks {absent[0] if absent else 'a head of its own'}. Give a whole encoder.")
    if tokenizer.mask_token_id is None:
        raise ModelError(f"The tokenizer of '{encoder}' has no mask. Give an encoder that was trained with one.")
    return model, tokenizer


def teacher(spec: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A masked model whose head was trained, to learn from: its weights never change.

    Raises
    ------
    ModelError : it is not there, has no such head, or its tokenizer no mask.
    """
    model, tokenizer, absent = loaded(AutoModelForMaskedLM, spec, "masked model")
    if absent:
        raise ModelError(
            f"'{spec}' lacks the weights of {absent[0]}: no head was trained to guess words. Say --train-head to train "
            "one first."
        )
    if tokenizer.mask_token_id is None:
        raise ModelError(f"The tokenizer of '{spec}' has no mask. Give an encoder that was trained with one.")
    return model.eval().requires_grad_(False), tokenizer


def headless(spec: str, seed: int, spread: float) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """An encoder whose weights never change, under a new head of a masked model, drawn with the deviation `spread`.

    The head's vocabulary begins as a copy of the embeddings and is free of them: those stay, too.

    Raises
    ------
    ModelError : it cannot be loaded, has a head, or its tokenizer no mask.
    """
    found, tokenizer, absent = loaded(AutoModelForMaskedLM, spec, "masked model")
    if not absent:
        raise ModelError(f"'{spec}' has a head that was trained to guess words. Leave --train-head out.")
    within = [weight for weight in absent if weight.startswith(f"{found.base_model_prefix}.")]
    if within or tokenizer.mask_token_id is None:
        lacks = within[0] if tokenizer.mask_token_id is not None else "a mask in its tokenizer"
        raise ModelError(f"'{spec}' lacks {lacks}. Give a whole encoder that was trained with a mask.")
    config = copy.deepcopy(found.config)
    config.tie_word_embeddings, config.initializer_range = False, spread
    model: PreTrainedModel = seeded(seed, "head", make=lambda: type(found)(config))
    model.base_model.load_state_dict(found.base_model.state_dict())
    model.base_model.requires_grad_(False)
    with torch.no_grad():
        model.get_output_embeddings().weight.copy_(found.get_input_embeddings().weight)
    return model, tokenizer
