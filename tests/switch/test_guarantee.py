"""The promise itself: exceeded on the whole pool by no more of the calibration sets than delta allows."""

import pytest

from angelshare.switch.calibrate import EVERYONE, calibrate, largest
from angelshare.switch.coverage import broken, made_up, table
from angelshare.switch.targets import Target


@pytest.mark.parametrize("target", ["deferred=0.2", "loss=0.02", "group-loss=0.06"])
@pytest.mark.parametrize("gold", [True, False])
def test_it_is_broken_no_more_often_than_delta(target, gold):
    found = broken(made_up(4_000, 3, gold=gold), Target.parse(target), sets=60, size=1_500, delta=0.2)
    assert found.rate <= found.allowed
    assert found.refused < 10
    assert 0.005 < found.deferred < 0.95
    assert found.figure > 0.2 * found.target.limit, "so far below the limit that it is no use"
    assert f"`{target}`" in table([found], 1_500)


def test_a_promise_to_every_group_keeps_what_one_to_the_average_breaks():
    pool, drawn, limit = made_up(20_000, 4), made_up(20_000, 5), 0.03
    worst = {}
    for kind in ("loss", "group-loss"):
        plan = calibrate(drawn, Target(kind, limit), signal="margin").plan
        hardness = (
            calibrate(drawn, Target(kind, limit), signal="margin")
            .signals["margin"]
            .hardness(pool.view.at(plan.temperature))
        )
        worst[kind] = largest(pool, hardness, plan.threshold, Target("group-loss", limit), ["one", "two", "three"])
        assert largest(pool, hardness, plan.threshold, Target("loss", limit), []) <= limit
    assert worst["group-loss"] <= limit < worst["loss"]
    assert set(plan.promise["groups"]) == {EVERYONE, "one", "two", "three"}
