import math

import pytest
import torch

from angelshare import losses

STUDENT = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
TEACHER = torch.tensor([[0.0, 0.0], [4.0, 0.0]])
T = 2.0


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(x) for x in row)
    return [math.exp(x) / total for x in row]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def kl_rows(student: torch.Tensor, teacher: torch.Tensor) -> list[float]:
    rows = []
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        q, p = softmax([x / T for x in s]), softmax([x / T for x in t])
        rows.append(T * T * sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
    return rows


def bernoulli_rows(student: torch.Tensor, teacher: torch.Tensor) -> list[float]:
    rows = []
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        total = 0.0
        for a, b in zip(s, t, strict=True):
            q, p = sigmoid(a / T), sigmoid(b / T)
            total += p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
        rows.append(T * T * total)
    return rows


def test_kl_by_hand() -> None:
    # One row: teacher (1/2, 1/2), student logits (2, 0) at T = 2 are (1, 0): q = (.7310586, .2689414).
    by_hand = 4 * (0.5 * math.log(0.5 / 0.7310586) + 0.5 * math.log(0.5 / 0.2689414))
    assert losses.kl(STUDENT[:1], TEACHER[:1], T).item() == pytest.approx(by_hand, rel=1e-5)
    assert losses.kl(STUDENT, TEACHER, T).item() == pytest.approx(sum(kl_rows(STUDENT, TEACHER)) / 2, rel=1e-5)


def test_bernoulli_kl_sums_over_labels() -> None:
    expected = sum(bernoulli_rows(STUDENT, TEACHER)) / 2
    assert losses.bernoulli_kl(STUDENT, TEACHER, T).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [losses.kl, losses.bernoulli_kl])
def test_kl_of_equals_is_zero_and_extremes_are_finite(loss) -> None:
    assert loss(TEACHER, TEACHER, T).item() == pytest.approx(0, abs=1e-7)
    far = torch.tensor([[300.0, -300.0]], requires_grad=True)
    value = loss(far, -far.detach(), 1.0)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(far.grad).all()


@pytest.mark.parametrize(
    ("cross", "divergence"), [(losses.soft_cross_entropy, losses.kl), (losses.soft_bce, losses.bernoulli_kl)]
)
def test_cross_entropy_is_divergence_plus_entropy(cross, divergence) -> None:
    entropy = cross(TEACHER, TEACHER, T)
    assert cross(STUDENT, TEACHER, T).item() == pytest.approx(
        (divergence(STUDENT, TEACHER, T) + entropy).item(), rel=1e-5
    )
    one, other = STUDENT.clone().requires_grad_(), STUDENT.clone().requires_grad_()
    cross(one, TEACHER, T).backward()
    divergence(other, TEACHER, T).backward()
    torch.testing.assert_close(one.grad, other.grad)


def test_soft_losses_by_hand() -> None:
    # Row 0: teacher halves; student (1, 0) after T: -(.5 log .7310586 + .5 log .2689414) = .8132617, times T^2.
    assert losses.soft_cross_entropy(STUDENT[:1], TEACHER[:1], T).item() == pytest.approx(4 * 0.8132617, rel=1e-5)
    # The same coin for the first label, log 2 for the second.
    assert losses.soft_bce(STUDENT[:1], TEACHER[:1], T).item() == pytest.approx(4 * (0.8132617 + math.log(2)), rel=1e-5)


def test_gradients_keep_their_size_across_temperatures() -> None:
    grads = []
    for temperature in (50.0, 100.0):
        student = STUDENT.clone().requires_grad_()
        losses.kl(student, TEACHER, temperature).backward()
        grads.append(student.grad)
    torch.testing.assert_close(grads[0], grads[1], rtol=0.02, atol=1e-3)


def test_logits_mse() -> None:
    assert losses.logits_mse(STUDENT, TEACHER).item() == pytest.approx((4 / 2 + 16 / 2) / 2)


@pytest.mark.parametrize(
    "loss",
    [
        lambda s, t, w: losses.kl(s, t, T, w),
        lambda s, t, w: losses.bernoulli_kl(s, t, T, w),
        lambda s, t, w: losses.soft_cross_entropy(s, t, T, w),
        lambda s, t, w: losses.soft_bce(s, t, T, w),
        lambda s, t, w: losses.logits_mse(s, t, w),
        lambda s, t, w: losses.golden_cross_entropy(s, t.softmax(1), None, w),
        lambda s, t, w: losses.golden_bce(s, t.sigmoid(), None, w),
        lambda s, t, w: losses.hidden_mse(s, t, w),
        lambda s, t, w: losses.hidden_cosine(s, t + 1, w),
    ],
)
def test_weights_are_a_weighted_mean_of_rows(loss) -> None:
    first, second = loss(STUDENT[:1], TEACHER[:1], None), loss(STUDENT[1:], TEACHER[1:], None)
    weighted = loss(STUDENT, TEACHER, torch.tensor([3.0, 1.0]))
    torch.testing.assert_close(weighted, (3 * first + second) / 4)
    torch.testing.assert_close(loss(STUDENT, TEACHER, torch.tensor([0, 1])), second)
    assert loss(STUDENT, TEACHER, torch.zeros(2)).item() == 0


