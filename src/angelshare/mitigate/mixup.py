"""Mixup of texts with their twins (Zhang et al. 2018; Ahn et al. 2022): pure functions of tensors, no loop inside.

A twin is the text with its pair words swapped, token by token. What a model reads of the text and what it is to answer
are mixed with the same share, drawn from Beta(alpha, alpha).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from angelshare.errors import ModelError
from angelshare.mitigate.tokenpairs import TokenPairs

__all__ = ["ALPHA", "PARTS", "Answer", "Mixture", "blend", "check_alpha", "check_parts", "mixture", "shares", "taught"]

Answer: TypeAlias = tuple[Float[Tensor, "places vocabulary"], Float[Tensor, "rows tokens width"]]
"""What a masked model says: logits at the places asked for, and the last layer's states of all tokens."""

Ask: TypeAlias = Callable[[Int[Tensor, "rows tokens"], Int[Tensor, "rows tokens"], Int[Tensor, " places"]], Answer]
"""(ids, attention mask, places counted through the rows, rising) -> the teacher's answer."""

ALPHA = 0.4
"""Ahn et al. 2022, appendix D.1."""

PARTS = ("input", "output", "logits")
"""What of a masked model's distillation is mixed: the student's input embeddings, the teacher's last states, or logits.

The rows of Ahn et al. 2022, table 2, are output; input; logits,output; logits,output,input; logits,input (theirs).
"""

LEAST, MOST = 1e-3, 1e3
"""Outside of these, shares are 0 or 1, or all one half, to float32."""


def check_alpha(alpha: float) -> None:
    """Raise ModelError for an alpha that no share can be drawn from."""
    if not (math.isfinite(alpha) and LEAST <= alpha <= MOST):
        raise ModelError(f"The alpha of a mixup must be between {LEAST:g} and {MOST:g}. Got {alpha} instead.")


def check_parts(parts: Sequence[str]) -> tuple[str, ...]:
    """The parts in the order of PARTS, each once; raises ModelError for none, and for what is no part."""
    wrong = [part for part in parts if part not in PARTS]
    if wrong or not parts:
        raise ModelError(f"A mixup is at one or more of {', '.join(PARTS)}. Got {', '.join(wrong) or 'none'} instead.")
    return tuple(part for part in PARTS if part in parts)


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


@dataclass(frozen=True, eq=False)
class Mixture:
    """What is mixed in a batch of a masked model's distillation; all else stays as it was.

    Attributes
    ----------
    places : True at the tokens of pair words.
    twins : the batch after its pair words are swapped.
    own : at each place, row by row, the share of what the text itself has there: the text's share where the second word
        of a pair stands ("man"), and the rest where the first stands. So both words become the same mixture (the
        equations of section 5.1).
    """

    places: Bool[Tensor, "rows tokens"]
    twins: Int[Tensor, "rows tokens"]
    own: Float[Tensor, " mixed"]

    @property
    def rows(self) -> Int[Tensor, " twins"]:
        """The rows with a pair word: the teacher need read the twins of these alone."""
        return torch.nonzero(self.places.any(1)).flatten()

    def inputs(
        self, embed: Callable[[Tensor], Tensor], ids: Int[Tensor, "rows tokens"]
    ) -> Float[Tensor, "rows tokens width"]:
        """The student's input embeddings, to be given as `inputs_embeds`; `embed` is its table of words."""
        return blend(embed(ids), self.places, embed(self.twins[self.places]), self.own)

    def follow(
        self,
        values: Float[Tensor, "chosen width"],
        chosen: Bool[Tensor, "rows tokens"],
        again: Float[Tensor, "mixed width"],
    ) -> Float[Tensor, "chosen width"]:
        """The teacher's logits or last states at `chosen` tokens, mixed at those that are places.

        Parameters
        ----------
        values : of the texts, at the chosen tokens, row by row.
        again : of the twins, at `wanted(chosen)`, row by row.
        """
        mixed = self.wanted(chosen)
        return blend(values, self.places[chosen], again, self.own[mixed[self.places]])

    def wanted(self, chosen: Bool[Tensor, "rows tokens"]) -> Bool[Tensor, "rows tokens"]:
        """At which tokens of the twins a teacher's answer is needed."""
        return self.places & chosen


def mixture(
    pairs: TokenPairs,
    ids: Int[np.ndarray, "rows tokens"],
    real: Bool[np.ndarray, "rows tokens"],
    share: Float32[np.ndarray, " rows"],
    device: torch.device,
) -> Mixture | None:
    """The mixture of a batch; None where no pair word stands, and nothing needs a second look.

    Parameters
    ----------
    ids, real : what the model sees, masks and all, and which tokens are no padding.
    share : one a text, by `shares`: drawn for the whole batch, so that who computes which rows decides nothing.
    """
    swap = pairs(ids, real)
    if not swap.places.any():
        return None
    own = np.where(swap.second, share[:, None], 1 - share[:, None])[swap.places]
    return Mixture(
        torch.from_numpy(swap.places).to(device),
        torch.from_numpy(swap.ids).to(device),
        torch.from_numpy(own.astype(np.float32)).to(device),
    )


def taught(
    mixed: Mixture | None,
    parts: Sequence[str],
    answer: Answer,
    places: Int[Tensor, " places"],
    mask: Int[Tensor, "rows tokens"],
    ask: Ask,
) -> Answer:
    """What the student follows: the teacher's answer, mixed with what it says of the twins.

    The teacher is asked a second time only about rows with a pair word, and only if its answer to that is mixed. Where
    the KL counts masked tokens alone, next to nothing of the logits is: a word behind a mask is no pair word.

    Parameters
    ----------
    parts : of PARTS.
    answer : the teacher's about the texts, with its logits at `places`, counted through the rows, rising.
    """
    if mixed is None or not {"logits", "output"} & set(parts):
        return answer
    chosen = torch.zeros_like(mixed.places).flatten().index_fill(0, places, True).view_as(mixed.places)
    rows, wanted = mixed.rows, mixed.wanted(chosen) & ("logits" in parts)
    if not wanted.any() and "output" not in parts:
        return answer
    logits, states = answer
    again = ask(mixed.twins[rows], mask[rows], torch.nonzero(wanted[rows].flatten()).flatten())
    if "logits" in parts:
        logits = mixed.follow(logits, chosen, again[0])
    if "output" in parts:
        states = blend(states, mixed.places, again[1][mixed.places[rows]], mixed.own)
    return logits, states
