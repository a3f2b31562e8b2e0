"""How to distil: losses, their weights, and what is known to train each kind of student well."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from angelshare import losses
from angelshare.data.stream import open_source
from angelshare.data.tables import Columns, Table
from angelshare.errors import ModelError
from angelshare.training.augmented import Augmentation
from angelshare.training.engine import TrainOptions
from angelshare.training.twins import Mixup

LOSSES = ("kl", "mse", "soft_ce", "bce")

__all__ = ["DEFAULTS", "DistilOptions"]

DEFAULTS = {
    "bow": TrainOptions(learning_rate=5e-3, batch_size=64, epochs=30, patience=8),
    "cnn": TrainOptions(learning_rate=1e-3, batch_size=64, epochs=8, patience=3),
    "bilstm": TrainOptions(learning_rate=2e-3, batch_size=64, epochs=8, patience=3),
    "transformer": TrainOptions(learning_rate=1e-4, batch_size=32, epochs=5, patience=2),
}
"""bow and bilstm were tried on the dev split of emotion; the others follow the literature."""


@dataclass(frozen=True, kw_only=True)
class DistilOptions:
    """How to distil.

    Attributes
    ----------
    loss : kl (of the distributions; multi-label: of each label's coin), mse of logits, soft_ce (its multi-label form is
        bce), or bce.
    temperature : divides both sides' logits; above 1 the small probabilities count more. On emotion's dev split
        `bow` gains half a point from 1 to 2 and half a point from 2 to 4.
    soft_weight, gold_weight : of the soft loss, and of the loss on golden labels where a row has them.
    hidden_weight, cosine_weight : of the squared distance, and of 1 - cosine, between the last token states of student
        and teacher. Above 0 the teacher reads each batch again, and the student must be made of its layers.
    gold_ratio : golden rows' share of each pass: all other rows come once, golden ones as often as that takes, those
        with the smallest hash of their id first. As many as there are where None. The `gold` control has each once.
    dev_fraction : share held out by hashed id where no dev table is given.
    augment : copies of the texts to learn from, which the teacher labels, too; the `gold` control has none of them.
    mixup : texts that mention a pair word are mixed with their twins, for the soft student alone: its controls learn
        from the texts as they are.
    not_in : audit sets none of whose texts are labelled here: files, "set:" or "hub:" names, with their columns.
    training : instead of the student's defaults.
    """

    loss: Literal["kl", "mse", "soft_ce", "bce"] = "kl"
    temperature: float = 4.0
    soft_weight: float = 1.0
    gold_weight: float = 0.0
    hidden_weight: float = 0.0
    cosine_weight: float = 0.0
    gold_ratio: float | None = None
    dev_fraction: float = 0.1
    augment: Augmentation | None = None
    mixup: Mixup | None = None
    not_in: Sequence[tuple[Table | str | Path, Columns | None]] = ()
    seed: int = 0
    training: TrainOptions | None = None

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ModelError(f"The loss must be one of {', '.join(LOSSES)}. Got '{self.loss}' instead.")
        if not 0 < self.temperature < math.inf:
            raise ModelError(f"The temperature must be a number above 0. Got {self.temperature} instead.")
        weights = (self.soft_weight, self.gold_weight, self.hidden_weight, self.cosine_weight)
        if not all(0 <= weight < math.inf for weight in weights) or self.soft_weight + self.gold_weight == 0:
            raise ModelError("The weights of the losses must be numbers from 0, soft and golden not both 0.")

        if self.gold_ratio is not None and not 0 <= self.gold_ratio < 1:
            raise ModelError(f"Golden rows' share must be in [0, 1). Got {self.gold_ratio} instead.")

    def train(self, kind: str) -> TrainOptions:
        return self.training or DEFAULTS[kind]

    @property
    def follows_states(self) -> bool:
        return self.hidden_weight > 0 or self.cosine_weight > 0

    def facts(self) -> dict[str, Any]:
        apart = ("training", "augment", "mixup", "not_in")
        plain = {name: value for name, value in vars(self).items() if name not in apart}
        if self.augment is not None:
            plain["augment"] = self.augment.facts()
        if self.mixup is not None:
            plain["mixup"] = self.mixup.facts()
        if self.not_in:
            plain["not_in"] = sorted(open_source(source, which).digest for source, which in self.not_in)
        return plain

    def soft_loss(self, multilabel: bool) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """(student's logits, teacher's logits, row weights) -> loss."""
        if self.loss == "mse":
            return losses.logits_mse
        if self.loss == "bce" and not multilabel:
            raise ModelError("The loss 'bce' is for multi-label teachers. This one is single-label: take kl.")
        chosen = {
            "kl": losses.bernoulli_kl if multilabel else losses.kl,
            "soft_ce": losses.soft_bce if multilabel else losses.soft_cross_entropy,
            "bce": losses.soft_bce,
        }[self.loss]
        return lambda student, teacher, weight: chosen(student, teacher, self.temperature, weight)
