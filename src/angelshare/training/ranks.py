"""Several processes on one training, as torchrun or accelerate start them: on accelerators, or over gloo without."""

import os

import torch
from accelerate import PartialState

__all__ = ["over_gloo", "ranks"]


def over_gloo() -> bool:
    """Whether processes were started together without an accelerator: `accelerate` must be told, or each is alone."""
    return int(os.environ.get("LOCAL_RANK", -1)) >= 0 and not torch.accelerator.is_available()


def ranks() -> PartialState:
    """The processes of this run: which of them this one is, and how they wait for each other."""
    return PartialState(cpu=over_gloo())
