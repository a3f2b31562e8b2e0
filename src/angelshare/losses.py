"""What a student is trained on: pure functions of tensors and row weights, no model inside.

Every loss is a scalar in nats (errors of squared units excepted): a value a row, then the weighted mean over rows,
sum(weight * value) / sum(weight). Without `weight` each row counts once; rows of weight 0 are masked out, and where no
row is left the loss is 0. `temperature` divides both sides' logits; the T^2 of Hinton et al. (2015),
https://arxiv.org/abs/1503.02531, keeps the gradients' size the same at each T.
"""

from typing import Any, TypeAlias

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.nn import functional

__all__ = [
    "bernoulli_kl",
    "distillation_sums",
    "golden_bce",
    "golden_cross_entropy",
    "hidden_cosine",
    "hidden_mse",
    "kl",
    "logits_mse",
    "row_mean",
    "soft_bce",
    "soft_cross_entropy",
]

Logits: TypeAlias = Float[Tensor, "rows labels"]
Weight: TypeAlias = Shaped[Tensor, " rows"]
Scalar: TypeAlias = Float[Tensor, ""]

AT_ONCE = 1 << 19
"""Logits that `distillation_sums` works on at a time: they stay in a processor's cache. An accelerator takes more."""


def row_mean(values: Float[Tensor, " rows"], weight: Weight | None = None) -> Scalar:
    """The weighted mean over rows; rows of weight 0 are left out even where their value is not finite."""
    if weight is None:
        return values.mean()
    weight = weight.to(values.dtype)
    kept = torch.where(weight == 0, torch.zeros_like(values), values)
    return (kept * weight).sum() / weight.sum().clamp_min(torch.finfo(values.dtype).tiny)


def _positive(temperature: float) -> None:
    if not temperature > 0:
        raise ValueError(f"The temperature must be positive. Got {temperature!r} instead.")


def kl(student: Logits, teacher: Logits, temperature: float = 1.0, weight: Weight | None = None) -> Scalar:
    """T^2 * KL(softmax(teacher / T) || softmax(student / T)), nats: for single-label models (one label holds)."""
    _positive(temperature)
    ours = functional.log_softmax(student.float() / temperature, dim=1)
    theirs = functional.log_softmax(teacher.float() / temperature, dim=1)
    return row_mean((theirs.exp() * (theirs - ours)).sum(1) * temperature**2, weight)


def bernoulli_kl(student: Logits, teacher: Logits, temperature: float = 1.0, weight: Weight | None = None) -> Scalar:
    """T^2 * the sum over labels of KL between two coins, nats: for multi-label models (each label decided alone)."""
    _positive(temperature)
    ours, theirs = student.float() / temperature, teacher.float() / temperature
    p = torch.sigmoid(theirs)
    heads = p * (functional.logsigmoid(theirs) - functional.logsigmoid(ours))
    tails = (1 - p) * (functional.logsigmoid(-theirs) - functional.logsigmoid(-ours))
    return row_mean((heads + tails).sum(1) * temperature**2, weight)


def logits_mse(student: Logits, teacher: Logits, weight: Weight | None = None) -> Scalar:
    """The mean over labels of the squared distance of logits (Ba and Caruana, 2014), nats squared."""
    return row_mean((student.float() - teacher.float()).square().mean(1), weight)


def soft_cross_entropy(
    student: Logits, teacher: Logits, temperature: float = 1.0, weight: Weight | None = None
) -> Scalar:
    """T^2 * cross-entropy to the teacher's distribution at T: `kl` plus the teacher's entropy, the same gradient."""
    _positive(temperature)
    ours = functional.log_softmax(student.float() / temperature, dim=1)
    theirs = functional.softmax(teacher.float() / temperature, dim=1)
    return row_mean(-(theirs * ours).sum(1) * temperature**2, weight)


def soft_bce(student: Logits, teacher: Logits, temperature: float = 1.0, weight: Weight | None = None) -> Scalar:
    """T^2 * the sum over labels of binary cross-entropy to the teacher's probability at T; multi-label."""
    _positive(temperature)
    targets = torch.sigmoid(teacher.float() / temperature)
    each = functional.binary_cross_entropy_with_logits(student.float() / temperature, targets, reduction="none")
    return row_mean(each.sum(1) * temperature**2, weight)


