"""An encoder with a new classification head, pooled as asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from angelshare import runs
from angelshare.errors import ModelError
from angelshare.models.pooled import PooledConfig, PooledForSequenceClassification

__all__ = ["Spec", "build", "fingerprint", "longest"]


@dataclass(frozen=True)
class Spec:
    """Which encoder, and what for."""

    encoder: str
    pooling: Literal["mean", "cls"]
    labels: tuple[str, ...]
    multilabel: bool
    seed: int


def build(spec: Spec) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder's weights under a head drawn from `spec.seed`.

    Raises
    ------
    ModelError : the encoder cannot be loaded.
    """
    head = {
        "num_labels": len(spec.labels),
        "id2label": dict(enumerate(spec.labels)),
        "label2id": {label: at for at, label in enumerate(spec.labels)},
        "problem_type": "multi_label_classification" if spec.multilabel else "single_label_classification",
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(runs.rng(spec.seed, "head").integers(2**62)))
        try:
            tokenizer = AutoTokenizer.from_pretrained(spec.encoder)
            if spec.pooling == "cls":
                model = AutoModelForSequenceClassification.from_pretrained(
                    spec.encoder, dtype=torch.float32, ignore_mismatched_sizes=True, **head
                )
                return model, tokenizer
            encoder = AutoModel.from_pretrained(spec.encoder, dtype=torch.float32)
        except (OSError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise ModelError(
                f"The encoder '{spec.encoder}' cannot be loaded: {first} Give a directory or a hub id of an encoder."
            ) from error
        inner = {**encoder.config.to_diff_dict(), "model_type": encoder.config.model_type}
        pooled = PooledForSequenceClassification(PooledConfig(encoder=inner, **head))
    if hasattr(encoder, "pooler"):
        encoder.pooler = None
    pooled.encoder.load_state_dict(encoder.state_dict())
    return pooled, tokenizer


def longest(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens the encoder can read: RoBERTa's positions begin after its padding index, so two of them are lost."""
    config = model.config.inner if isinstance(model.config, PooledConfig) else model.config
    positions = int(getattr(config, "max_position_embeddings", 0) or 10**6)
    lost = 2 if config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    return int(min(tokenizer.model_max_length, positions - lost))


def fingerprint(encoder: str | Path) -> str:
    """A sha256 of the directory's files, else the hub id."""
    directory = Path(encoder)
    if not directory.is_dir():
        return str(encoder)
    kept = [file for file in runs.files_below(directory) if file.suffix in (".safetensors", ".json", ".txt", ".bin")]
    return runs.fingerprint({str(file.relative_to(directory)): runs.sha256(file) for file in kept})
