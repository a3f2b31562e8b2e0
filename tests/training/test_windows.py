"""Orders of rows: all once a pass, of like length, any step without those before it."""

import numpy as np
import pytest

from angelshare.training import order
from angelshare.training.order import BIN, Pools, Windows


@pytest.fixture
def small(monkeypatch):
    """Blocks of 8 rows, windows of about 40."""
    monkeypatch.setattr(order, "BLOCK", 8)
    monkeypatch.setattr(order, "WINDOW", 40)


@pytest.mark.parametrize("rows", [1, 5, 8, 39, 40, 41, 203])
@pytest.mark.parametrize(("size", "parts"), [(4, 1), (6, 1), (8, 2), (12, 3)])
def test_each_row_once_a_pass(rows, size, parts, small):
    lengths = np.random.default_rng(0).integers(4, 60, size=rows)
    found = Windows(lengths, size, 0, parts)
    for epoch in range(2):
        steps = [found(epoch * found.steps + at) for at in range(found.steps)]
        assert sorted(np.concatenate(steps)) == list(range(rows))
        assert all(len(step) == size for step in steps[:-1])


def test_a_step_is_the_same_without_those_before_it(small):
    lengths = np.random.default_rng(0).integers(4, 60, size=203)
    whole, later = Windows(lengths, 8, 0, 2), Windows(lengths, 8, 0, 2)
    steps = [whole(at) for at in range(60)]
    assert all((later(at) == steps[at]).all() for at in (7, 31, 59))
    assert not (whole(0) == whole(whole.steps)).all()  # another order in the next pass
    assert not (whole(0) == Windows(lengths, 8, 1, 2)(0)).all()


def test_batches_are_of_like_length():
    lengths = np.random.default_rng(0).integers(4, 60, size=20_000)
    found = Windows(lengths, 8, 0)
    spread = [np.ptp(lengths[found(at)]) for at in range(found.steps)]
    assert np.mean(np.array(spread) < BIN) > 0.98


def test_rows_are_mixed_across_blocks():
    found = Windows(np.full(200_000, 12), 100, 0)
    assert np.mean([len(set(found(at) // order.BLOCK)) for at in range(0, 2000, 100)]) > 10


def test_pools_are_as_ever():
    lengths = np.random.default_rng(0).integers(4, 60, size=50)
    found = Pools(lengths, 8, 3)
    assert found.steps == 7 and sorted(np.concatenate([found(at) for at in range(7)])) == list(range(50))