def golden_cross_entropy(
    logits: Logits,
    target: Int[Tensor, " rows"] | Float[Tensor, "rows labels"],
    class_weights: Float[Tensor, " labels"] | None = None,
    weight: Weight | None = None,
) -> Scalar:
    """Cross-entropy to human labels, an index a row or a distribution a row.

    A class weight multiplies its rows' share of the mean, so the loss keeps its scale whatever the weights are (as
    torch's own `weight=` does): with indices, sum(c[y] * value) / sum(c[y]).
    """
    log_p = functional.log_softmax(logits.float(), dim=1)
    shares = target if target.is_floating_point() else functional.one_hot(target.long(), logits.shape[1])
    shares = shares.to(log_p.dtype)
    values = -(shares * log_p).sum(1)
    if class_weights is not None:
        rows = (shares * class_weights.to(shares)).sum(1)
        weight = rows if weight is None else weight.to(rows) * rows
    return row_mean(values, weight)


def golden_bce(
    logits: Logits,
    target: Float[Tensor, "rows labels"],
    positive_weights: Float[Tensor, " labels"] | None = None,
    weight: Weight | None = None,
) -> Scalar:
    """The sum over labels of binary cross-entropy to fractions; `positive_weights` multiply the positive part."""
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), target.float(), reduction="none", pos_weight=positive_weights
    )
    return row_mean(each.sum(1), weight)


def hidden_mse(
    student: Float[Tensor, "rows *any width"], teacher: Float[Tensor, "rows *any width"], mask: Tensor | None = None
) -> Scalar:
    """The mean squared distance of hidden states over their width and the places where `mask` is not 0.

    `mask` has the states' shape without the width: (rows,) for pooled features, (rows, tokens) for token states.
    """
    values = (student.float() - teacher.float()).square().mean(-1)
    return row_mean(values.flatten(), None if mask is None else mask.flatten())


def hidden_cosine(
    student: Float[Tensor, "rows *any width"], teacher: Float[Tensor, "rows *any width"], mask: Tensor | None = None
) -> Scalar:
    """1 - the cosine of hidden states (0 same direction, 2 opposite), mean over the places where `mask` is not 0."""
    values = 1 - functional.cosine_similarity(student.float(), teacher.float(), dim=-1)
    return row_mean(values.flatten(), None if mask is None else mask.flatten())


def distillation_sums(
    student: Float[Tensor, "tokens vocabulary"],
    teacher: Float[Tensor, "tokens vocabulary"],
    truth: Int[Tensor, " tokens"],
    temperature: float = 1.0,
) -> tuple[Scalar, Scalar]:
    """`kl` and `golden_cross_entropy` summed over tokens, in one pass over logits that are as wide as a vocabulary.

    Sums, for who divides by the tokens of a batch that is spread over parts and processes.

    Parameters
    ----------
    truth : the token that stands there, for the cross-entropy; tokens of a negative `truth` have none.
    """
    _positive(temperature)
    both: tuple[Scalar, Scalar] = _DistillationSums.apply(student, teacher, truth, temperature)  # type: ignore[no-untyped-call]
    return both


class _DistillationSums(torch.autograd.Function):
    """A few rows at a time, loss and gradient together: autograd would walk through all logits some twenty times."""

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor, truth: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        learns = ctx.needs_input_grad[0]
        gradient = torch.empty_like(student) if learns else student
        total = student.new_zeros((), dtype=torch.float32)
        at_once = AT_ONCE if student.device.type == "cpu" else AT_ONCE << 7
        rows = max(1, at_once // student.shape[1])
        slices = (torch.split(whole, rows) for whole in (student, teacher, gradient))
        for ours, theirs, slot in zip(*slices, strict=True):
            q = functional.log_softmax(ours.float() / temperature, dim=1)
            log_p = functional.log_softmax(theirs.float() / temperature, dim=1)
            p = log_p.exp()
            total += (p * log_p.sub_(q)).sum()
            if learns:
                slot.copy_(q.exp_().sub_(p).mul_(temperature))
        guessed = torch.nonzero(truth >= 0)[:, 0]
        right = truth[guessed][:, None]
        log_q = functional.log_softmax(student[guessed].float(), dim=1)
        missed = -log_q.gather(1, right).sum()
        if learns:
            log_q = log_q.exp_().scatter_add_(1, right, -torch.ones_like(right, dtype=torch.float32))
            ctx.save_for_backward(gradient, guessed, log_q.to(student.dtype))
        return total * temperature**2, missed

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, of_kl: Tensor, of_truth: Tensor) -> tuple[Tensor, None, None, None]:
        gradient, guessed, missed = ctx.saved_tensors
        found = gradient * of_kl
        found.index_add_(0, guessed, (missed * of_truth).to(found.dtype))
        return found, None, None, None
