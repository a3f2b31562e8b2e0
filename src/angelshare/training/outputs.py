"""How every trained model is stored: model, tokenizer, card, log and what it was made from, under one manifest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from angelshare import runs
from angelshare.errors import DamagedFile, DataError, ModelError
from angelshare.models.card import CardFacts
from angelshare.models.loading import load
from angelshare.models.saving import save
from angelshare.progress import say
from angelshare.training.engine import LOG, Run
from angelshare.training.workplace import TRAINING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from angelshare.models.classifier import TorchClassifier

__all__ = ["finished", "public_name", "store", "whole"]


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
    try:
        save(run.inner, tokenizer, directory, card, extra)
    except SafetensorError as error:  # how safetensors reports a full disk
        raise DataError(f"Could not write {directory}: {error}. What was there before still stands.") from error


def whole(directory: Path) -> bool:
    """Whether a model was stored here before the run was interrupted; says so where it was damaged since."""
    if not directory.exists():
        return False
    try:
        runs.verify(directory)
    except DamagedFile as error:
        say(f"Trains again: {error}")
        return False
    return True


def finished(directory: Path, *, regression: bool = False) -> "TorchClassifier":
    """The classifier in a finished output directory, its files verified; a regression loads where it is expected."""
    from angelshare.models.classifier import TorchClassifier

    found = load(directory, multilabel=True if regression else None)
    if not isinstance(found, TorchClassifier):
        raise ModelError(f"{directory} holds no trained model of ours. Name another directory.")
    return found


def public_name(spec: str | Path) -> str:
    """A hub id as it is; of a local path the last part alone: cards are for others to read."""
    return Path(spec).name if Path(spec).exists() else str(spec)
