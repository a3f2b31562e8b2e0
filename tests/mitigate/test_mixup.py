"""Mixup's arithmetic against a loop over positions."""

import numpy as np
import pytest
import torch

from angelshare.errors import ModelError
from angelshare.mitigate.mixup import blend, check_alpha, shares


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 8.0])
def test_shares_are_those_of_the_beta_distribution(alpha):
    drawn = shares(alpha, 100_000, np.random.default_rng(0))
    assert drawn.dtype == np.float32 and drawn.mean() == pytest.approx(0.5, abs=0.005)
    assert drawn.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.005)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 1e-4, 1e4, float("nan"), float("inf")])
def test_an_alpha_without_shares_is_refused(alpha):
    with pytest.raises(ModelError, match=r"between 0\\.001 and 1000"):
        check_alpha(alpha)
    assert np.isfinite(shares(1e-3, 9, np.random.default_rng(0))).all()


@pytest.mark.parametrize("shape", [(5,), (3, 4)])
def test_blend_is_a_loop_over_places(shape):
    rng = np.random.default_rng(0)
    values, at = torch.from_numpy(rng.normal(size=(*shape, 2))), torch.from_numpy(rng.random(shape) < 0.5)
    count = int(at.sum())
    others, share = torch.from_numpy(rng.normal(size=(count, 2))), torch.from_numpy(rng.random(count))
    expected, number = values.clone(), 0
    for place in np.ndindex(shape):
        if at[place]:
            expected[place] = share[number] * values[place] + (1 - share[number]) * others[number]
            number += 1
    torch.testing.assert_close(blend(values, at, others, share), expected)
