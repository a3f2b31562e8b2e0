"""How to distil a masked model: DistilBERT's recipe (Sanh et al. 2019), as Ahn et al. 2022 print its settings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from angelshare.data.tokens import StoreOptions
from angelshare.errors import ModelError
from angelshare.mitigate.mixup import ALPHA, check_alpha, check_parts
from angelshare.mitigate.pairs import PairList
from angelshare.training.settings import TrainOptions

__all__ = ["INITIALIZER", "PRESETS", "EncoderMixup", "EncoderOptions", "HeadOptions", "OnCorpus"]

PRESETS = {
    "distilbert": {"kl_weight": 5.0, "mlm_weight": 2.0, "cosine_weight": 1.0},
    "as-printed": {"kl_weight": 1.0, "mlm_weight": 1.0, "cosine_weight": 1.0},
}
"""DistilBERT's true weights; and the sum without weights that Ahn et al. print. Which of them they ran is unknown."""

INITIALIZER = 0.02
"""Standard deviation of weights that are drawn: those of a new head. A student's are its teacher's."""

RECIPE: dict[str, Any] = {
    "learning_rate": 5e-4,
    "batch_size": 8,
    "epochs": 3,
    "warmup": 0.05,
    "weight_decay": 0.0,
    "clip": 5.0,
    "betas": (0.9, 0.98),
    "epsilon": 1e-6,
    "patience": 10_000,
}
"""Appendix D.1 of Ahn et al.; the betas are DistilBERT's."""


@dataclass(frozen=True, kw_only=True)
class OnCorpus:
    """What every training of a masked model on a corpus shares.

    Attributes
    ----------
    masked : share of tokens to guess.
    smoothing : a token's chance to be one of them is in proportion to max(count, 1)^-smoothing.
    dev_tokens : of the corpus's dev part, about how many are assessed.
    evaluations : how often they are.
    steps : optimizer steps in all, in place of the epochs.
    """

    masked: float = 0.15
    smoothing: float = 0.7
    corpus: StoreOptions = field(default_factory=StoreOptions)
    dev_tokens: int = 16_384
    evaluations: int = 20
    steps: int | None = None
    seed: int = 0
    training: TrainOptions = field(default_factory=lambda: TrainOptions(**RECIPE))

    def __post_init__(self) -> None:
        if not 0 < self.masked < 1:
            raise ModelError(f"The share of masked tokens must be between 0 and 1. Got {self.masked} instead.")
        if (self.steps is not None and self.steps < 1) or self.evaluations < 1:
            raise ModelError("There must be at least one step and one evaluation.")

    def facts(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name not in ("training", "corpus")}
        return {**own, **vars(self.corpus), **self.training.facts()}


@dataclass(frozen=True)
class EncoderMixup:
    """Which words are mixed with their partners, and where (Ahn et al. 2022, section 5.1).

    Attributes
    ----------
    alpha : of Beta(alpha, alpha), from which each sequence's share is drawn.
    parts : of `mitigate.mixup.PARTS`: the student's input embeddings, the teacher's last states, its logits.
    """

    pairs: PairList
    alpha: float = ALPHA
    parts: Sequence[str] = ("logits", "input")

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        object.__setattr__(self, "parts", check_parts(self.parts))

    def facts(self) -> dict[str, Any]:
        return {"pairs": self.pairs.digest, "alpha": self.alpha, "parts": list(self.parts)}


@dataclass(frozen=True, kw_only=True)
class EncoderOptions(OnCorpus):
    """How to distil a masked model; the rest as of `OnCorpus`.

    Attributes
    ----------
    layers : which of the teacher's layers the student starts from, or how many, spread from the first to the last;
        half of them where None.
    kl_weight, mlm_weight, cosine_weight : of KL(teacher || student) at `temperature` with its square, of the
        cross-entropy of masked tokens, and of 1 - cosine of the last states. Each is a mean over tokens, in nats.
        Without the first and the last it is the control: the same student on the same tokens, without the teacher.
    kl_over : the tokens that the KL is over: all but padding, or the masked ones. The cosine is over all but padding.
    dropout : of the student; its teacher's where None.
    mixup : of pair words with their partners.
    """

    layers: int | Sequence[int] | None = None
    kl_weight: float = 5.0
    mlm_weight: float = 2.0
    cosine_weight: float = 1.0
    temperature: float = 2.0
    kl_over: Literal["attended", "masked"] = "attended"
    dropout: float | None = None
    mixup: EncoderMixup | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = (self.kl_weight, self.mlm_weight, self.cosine_weight)
        if not all(0 <= weight < math.inf for weight in weights) or self.kl_weight + self.mlm_weight == 0:
            raise ModelError("The weights of the losses must be numbers from 0, those of KL and MLM not both 0.")
        if not 0 < self.temperature < math.inf:
            raise ModelError(f"The temperature must be a number above 0. Got {self.temperature} instead.")
        if self.kl_over not in ("attended", "masked"):
            raise ModelError(f"The KL must be over attended or masked tokens. Got '{self.kl_over}' instead.")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ModelError(f"The dropout must be from 0 and under 1. Got {self.dropout} instead.")
        for part, weight, loss in (("logits", self.kl_weight, "KL"), ("output", self.cosine_weight, "cosine")):
            if self.mixup is not None and part in self.mixup.parts and not weight:
                raise ModelError(
                    f"A mixup at '{part}' acts through the {loss}, whose weight is 0. Weigh it, or mix elsewhere."
                )

    def facts(self) -> dict[str, Any]:
        return super().facts() | {"mixup": None if self.mixup is None else self.mixup.facts()}

    @property
    def asks_teacher(self) -> bool:
        return self.kl_weight > 0 or self.cosine_weight > 0


@dataclass(frozen=True, kw_only=True)
class HeadOptions(OnCorpus):
    """How to train a head for an encoder that has none; the encoder stays as it is."""

    training: TrainOptions = field(
        default_factory=lambda: TrainOptions(**{**RECIPE, "learning_rate": 1e-3, "batch_size": 32, "epochs": 1})
    )
