"""How to train, in words that every loop shares; and what one process computes at once of a step."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Int

from angelshare.errors import TrainingError

__all__ = ["Part", "TrainOptions"]


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How to train.

    Attributes
    ----------
    learning_rate : the highest; it rises over the first `warmup` of the steps and falls in a line to 0 at the last.
    batch_size : rows a step.
    epochs : passes over the training rows.
    warmup : fraction of the steps.
    weight_decay : AdamW's, on weight matrices only.
    clip : the gradient's norm is cut to this.
    betas, epsilon : AdamW's.
    accumulate : parts that a step is computed in, one after the other, to save memory; where the loop takes them.
    patience : dev assessments without a better one before training stops.
    precision : bfloat16 autocast, or not; "auto" takes it for transformers where the device computes in it.
    checkpoint_seconds : seconds between checkpoints; none is written before the first have passed.
    checkpoint_steps : steps between checkpoints instead.
    """

    learning_rate: float = 1e-3
    batch_size: int = 32
    epochs: int = 10
    warmup: float = 0.06
    weight_decay: float = 0.01
    clip: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    accumulate: int = 1
    patience: int = 5
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    checkpoint_seconds: float = 30.0
    checkpoint_steps: int | None = None

    def __post_init__(self) -> None:
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise TrainingError(f"The precision must be auto, float32 or bfloat16. Got '{self.precision}' instead.")
        if not self.learning_rate > 0 or self.batch_size < 1 or self.epochs < 1:
            raise TrainingError(
                "The learning rate must be above 0, and batch size and epochs at least 1. "
                f"Got {self.learning_rate}, {self.batch_size} and {self.epochs} instead."
            )
        if self.accumulate < 1 or self.batch_size % self.accumulate:
            raise TrainingError(
                "A batch must fall into equal parts. "
                f"Got {self.batch_size} rows in {self.accumulate} parts: change --batch-size or --accumulate."
            )

    def facts(self) -> dict[str, Any]:
        """The options that decide the weights; how often checkpoints are written does not.

        Those that came later are told only where they differ from what was always so.
        """
        skipped = ("checkpoint_seconds", "checkpoint_steps")
        later = {"betas": (0.9, 0.999), "epsilon": 1e-8, "accumulate": 1}
        return {
            name: value
            for name, value in vars(self).items()
            if name not in skipped and not (name in later and later[name] == value)
        }


@dataclass(frozen=True, eq=False)
class Part:
    """What a process computes at once of a step.

    Attributes
    ----------
    rows : places in the step's batch.
    weight : of its losses; 0 where the step has no row for this process, which then computes another's for nothing.
    last : whether the gradients of all processes meet after it.
    """

    number: int
    rows: Int[np.ndarray, " part"]
    weight: float
    last: bool
