"""How every trained model is stored: model, tokenizer, card, log and what it was made from, under one manifest."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from angelshare.distil.engine import LOG
from angelshare.distil.workplace import TRAINING

if TYPE_CHECKING:
    from angelshare.models.classifier import TorchClassifier

__all__ = ["finished", "store"]


def store(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    directory: Path,
    *,
    facts: Mapping[str, Any],
    training: Mapping[str, Any],
    log: Sequence[str],
    max_length: int,
) -> None:
    raise NotImplementedError


def finished(directory: Path) -> "TorchClassifier":
    """The classifier in a finished output directory, its files verified."""
    from angelshare.models.loading import load

    return load(directory)
