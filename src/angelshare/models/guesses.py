"""What a masked model says at some places alone: the vocabulary's matrix is the dearest of a step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from angelshare.errors import ModelError

__all__ = ["Guesses", "guesses", "states"]


@dataclass(frozen=True, eq=False)
class Guesses:
    """A masked model's answer.

    Attributes
    ----------
    logits : at the places asked for, nats.
    states : of the last layer, at all places.
    """

    logits: Float[Tensor, "places vocabulary"]
    states: Float[Tensor, "rows tokens width"]


@dataclass(eq=False)
class _Held:
    states: Tensor = field(default_factory=lambda: torch.zeros(0))


def guesses(model: nn.Module, inputs: Mapping[str, Tensor], places: Int[Tensor, " places"]) -> Guesses:
    """The logits at `places`, counted through the rows one after the other, as if the model had answered at all.

    Every head of a masked model works token by token, so it is shown the states at these places as one row.

    Parameters
    ----------
    model : a masked model, also one that is wrapped for several processes.
    inputs : (rows, tokens) `input_ids` or `inputs_embeds` (with a width), and `attention_mask`.

    Raises
    ------
    ModelError : the head does not work token by token.
    """
    with _only(getattr(model, "module", model), places) as held:
        logits = model(**inputs).logits
    if logits.shape[:2] != (1, len(places)):
        raise ModelError("This encoder's head does not work token by token. Give a BERT-like encoder.")
    return Guesses(logits[0], held.states)


def states(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> Float[Tensor, "rows tokens width"]:
    """The last layer's states alone: the head is not asked."""
    found: Tensor = model.base_model(**inputs).last_hidden_state
    return found


@contextmanager
def _only(model: PreTrainedModel, places: Tensor) -> Iterator[_Held]:
    held = _Held()

    def gather(module: nn.Module, given: Any, output: Any) -> Any:
        held.states = output.last_hidden_state
        output.last_hidden_state = held.states.flatten(0, 1).index_select(0, places)[None]
        return output

    hook = model.base_model.register_forward_hook(gather)
    try:
        yield held
    finally:
        hook.remove()
