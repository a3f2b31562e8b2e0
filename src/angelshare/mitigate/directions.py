"""States of words orthogonal to directions, and others kept (Kaneko and Bollegala 2021): pure functions of tensors.

https://arxiv.org/abs/2101.09523. States are those of all layers, the embeddings' output first.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["distance", "projection", "word_means"]


def word_means(
    states: Float[Tensor, "layers tokens width"], of: Int[Tensor, " tokens"], count: int
) -> Float[Tensor, "layers words width"]:
    """The mean state of each word over its tokens: `of` says for each token which of `count` words it is part of."""
    sums = states.new_zeros((states.shape[0], count, states.shape[2])).index_add(1, of, states)
    return sums / torch.bincount(of, minlength=count).clamp_min(1).to(states.dtype)[None, :, None]


def projection(
    states: Float[Tensor, "layers words width"], directions: Float[Tensor, "layers attributes width"]
) -> Float[Tensor, ""]:
    """The mean of the squared inner products of every state with every direction of its layer (equation 2)."""
    return (states.float() @ directions.float().transpose(1, 2)).square().mean()


def distance(
    states: Float[Tensor, "layers tokens width"], before: Float[Tensor, "layers tokens width"]
) -> Float[Tensor, ""]:
    """The mean over layers and tokens of the squared distance to the states before (equation 4)."""
    return (states.float() - before.float()).square().sum(2).mean()
