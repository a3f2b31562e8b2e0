"""How a dev split chooses the checkpoint: one score that orders assessments, the dev loss deciding ties."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import expit, log_expit, log_softmax, softmax

from angelshare.errors import TrainingError
from angelshare.metrics.ranking import auc_roc

__all__ = ["DevScore", "against_gold", "against_teacher", "of_masked", "of_numbers"]


@dataclass(frozen=True)
class DevScore:
    """A dev assessment: more `value` is better, and of equal values less `loss` (nats a row).

    Attributes
    ----------
    metric : what `value` is: accuracy, auc_roc (mean over labels), agreement, or minus the loss, the perplexity or the
        squared error (which is then the loss).
    others : figures to look at, which choose nothing.
    """

    metric: str
    value: float
    loss: float
    others: Mapping[str, float] = field(default_factory=dict)

    def __gt__(self, other: "DevScore") -> bool:
        return (self.value, -self.loss) > (other.value, -other.loss)

    def facts(self) -> dict[str, Any]:
        found = {"metric": self.metric, "value": self.value, "loss": self.loss}
        return {**found, "others": dict(self.others)} if self.others else found


def _loss(logits: np.ndarray, targets: np.ndarray, multilabel: bool) -> float:
    wide = logits.astype(np.float64)
    if multilabel:
        rows = -(targets * log_expit(wide) + (1 - targets) * log_expit(-wide)).sum(1)
    else:
        rows = -(targets * log_softmax(wide, axis=1)).sum(1)
    found = float(rows.mean())
    if not math.isfinite(found):
        raise TrainingError("The student's scores on the dev split are not finite. Lower --learning-rate.")
    return found


def against_gold(
    logits: Float32[np.ndarray, "rows labels"], targets: Float[np.ndarray, "rows labels"], multilabel: bool
) -> DevScore:
    """Accuracy where one label holds; else the mean AUC-ROC of the labels that have both classes in the dev split."""
    loss = _loss(logits, targets, multilabel)
    if not multilabel:
        return DevScore("accuracy", float((logits.argmax(1) == targets.argmax(1)).mean()), loss)
    positive = targets >= 0.5
    both = [at for at in range(targets.shape[1]) if positive[:, at].any() and not positive[:, at].all()]
    if not both:
        return DevScore("minus_loss", -loss, loss)
    return DevScore("auc_roc", float(np.mean([auc_roc(logits[:, at], positive[:, at]) for at in both])), loss)


def of_numbers(predicted: Float32[np.ndarray, "rows labels"], targets: Float[np.ndarray, "rows labels"]) -> DevScore:
    """Minus the mean squared error: a model that still says the same of every row has no correlation to go by.

    Raises
    ------
    TrainingError : a prediction is not finite.
    """
    error = float(np.square(predicted.astype(np.float64) - targets).mean())
    if not math.isfinite(error):
        raise TrainingError("The predictions on the dev split are not finite. Lower --learning-rate.")
    return DevScore("minus_squared_error", -error, error)


def of_masked(loss: float, **others: float) -> DevScore:
    """Minus the perplexity of masked tokens: exp of `loss`, nats a token; and other figures.

    Raises
    ------
    TrainingError : the loss is not finite.
    """
    if not all(map(math.isfinite, (loss, *others.values()))):
        raise TrainingError("The loss on the dev split is not finite. Lower --learning-rate.")
    return DevScore("minus_perplexity", -math.exp(min(loss, 700.0)), loss, others)


def against_teacher(
    logits: Float32[np.ndarray, "rows labels"], teacher: Float32[np.ndarray, "rows labels"], multilabel: bool
) -> DevScore:
    """Without golden labels: agreement with the teacher; multi-label, minus the loss to its probabilities."""
    if multilabel:
        loss = _loss(logits, expit(teacher.astype(np.float64)), True)
        return DevScore("minus_loss", -loss, loss)
    loss = _loss(logits, softmax(teacher.astype(np.float64), axis=1), False)
    return DevScore("agreement", float((logits.argmax(1) == teacher.argmax(1)).mean()), loss)
