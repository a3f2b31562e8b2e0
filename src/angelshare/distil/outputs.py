"""How every trained model is stored: model, tokenizer, card, log and what it was made from, under one manifest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from angelshare.distil.engine import LOG, Run
from angelshare.distil.workplace import TRAINING
from angelshare.errors import ModelError
from angelshare.models.card import CardFacts
from angelshare.models.loading import load
from angelshare.models.saving import save

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from angelshare.models.classifier import TorchClassifier

__all__ = ["finished", "public_name", "store"]


def store(
    run: Run,
    tokenizer: "PreTrainedTokenizerBase",
    directory: Path,
    *,
    card: CardFacts,
    facts: Mapping[str, Any],
    training: Mapping[str, Any],
) -> None:
    """Write the run's model as it stands; `facts` are what the command was begun with, `training` how it went."""
    how = {**run.facts(), **training}
    extra = {
        TRAINING: json.dumps({"facts": facts, "training": how}, indent=2, sort_keys=True, allow_nan=False) + "\n",
        LOG: "".join(line + "\n" for line in run.log),
    }
    save(run.inner, tokenizer, directory, card, extra)


def finished(directory: Path) -> "TorchClassifier":
    """The classifier in a finished output directory, its files verified."""
    from angelshare.models.classifier import TorchClassifier

    found = load(directory)
    if not isinstance(found, TorchClassifier):
        raise ModelError(f"{directory} holds no trained model of ours. Name another directory.")
    return found


def public_name(spec: str | Path) -> str:
    """A hub id as it is; of a local path the last part alone: cards are for others to read."""
    return Path(spec).name if Path(spec).exists() else str(spec)
