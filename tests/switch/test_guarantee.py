"""The promise itself: exceeded on the whole pool by no more of the calibration sets than delta allows."""

import numpy as np
import pytest

from angelshare.switch.coverage import broken, made_up
from angelshare.switch.targets import Target


@pytest.mark.parametrize("target", ["deferred=0.2", "loss=0.02", "group-loss=0.05"])
@pytest.mark.parametrize("gold", [True, False])
def test_it_is_broken_no_more_often_than_delta(target, gold):
    found = broken(made_up(5_000, 3, gold=gold), Target.parse(target), sets=150, size=1_500, delta=0.2)
    assert found.rate <= found.allowed
    assert found.refused <= 0.2 * found.sets
    assert 0.005 < found.deferred < 0.9
    assert found.figure > 0.3 * found.target.limit, "so far below the limit it is no use"


def test_a_worst_group_is_kept_where_the_average_hides_it():
    pool = made_up(20_000, 4)
    for target, worst in (("loss=0.03", False), ("group-loss=0.03", True)):
        found = broken(pool, Target.parse(target), sets=20, size=6_000, delta=0.1)
        plain = broken(pool, Target.parse("deferred=0.3"), sets=2, size=2_000)
        assert np.isfinite(plain.figure)
        assert (found.deferred > 0.2) == worst or found.deferred > 0
