"""Checkpoints that are whole or not there: tensors as safetensors, the rest as JSON, a sha256 a file, no pickles."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from angelshare import runs
from angelshare.errors import DamagedFile
from angelshare.progress import say

__all__ = ["KEPT", "Checkpoint", "newest", "optimizer_tensors", "restore_optimizer", "save", "snapshot"]

KEPT = 2
"""The last two checkpoints stay: where the newest is damaged, the one before it is resumed."""

GROUPS = ("model", "best", "optimizer")


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on as if it had never stopped.

    Attributes
    ----------
    state : JSON values: step, best, patience used, sums of the log.
    tensors : by group (`model`, `best`, `optimizer`), by name, on the CPU.
    log : the lines of log.jsonl up to `step`.
    """

    state: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]]
    log: list[str]


def snapshot(model: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of the weights on the CPU that later steps do not change."""
    return {name: value.detach().cpu().clone().contiguous() for name, value in model.state_dict().items()}


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimizer's moments as `INDEX.NAME` tensors."""
    found = {}
    for index, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            found[f"{index}.{name}"] = torch.as_tensor(value).detach().cpu().clone().contiguous()
    return found


def restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def save(directory: Path, checkpoint: Checkpoint) -> Path:
    """Write `directory/step-N` aside and rename it; then drop all but the last two.

    Raises
    ------
    DataError : the disk is full, say; the checkpoints before this one still stand.
    """
    target = directory / f"step-{checkpoint.state['step']:09d}"
    with runs.atomic_directory(target) as aside:
        for group, tensors in checkpoint.tensors.items():
            try:
                save_file(tensors, aside / f"{group}.safetensors")
            except SafetensorError as error:
                raise OSError(str(error)) from error
        (aside / "state.json").write_text(json.dumps(checkpoint.state, sort_keys=True, allow_nan=False) + "\n")
        (aside / "log.jsonl").write_text("".join(line + "\n" for line in checkpoint.log))
    for old in _found(directory)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def _found(directory: Path) -> list[Path]:
    """Newest first."""
    return sorted(directory.glob("step-*"), reverse=True)


def _read(directory: Path) -> Checkpoint:
    runs.verify(directory)
    state = json.loads((directory / "state.json").read_text())
    log = (directory / "log.jsonl").read_text().splitlines()
    tensors = {group: load_file(directory / f"{group}.safetensors") for group in GROUPS}
    return Checkpoint(state, tensors, log)


def newest(directory: Path) -> Checkpoint | None:
    """The newest checkpoint whose files all match their manifest; says in a sentence what was passed over and why."""
    for stale in [*directory.glob(".*.partial"), *directory.glob(".*.old")]:
        shutil.rmtree(stale, ignore_errors=True)
    for candidate in _found(directory):
        try:
            return _read(candidate)
        except DamagedFile as error:
            say(f"Passed over checkpoint {candidate.name}: {error}")
            shutil.rmtree(candidate, ignore_errors=True)
    return None
