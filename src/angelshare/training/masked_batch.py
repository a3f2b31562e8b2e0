"""A masked batch: drawn for all processes at once, then read in parts."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int
from torch import Tensor

from angelshare.mitigate.mixup import Mixture, mixture
from angelshare.mitigate.tokenpairs import TokenPairs
from angelshare.models.batching import Encoded
from angelshare.training.masking import Masker

__all__ = ["Given", "MaskedBatch"]

NONE = -100
"""In place of the truth where nothing is to be guessed."""


@dataclass(frozen=True, eq=False)
class Given:
    """What a model reads at once, and what is asked about it.

    Attributes
    ----------
    inputs : (rows, tokens) `input_ids`, masked, and `attention_mask`.
    original : (rows, tokens) the ids before they were masked.
    places : (places,) that pass the vocabulary's matrix, counted through the rows, rising.
    truth : (places,) the token to guess; negative where the place is not masked.
    attended, masked : how many tokens are no padding, and how many of them are masked.
    mixed : the pair words that are mixed with their partners; None where none stands, or no mixup is wanted.
    """

    inputs: dict[str, Tensor]
    original: Int[Tensor, "rows tokens"]
    places: Int[Tensor, " places"]
    truth: Int[Tensor, " places"]
    attended: int
    masked: int
    mixed: Mixture | None = None

    def counted(self, over: str) -> int:
        return self.masked if over == "masked" else self.attended


@dataclass(frozen=True, eq=False)
class MaskedBatch:
    """All rows of a step, masked: each process draws the same, so nothing is sent to count its tokens.

    Attributes
    ----------
    ids, seen : (rows, tokens) before and after masking.
    real, chosen : (rows, tokens) True where there is no padding, and where a token is to be guessed.
    pairs, shares : whose words are mixed, and (rows,) the share of the second word of each pair.
    """

    ids: Int[np.ndarray, "rows tokens"]
    seen: Int[np.ndarray, "rows tokens"]
    real: Bool[np.ndarray, "rows tokens"]
    chosen: Bool[np.ndarray, "rows tokens"]
    pairs: TokenPairs | None = None
    shares: Float32[np.ndarray, " rows"] | None = None

    @classmethod
    def drawn(
        cls, texts: Encoded, rows: Int[np.ndarray, " rows"], mask: Masker, rng: np.random.Generator
    ) -> "MaskedBatch":
        batch = texts.batch(rows)
        ids, real = batch["input_ids"].numpy(), batch["attention_mask"].numpy().astype(bool)
        seen, chosen = mask(ids, real, rng)
        return cls(ids, seen, real, chosen)

    @property
    def attended(self) -> int:
        return int(self.real.sum())

    @property
    def masked(self) -> int:
        return int(self.chosen.sum())

    def counted(self, over: str) -> int:
        return self.masked if over == "masked" else self.attended

    def part(self, rows: Int[np.ndarray, " part"], over: str, device: torch.device) -> Given:
        """Some of the rows, padded to their longest; all places but padding pass the vocabulary, or the masked ones."""
        width = int(self.real[rows].sum(1).max())
        ids, seen, real, chosen = (whole[rows, :width] for whole in (self.ids, self.seen, self.real, self.chosen))
        places = np.flatnonzero(chosen if over == "masked" else real)
        truth = np.where(chosen, ids, NONE).ravel()[places]
        tensors = (seen, real.astype(np.int64), ids, places, truth)
        read, mask, original, at, right = (torch.from_numpy(np.ascontiguousarray(one)).to(device) for one in tensors)
        inputs = {"input_ids": read, "attention_mask": mask}
        mixed = None
        if self.pairs is not None and self.shares is not None:
            mixed = mixture(self.pairs, seen, real, self.shares[rows], device)
        return Given(inputs, original, at, right, int(real.sum()), int(chosen.sum()), mixed)
