"""A sequence classifier out of a directory or the hub: safetensors only, no remote code, every failure one sentence."""

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from huggingface_hub.constants import ENDPOINT
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from angelshare.errors import ModelError, WrongKind
from angelshare.models.classifier import TorchClassifier, files_size
from angelshare.models.quiet import quiet

FAILURES = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError, SafetensorError)
"""What `transformers` raises for a model it cannot load."""


def load_pretrained(spec: str, *, revision: str | None = None, **settings: Any) -> TorchClassifier:
    """Load weights in float32 onto the accelerator, where there is one; `settings` are `TorchClassifier`'s.

    Raises
    ------
    WrongKind : it has no classification head.
    ModelError : it is not there, or is broken.
    """
    where: dict[str, Any] = {"trust_remote_code": False}
    if not Path(spec).is_dir() and revision is not None:
        where["revision"] = revision
    if not Path(spec).is_dir() and unreachable():
        where["local_files_only"] = True
    try:
        with quiet(), torch.random.fork_rng(devices=[]):  # weights that are missing would be drawn
            model, found = AutoModelForSequenceClassification.from_pretrained(
                spec, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **where
            )
            tokenizer = AutoTokenizer.from_pretrained(spec, **where)
    except FAILURES as error:
        raise ModelError(_sentence(spec, error)) from error
    absent = sorted(found["missing_keys"])
    if absent:
        raise WrongKind(
            f"'{spec}' lacks the weights of {_some(absent)}: it is an encoder without a trained classification head. "
            "Make a classifier of it first (angelshare finetune)."
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = files_size(Path(spec)) if Path(spec).is_dir() else None
    return TorchClassifier(model.to(device), tokenizer, source=spec, size_bytes=size, **settings)


def unreachable() -> bool:
    """Whether the hub's name cannot even be resolved: then the cache answers, without retries."""
    if any("proxy" in name.lower() for name in os.environ):
        return False
    try:
        socket.getaddrinfo(urlsplit(ENDPOINT).hostname, 443)
    except OSError:
        return True
    return False


def _sentence(spec: str, error: Exception) -> str:
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    if "safetensors" in reason and "pytorch_model.bin" in str(error):
        return (
            f"'{spec}' has its weights as a pickle only, which can run code when it is read. "
            "Load it where you trust it, and save it again with save_pretrained: that writes safetensors."
        )
    if not Path(spec).is_dir() and isinstance(error, OSError):
        return (
            f"'{spec}' is no directory here, and no such model could be read from the hub. "
            "Check the name, the connection, or give a directory."
        )
    return f"'{spec}' cannot be loaded: {reason.rstrip('.')}. Give a sequence classifier that save_pretrained wrote."


def _some(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
