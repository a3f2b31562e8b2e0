"""A sentence encoder out of a directory or the hub: the states of its tokens, pooled into one vector a text."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from angelshare.errors import ModelError, WrongKind
from angelshare.models.batching import buckets, encode, restored
from angelshare.models.classifier import MAX_ROWS, batch_tokens, default_max_length, files_size, fingerprint_of
from angelshare.models.language import loaded
from angelshare.models.pooled import PooledConfig, PooledForSequenceClassification
from angelshare.types import Pooling

__all__ = ["TorchEncoder", "load_encoder"]

WRITERS = ("CausalLM", "LMHeadModel", "ConditionalGeneration")
"""In the names of architectures whose first token has seen none of the others."""


class TorchEncoder:
    """The last layer's token states of any Hugging Face encoder, as an `Encoder`; always in float32.

    Parameters
    ----------
    source, size_bytes : where it was loaded from and the bytes on disk, where known.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        source: str = "",
        size_bytes: int | None = None,
    ) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self.source, self.size_bytes = source, size_bytes
        self.max_length = default_max_length(model, tokenizer)
        self._opening = {tokenizer.cls_token_id, tokenizer.bos_token_id} - {None}

    def encode(self, texts: Sequence[str], pooling: Pooling = "mean") -> Float32[np.ndarray, "rows width"]:
        """One vector a text, in the texts' order; no text's vector depends on the others.

        The mean counts every token that is no padding, special ones too. A text without any token has zeros.
        """
        if not len(texts):
            return np.zeros((0, int(self.model.config.hidden_size)), dtype=np.float32)
        encoded = encode(self.tokenizer, texts, self.max_length)
        together = MAX_ROWS if self.tokenizer.pad_token_id is not None else 1
        batches = buckets(encoded.lengths, batch_tokens(self.model), together)
        rows = []
        with torch.inference_mode():
            for index in batches:
                inputs = encoded.batch(index, self.model.device)
                states = self.model(**inputs).last_hidden_state
                rows.append(self._pooled(states, inputs, pooling).float().cpu().numpy())
        return restored(rows, batches)

    def _pooled(self, states: Tensor, inputs: dict[str, Tensor], pooling: Pooling) -> Tensor:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        if pooling == "mean":
            weights = mask.unsqueeze(-1).to(states.dtype)
            return (states * weights).sum(1) / weights.sum(1).clamp_min(1)
        at = torch.zeros(len(ids), dtype=torch.long, device=ids.device)
        if pooling == "first-word" and self._opening:
            opens = torch.isin(ids[:, 0], torch.tensor(sorted(self._opening), device=ids.device))
            at = torch.minimum(opens.long(), mask.sum(1) - 1).clamp_min(0)
        return states[torch.arange(len(ids), device=ids.device), at] * (mask.sum(1, keepdim=True) > 0)

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def kind(self) -> str:
        return str(self.model.config.model_type)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of weights, configuration and tokenizer."""
        return fingerprint_of(self.model, self.tokenizer, "encoder")


def load_encoder(spec: str) -> TorchEncoder:
    """An encoder, whatever head it carries; the encoder inside a classifier that averages its states too.

    Raises
    ------
    WrongKind : it is no encoder.
    ModelError : it is not there, or is broken.
    """
    try:
        model, tokenizer, absent = loaded(AutoModel, spec, "encoder")
    except WrongKind as error:
        model, tokenizer, absent = _inside(spec, error)
    if getattr(model.config, "is_encoder_decoder", False) or any(
        part in name for name in model.config.architectures or () for part in WRITERS
    ):
        raise WrongKind(f"'{spec}' is no encoder: it was trained to write on. Give a model that reads both ways.")
    if hasattr(model, "pooler"):
        model.pooler = None  # the opening token's own layer: not used, and drawn where the weights have none
    lost = [name for name in absent if "pooler." not in name]
    if lost:
        raise ModelError(f"'{spec}' lacks the weights of {lost[0]}: its vectors would be drawn. Give a whole encoder.")
    size = files_size(Path(spec)) if Path(spec).is_dir() else None
    return TorchEncoder(model, tokenizer, source=spec, size_bytes=size)


def _inside(spec: str, error: WrongKind) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, list[str]]:
    if PooledConfig.__name__ not in str(error.__cause__):
        raise error
    model, tokenizer, absent = loaded(PooledForSequenceClassification, spec, "encoder")
    return model.encoder, tokenizer, absent
