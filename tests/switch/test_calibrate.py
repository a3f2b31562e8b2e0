"""Signals learnt and chosen, and thresholds that are refused."""

from dataclasses import replace

import numpy as np
import pytest

from angelshare.errors import DataError
from angelshare.metrics.deferral import left
from angelshare.switch.calibrate import Candidates, calibrate
from angelshare.switch.coverage import made_up
from angelshare.switch.fitting import chosen, learn, temperature
from angelshare.switch.targets import Target
from angelshare.types import Predictions

LOSS, SHARE = Target("loss", 0.05), Target("deferred", 0.2)


def test_the_same_rows_and_seed_give_the_same_plan():
    first, second = (calibrate(made_up(900), LOSS) for _ in range(2))
    assert first.plan == second.plan
    assert calibrate(made_up(900), LOSS, seed=1).plan != first.plan


def test_auto_takes_the_signal_that_leaves_least():
    rows = made_up(2_000)
    learnt = learn(rows, seed=0)
    assert set(learnt.signals) == {"maximum", "margin", "entropy", "energy", "predictor", "distance"}
    assert "shuffle" in learnt.absent and "whatever order" in learnt.absent["shuffle"]
    scores = {name: left(found, rows.costs) for name, found in learnt.hardness.items()}
    assert scores[chosen(learnt, rows)] == pytest.approx(min(scores.values()))


def test_a_feature_that_tells_where_they_differ_is_found():
    rows = made_up(3_000)
    telling = rows.differs + 0.3 * np.random.default_rng(0).normal(size=len(rows))
    view = replace(rows.view, features=np.column_stack((rows.view.features, telling)))
    learnt = learn(replace(rows, view=view), seed=0)
    assert chosen(learnt, rows) == "predictor"
    blind = learn(replace(rows, view=replace(rows.view, features=np.zeros((len(rows), 0)))), seed=0)
    assert "no features" in blind.absent["distance"]
    assert "predictor" in blind.signals


def test_a_predictor_is_not_learnt_from_a_handful_of_differences():
    rows = made_up(2_000)
    kept = np.concatenate([np.flatnonzero(~rows.differs), np.flatnonzero(rows.differs)[:4]])
    few = rows.take(kept)
    assert "differ on 4 of" in learn(few, seed=0).absent["predictor"]
    with pytest.raises(DataError, match=r"'predictor' does not apply: student and teacher differ on 4 of"):
        learn(few, seed=0, wanted="predictor")


def test_the_temperature_is_the_one_that_was_put_in():
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(20_000, 3)) * 2
    true = logits - np.log(-np.log(draw.random(logits.shape)))  # Gumbel's: a draw from the softmax
    wanted = np.eye(3)[true.argmax(axis=1)]
    ids = np.arange(len(logits)).astype(object)
    for heat in (0.5, 1.0, 4.0):
        assert temperature(Predictions("m", ids, tuple("abc"), False, logits * heat), wanted) == pytest.approx(
            heat, rel=0.05
        )
    assert temperature(Predictions("m", ids[:0], tuple("abc"), False, logits[:0]), wanted[:0]) == 1


def test_candidates_are_tested_from_the_safest_on():
    hardness = np.array([1.0, 2.0, 2.0, 3.0])
    fewest = Candidates.of(hardness, SHARE).thresholds
    assert fewest[0] == 3.0 and fewest[-1] < 1.0 and (np.diff(fewest) < 0).all()
    np.testing.assert_array_equal(Candidates.of(hardness, LOSS).thresholds, fewest[::-1])
    assert not np.isin(fewest[1:], hardness).any()


@pytest.mark.parametrize("target", ["deferred=0.2", "loss=0.05", "group-loss=0.2"])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_too_few_rows_are_one_sentence(target, rows):
    with pytest.raises(DataError, match=rf"needs at least \d+ rows to be shown with a certainty of 90%. Got {rows}"):
        calibrate(made_up(100).take(np.arange(rows)), Target.parse(target))


def test_groups_that_are_too_small_are_named_and_promised_nothing():
    rows = made_up(900)
    small = rows.take(np.flatnonzero(~rows.groups[:, 2] | (np.arange(900) < 20)))
    promise = calibrate(small, Target("group-loss", 0.1)).plan.promise
    assert promise["groups_too_small"] == ["three"] and "one" in promise["groups"]
    nobody = replace(rows, groups=np.zeros((900, 3), dtype=bool))
    with pytest.raises(DataError, match=r"rows of a group, beside.*The largest has 0"):
        calibrate(nobody, Target("group-loss", 0.1))
    with pytest.raises(DataError, match="needs groups"):
        calibrate(replace(rows, groups=None, names=()), Target("group-loss", 0.1))


@pytest.mark.parametrize(("options", "says"), [({"signal": "luck"}, "Got 'luck'"), ({"delta": 1.0}, "delta must be")])
def test_slips_are_one_sentence(options, says):
    with pytest.raises(DataError, match=says):
        calibrate(made_up(100), SHARE, **options)
