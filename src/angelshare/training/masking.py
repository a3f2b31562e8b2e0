"""Which tokens a masked model must guess, and what it sees in their place: pure NumPy, no model inside."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from jaxtyping import Bool, Float64, Int

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Masker", "Masking", "Smoothed", "drawn"]

Ids: TypeAlias = Int[np.ndarray, "rows tokens"]
Places: TypeAlias = Bool[np.ndarray, "rows tokens"]


class Masker(Protocol):
    """Ids and which of them are no padding -> what the model sees, and True where it must guess."""

    def __call__(self, ids: Ids, real: Places, rng: np.random.Generator) -> tuple[Ids, Places]: ...


@dataclass(frozen=True, eq=False)
class Masking:
    """Every token with the same chance (Devlin et al. 2019, section 3.1).

    Attributes
    ----------
    share : chance of each token that is not special.
    special : (vocabulary,) True for ids that are never masked, and never stand in for a token.
    mask : id of the mask.
    """

    share: float
    special: Bool[np.ndarray, " vocabulary"]
    mask: int

    @classmethod
    def of(cls, share: float, tokenizer: "PreTrainedTokenizerBase", vocabulary: int) -> "Masking":
        return cls(share, _special(tokenizer, vocabulary), int(tokenizer.mask_token_id))

    def __call__(self, ids: Ids, real: Places, rng: np.random.Generator) -> tuple[Ids, Places]:
        """At least one token of a batch that has any is to be guessed."""
        able = real & ~self.special[ids]
        chance = np.where(able, rng.random(ids.shape), np.inf)
        chosen = chance < self.share
        if not chosen.any() and able.any():
            chosen.flat[np.argmin(chance)] = True
        return _replaced(ids, chosen, self.special, self.mask, rng), chosen


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Rare tokens more often (Sanh et al. 2019, in their code; Lample and Conneau 2019, section 3.4).

    Of all tokens of a batch together, ceil(share * tokens) are drawn without replacement, with chances in proportion to
    max(count, 1)^-smoothing. Specials count among the tokens and are never drawn.

    Attributes
    ----------
    weights : (vocabulary,) in proportion to the chance of each token's first draw; 0 for specials.
    """

    share: float
    special: Bool[np.ndarray, " vocabulary"]
    mask: int
    weights: Float64[np.ndarray, " vocabulary"]

    @classmethod
    def of(
        cls,
        share: float,
        smoothing: float,
        tokenizer: "PreTrainedTokenizerBase",
        counts: Int[np.ndarray, " vocabulary"],
    ) -> "Smoothed":
        """`counts` are how often each token stands in the corpus."""
        special = _special(tokenizer, len(counts))
        weights = np.where(special, 0.0, np.maximum(counts, 1).astype(np.float64) ** -smoothing)
        return cls(share, special, int(tokenizer.mask_token_id), weights)

    def __call__(self, ids: Ids, real: Places, rng: np.random.Generator) -> tuple[Ids, Places]:
        chosen = np.zeros(ids.shape, dtype=bool)
        wanted = math.ceil(self.share * int(real.sum()))
        chosen.flat[drawn(np.where(real, self.weights[ids], 0.0).ravel(), wanted, rng)] = True
        return _replaced(ids, chosen, self.special, self.mask, rng), chosen


def drawn(weights: Float64[np.ndarray, " places"], count: int, rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
    """Places in the order they are drawn, one by one without replacement, each draw in proportion to what is left.

    The first of independent exponential waits with rates `weights` is place i with chance w_i / sum(w), and the waits
    of the others know nothing of it (Efraimidis and Spirakis 2006). Places of weight 0 are never drawn.
    """
    able = np.flatnonzero(weights > 0)
    waits = rng.standard_exponential(len(able)) / weights[able]
    count = min(count, len(able))
    first = np.argpartition(waits, count - 1)[:count] if 0 < count < len(able) else np.arange(count)
    found: np.ndarray = able[first[np.argsort(waits[first], kind="stable")]]
    return found


def _special(tokenizer: "PreTrainedTokenizerBase", vocabulary: int) -> Bool[np.ndarray, " vocabulary"]:
    special = np.zeros(vocabulary, dtype=bool)
    special[[at for at in tokenizer.all_special_ids if at < vocabulary]] = True
    special[len(tokenizer) :] = True  # embeddings that no token has
    return special


def _replaced(
    ids: Ids, chosen: Places, special: Bool[np.ndarray, " vocabulary"], mask: int, rng: np.random.Generator
) -> Ids:
    """80 % of the chosen tokens become the mask, 10 % a random token, 10 % stay."""
    fate, others = rng.random(ids.shape), rng.choice(np.flatnonzero(~special), size=ids.shape)
    seen = np.where(chosen & (fate < 0.8), mask, ids)
    return np.where(chosen & (fate >= 0.9), others, seen)
