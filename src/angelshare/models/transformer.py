"""Transformer students: a teacher with fewer of its layers, or a small encoder under a new head."""

import copy
import itertools
import re
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from angelshare.errors import ModelError
from angelshare.models.base import label_settings, seeded
from angelshare.models.pooled import PooledConfig
from angelshare.models.quiet import quiet


def kept_layers(total: int, layers: int | Sequence[int]) -> tuple[int, ...]:
    """The layers' numbers: those given, or a count spread evenly from the first (3 of 6 are 0, 2, 4).

    Raises
    ------
    ModelError : a count or number that `total` layers do not have, or numbers not rising.
    """
    if isinstance(layers, int):
        if not 1 <= layers <= total:
            raise ModelError(f"The count of layers must be between 1 and the teacher's {total}. Got {layers} instead.")
        return tuple(index * total // layers for index in range(layers))
    chosen = tuple(layers)
    rising = all(a < b for a, b in itertools.pairwise(chosen))
    if not chosen or not rising or chosen[0] < 0 or chosen[-1] >= total:
        raise ModelError(
            f"The layers must be rising numbers from 0 to {total - 1}, at least one. "
            f"Got {', '.join(map(str, chosen)) or 'none'} instead."
        )
    return chosen


def spread(total: int, count: int) -> tuple[int, ...]:
    """As many layers, the first and the last among them (Sanh et al. 2019: 6 of 12 are 0, 2, 4, 7, 9, 11).

    Raises
    ------
    ModelError : a count that `total` layers do not have.
    """
    if count < 2:
        return kept_layers(total, count)
    kept_layers(total, count)
    return tuple((2 * index * (total - 1) + count - 1) // (2 * (count - 1)) for index in range(count))


def truncate(
    model: PreTrainedModel,
    layers: int | Sequence[int] | None = None,
    settings: Mapping[str, object] | None = None,
) -> PreTrainedModel:
    """A copy of a model with a subset of its layers, every weight copied, the head too; half of them by default.

    Parameters
    ----------
    settings : of its configuration that change, where it has them.

    Raises
    ------
    ModelError : the model has no plain stack of layers (ALBERT shares one), or not the layers asked for.
    """
    total = depth(model)
    stacks = [n for n, part in model.named_modules() if isinstance(part, nn.ModuleList) and len(part) == total > 0]
    if not stacks:
        raise ModelError(
            f"A {model.config.model_type} model has no stack of layers to choose from. "
            "Give a small encoder instead (--encoder)."
        )
    kept = kept_layers(total, max(total // 2, 1) if layers is None else layers)
    config = _shorter(model.config, kept, total)
    for name, value in (settings or {}).items():
        if hasattr(config, name):
            setattr(config, name, value)
    student: PreTrainedModel = seeded(0, "truncate", make=lambda: type(model)(config))
    place = {old: new for new, old in enumerate(kept)}
    pattern = re.compile(re.escape(min(stacks, key=len)) + r"\.(\d+)\.(.*)", re.DOTALL)
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        found = pattern.fullmatch(name)
        if found is None:
            weights[name] = tensor
        elif int(found[1]) in place:
            weights[f"{min(stacks, key=len)}.{place[int(found[1])]}.{found[2]}"] = tensor
    student.load_state_dict(weights)
    return student.to(device="cpu", dtype=model.dtype).eval()


def depth(model: PreTrainedModel) -> int:
    """How many layers it has; 0 where its configuration does not say."""
    inner = getattr(model.config, "inner", model.config)
    return int(getattr(inner, "num_hidden_layers", 0) or 0)


def _shorter(config: object, kept: tuple[int, ...], total: int) -> object:
    """The configuration with `kept` layers; settings a layer (`layer_types`) lose the same entries."""
    shorter = copy.deepcopy(config)
    if isinstance(shorter, PooledConfig):
        shorter.encoder = {**shorter.encoder, _depth(shorter.encoder): len(kept)}
        return shorter
    for name, value in list(vars(shorter).items()):
        if isinstance(value, list) and len(value) == total and "layer" in name:
            setattr(shorter, name, [value[index] for index in kept])
    shorter.num_hidden_layers = len(kept)  # type: ignore[attr-defined]
    shorter._name_or_path = ""  # type: ignore[attr-defined]
    return shorter


def _depth(encoder: dict[str, object]) -> str:
    return "n_layers" if encoder.get("model_type") == "distilbert" else "num_hidden_layers"


def from_encoder(
    encoder: str, *, labels: tuple[str, ...], multilabel: bool, regression: bool = False, seed: int = 0
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Any encoder under a classification head drawn from `seed`.

    Raises
    ------
    ModelError : it cannot be loaded.
    """

    def make() -> PreTrainedModel:
        return AutoModelForSequenceClassification.from_pretrained(
            encoder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            **label_settings(labels, multilabel, regression),
        )

    try:
        with quiet():
            return seeded(seed, "head", make=make).eval(), AutoTokenizer.from_pretrained(encoder)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"The encoder '{encoder}' cannot be loaded: {str(error).strip().splitlines()[0]} "
            "Give a directory or a hub id of an encoder."
        ) from error
