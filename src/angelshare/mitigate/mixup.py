"""Mixup of texts with their twins (Zhang et al. 2018; Ahn et al. 2022): pure functions of tensors, no loop inside.

A twin is the text with its pair words swapped, token by token. What a model reads of the text and what it is to answer
are mixed with the same share, drawn from Beta(alpha, alpha).
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from angelshare.errors import ModelError

__all__ = ["ALPHA", "blend", "check_alpha", "shares"]

ALPHA = 0.4
"""Ahn et al. 2022, appendix D.1."""

LEAST, MOST = 1e-3, 1e3
"""Outside of these, shares are 0 or 1, or all one half, to float32."""


def check_alpha(alpha: float) -> None:
    """Raise ModelError for an alpha that no share can be drawn from."""
    if not (math.isfinite(alpha) and LEAST <= alpha <= MOST):
        raise ModelError(f"The alpha of a mixup must be between {LEAST:g} and {MOST:g}. Got {alpha} instead.")


def shares(alpha: float, rows: int, rng: np.random.Generator) -> Float32[np.ndarray, " rows"]:
    """One share a text, from Beta(alpha, alpha)."""
    return rng.beta(alpha, alpha, size=rows).astype(np.float32)


def blend(
    values: Float[Tensor, "*places width"],
    at: Bool[Tensor, "*places"],
    others: Float[Tensor, "mixed width"],
    share: Float[Tensor, " mixed"],
) -> Float[Tensor, "*places width"]:
    """The values, with share * value + (1 - share) * other where `at` holds, and all else as it was.

    Parameters
    ----------
    at : may leave out the last dimensions of `values`, as a True a row does of (rows, tokens, width).
    others, share : one for each True of `at`, row by row.
    """
    wide = share.to(values.dtype).view(-1, *[1] * (values.ndim - at.ndim))
    mixed = values.clone()
    mixed[at] = wide * values[at] + (1 - wide) * others.to(values.dtype)
    return mixed