def test_a_masked_row_may_be_anything() -> None:
    broken = torch.tensor([[math.nan, 0.0], [0.0, 0.0]], requires_grad=True)
    value = losses.logits_mse(broken, TEACHER, torch.tensor([0.0, 1.0]))
    assert value.item() == pytest.approx(8)


def test_golden_cross_entropy_by_hand_and_as_torch() -> None:
    target = torch.tensor([1, 0])
    expected = (-math.log(softmax([2, 0])[1]) - math.log(0.5)) / 2
    assert losses.golden_cross_entropy(STUDENT, target).item() == pytest.approx(expected, rel=1e-6)
    weights = torch.tensor([1.0, 5.0])
    ours = losses.golden_cross_entropy(STUDENT, target, weights)
    torch.testing.assert_close(ours, torch.nn.functional.cross_entropy(STUDENT, target, weights))
    one_hot = torch.nn.functional.one_hot(target, 2).float()
    torch.testing.assert_close(losses.golden_cross_entropy(STUDENT, one_hot, weights), ours)


def test_golden_bce_takes_fractions_and_positive_weights() -> None:
    logits, target = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.25, 1.0]])
    plain = -(0.25 * math.log(sigmoid(2)) + 0.75 * math.log(sigmoid(-2))) + math.log(2)
    assert losses.golden_bce(logits, target).item() == pytest.approx(plain, rel=1e-6)
    weighted = -(0.25 * math.log(sigmoid(2)) + 0.75 * math.log(sigmoid(-2))) + 3 * math.log(2)
    assert losses.golden_bce(logits, target, torch.tensor([1.0, 3.0])).item() == pytest.approx(weighted, rel=1e-6)


def test_hidden_losses_by_hand_with_a_token_mask() -> None:
    ours = torch.tensor([[[1.0, 0.0], [9.0, 9.0]], [[0.0, 1.0], [1.0, 1.0]]])
    theirs = torch.tensor([[[0.0, 1.0], [1.0, 1.0]], [[0.0, 2.0], [-1.0, -1.0]]])
    mask = torch.tensor([[1, 0], [1, 1]])
    assert losses.hidden_mse(ours, theirs, mask).item() == pytest.approx((1 + 0.5 + 4) / 3)
    assert losses.hidden_cosine(ours, theirs, mask).item() == pytest.approx((1 + 0 + 2) / 3, abs=1e-6)


def test_half_precision_logits_are_widened() -> None:
    assert losses.kl(STUDENT.bfloat16(), TEACHER.bfloat16(), T).dtype == torch.float32


def test_temperature_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"must be positive. Got 0.0 instead"):
        losses.kl(STUDENT, TEACHER, 0.0)


def test_distillation_sums_by_hand() -> None:
    # Teacher (1/2, 1/2), student logits (2, 0), which at T = 2 are (1, 0); at T = 1 the right token has 1 / (1 + e^2).
    kl, missed = losses.distillation_sums(STUDENT[:1], TEACHER[:1], torch.tensor([1]), T)
    by_hand = 4 * (0.5 * math.log(0.5 / 0.7310586) + 0.5 * math.log(0.5 / 0.2689414))
    assert kl.item() == pytest.approx(by_hand, rel=1e-5)
    assert missed.item() == pytest.approx(math.log(1 + math.e**2), rel=1e-5)


@pytest.mark.parametrize("at_once", [1, 100, 1 << 19])
def test_distillation_sums_and_their_gradient_are_the_plain_losses(at_once, monkeypatch) -> None:
    monkeypatch.setattr(losses, "AT_ONCE", at_once)
    stream = torch.Generator().manual_seed(0)
    student, teacher = (3 * torch.randn(13, 40, generator=stream) for _ in "ab")
    truth = torch.where(torch.arange(13) % 3 == 0, torch.arange(13), -100)
    one, other = (student.clone().requires_grad_() for _ in "ab")
    kl, missed = losses.distillation_sums(one, teacher, truth, T)
    plain = losses.kl(other, teacher, T) * 13
    guessed = torch.nn.functional.cross_entropy(other, truth, ignore_index=-100, reduction="sum")
    torch.testing.assert_close(kl, plain)
    torch.testing.assert_close(missed, guessed)
    (0.3 * kl + 2 * missed).backward()
    (0.3 * plain + 2 * guessed).backward()
    torch.testing.assert_close(one.grad, other.grad)
    none = losses.distillation_sums(student, student, torch.full((13,), -100), T)
    assert none[0].item() == pytest.approx(0, abs=1e-5) and none[1].item() == 0
