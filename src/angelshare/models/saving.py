"""A model directory appears whole: weights, configuration, tokenizer, card and a manifest of their sha256."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from angelshare import runs
from angelshare.models.card import CardFacts, write_card
from angelshare.models.quiet import quiet


def write_model(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    directory: Path,
    facts: CardFacts,
    extra: Mapping[str, str | bytes] | None = None,
) -> None:
    """Write the files of a model into a directory that the caller makes appear (with its manifest) later.

    `extra` are further files by name. The same model gives the same bytes, whatever it scored in between.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:  # the last call's truncation would be saved with the tokenizer
        backend.no_truncation()
        backend.no_padding()
    with quiet():
        model.save_pretrained(directory)
        tokenizer.save_pretrained(directory)
    for name, content in (extra or {}).items():
        data = content.encode("utf-8") if isinstance(content, str) else content
        (directory / name).write_bytes(data)
    write_card(directory, facts)


def save(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    directory: str | Path,
    facts: CardFacts,
    extra: Mapping[str, str | bytes] | None = None,
) -> Path:
    """Write a model directory aside and rename it into place, with its manifest; replaces what stood there.

    Raises
    ------
    DataError : it cannot be written (a full disk, say); what was there before still stands.
    """
    directory = Path(directory)
    with runs.atomic_directory(directory) as aside:
        write_model(model, tokenizer, aside, facts, extra)
    return directory
