"""Who is deferred: every figure against a straightforward count."""

import numpy as np
import pytest

from angelshare.audits.base import Answers, AuditData, Member, Routes, Settings
from angelshare.audits.classifier.deferral import SHARES, Deferral
from angelshare.audits.classifier.identities import finder
from angelshare.data.tables import Table
from angelshare.findings import Outcome
from angelshare.types import Predictions

ROWS = 1_200


def data(labels=("no", "yes"), labelled=True, clusters=False, annotated=False, rows=ROWS):
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, rows)
    shares = (draw.random(rows) < 0.3).astype(np.float32)
    if annotated:
        shares[draw.random(rows) < 0.2] = np.nan
    table = Table(
        "t", "t.csv", np.arange(rows).astype(str).astype(object), ["x" * (1 + at % 50) for at in range(rows)],
        labels if labelled else (), False, np.eye(2, dtype=np.float32)[truth] if labelled else None,
        identities={"female": shares, "rare": (np.arange(rows) < 5).astype(np.float32)},
        clusters=np.arange(rows) // 4 if clusters else None,
    )  # fmt: skip
    settings = Settings(draws=400, background="annotated" if annotated else "all")
    return AuditData("t", table, labels, False, "yes", settings, finder(None, settings.background))


def routes(found, seed=1, threshold=0.8, cost=0.01):
    draw = np.random.default_rng(seed)
    rows = len(found.table)
    truth = draw.integers(0, 2, rows) if found.table.targets is None else found.table.classes
    female = np.nan_to_num(found.table.identities["female"]) >= 0.5
    hard = draw.random(rows) * (1 + 0.5 * female)
    answers = []
    for error in (0.25 * hard, np.full(rows, 0.08)):
        decided = np.where(draw.random(rows) < error, 1 - truth, truth)
        ids = found.table.ids
        answers.append(Predictions("m", ids, ("no", "yes"), False, 3.0 * np.eye(2)[decided]))
    return Routes(answers[0], answers[1], {"margin": hard, "other": draw.random(rows)}, "margin", threshold, cost)


def judge(found, *given):
    members = [Member("switch", "student", seed) for seed in range(len(given))]
    return Deferral().judge(found, Answers(members, routes=given))


def figures(found, judgement):
    return {(f.metric, f.slice): f for f in judgement.findings}


def test_every_figure_is_the_count():
    found = data()
    given = routes(found)
    hard = given.hardness["margin"] > 0.8
    truth, student, teacher = found.table.classes, given.student.decisions(), given.teacher.decisions()
    wrong = np.where(hard, teacher, student) != truth
    loss = wrong.astype(float) - (teacher != truth)
    female = found.table.identities["female"] >= 0.5
    lengths = np.array([len(text) for text in found.table.texts])
    got = figures(found, judge(found, given))
    expected = {
        ("deferred", "all"): hard.mean(),
        ("deferred_text", "all"): lengths[hard].sum() / lengths.sum(),
        ("teacher_loss", "all"): loss.mean(),
        ("recovered", "all"): 1 - loss.sum() / ((student != truth).sum() - (teacher != truth).sum()),
        ("deferred", "female"): hard[female].mean(),
        ("deferred_gap", "female"): hard[female].mean() - hard[~female].mean(),
        ("error", "female"): wrong[female].mean(),
        ("error_gap", "female"): wrong[female].mean() - wrong[~female].mean(),
        ("teacher_loss", "female"): loss[female].mean(),
    }
    for place, value in expected.items():
        assert got[place].value.value == pytest.approx(value), place
        assert got[place].value.low < value < got[place].value.high
        assert got[place].outcome is Outcome.NOT_JUDGED
    assert got["deferred_gap", "female"].value.low > 0, "the hard group is sent more often, and the interval says so"
    assert {f.outcome for f in got.values() if f.slice == "rare"} == {Outcome.NOT_ENOUGH_DATA}


def test_the_gaps_interval_is_as_wide_as_two_shares_make_it():
    found = data()
    given = routes(found)
    hard, female = given.hardness["margin"] > 0.8, found.table.identities["female"] >= 0.5
    error = np.sqrt(sum(hard[part].mean() * (1 - hard[part].mean()) / part.sum() for part in (female, ~female)))
    gap = figures(found, judge(found, given))["deferred_gap", "female"].value
    assert (gap.high - gap.low) / 2 / 1.96 == pytest.approx(error, rel=0.15)


def test_rows_of_a_template_are_resampled_together():
    found = data(clusters=True)
    given = routes(found)
    given.hardness["margin"][:] = np.repeat(given.hardness["margin"][::4], 4)
    alone = {name: getattr(found.table, name) for name in ("ids", "texts", "labels", "targets", "identities")}
    plain = Table("t", "t.csv", **alone)
    whole, rows = (
        figures(each, judge(each, given))["deferred", "all"].value
        for each in (found, AuditData("t", plain, found.labels, False, "yes", found.settings, found.find_identities))
    )
    assert whole.unit == "cluster" and whole.high - whole.low > 1.5 * (rows.high - rows.low)


def test_a_background_of_annotated_rows_leaves_the_others_out():
    found = data(annotated=True)
    given = routes(found)
    hard, shares = given.hardness["margin"] > 0.8, found.table.identities["female"]
    gap = figures(found, judge(found, given))["deferred_gap", "female"]
    assert gap.value.value == pytest.approx(hard[shares >= 0.5].mean() - hard[shares < 0.5].mean())
    assert gap.counts["background"] == (shares < 0.5).sum()


def test_without_labels_a_loss_is_a_disagreement_and_there_is_no_error():
    found = data(labelled=False)
    given = routes(found)
    differs = given.student.decisions() != given.teacher.decisions()
    judgement = judge(found, given)
    got = figures(found, judgement)
    assert got["teacher_loss", "all"].value.value == pytest.approx((differs & (given.hardness["margin"] <= 0.8)).mean())
    assert not any(metric.startswith("error") for metric, _ in got)
    assert judgement.exhibits[0].note == "decisions that are not the teacher's"
    assert all("accuracy" not in point for point in judgement.exhibits[0].rows[0]["points"])


def test_the_curve_is_the_switch_at_every_threshold():
    found = data()
    given = routes(found)
    truth, student, teacher = found.table.classes, given.student.decisions(), given.teacher.decisions()
    female = found.table.identities["female"] >= 0.5
    curves = {row["signal"]: row for row in judge(found, given).exhibits[0].rows}
    assert list(curves) == ["margin", "other", "oracle", "random"]
    assert [row["own"] for row in curves.values()] == [True, False, False, False]
    for point, share in zip(curves["margin"]["points"], SHARES, strict=True):
        threshold = np.inf if share == 0 else -np.inf if point["threshold"] is None else point["threshold"]
        hard = given.hardness["margin"] > threshold
        assert hard.mean() == pytest.approx(share, abs=1 / ROWS) == pytest.approx(point["deferred"], abs=1 / ROWS)
        wrong = np.where(hard, teacher, student) != truth
        loss = wrong.astype(float) - (teacher != truth)
        assert point["accuracy"] == pytest.approx(1 - wrong.mean())
        assert point["loss"] == pytest.approx(loss.mean())
        assert point["worst"] == pytest.approx(loss[female].mean()) and point["worst_group"] == "female"
        assert point["speed"] == pytest.approx(1 / (point["text"] + 0.01))
        assert point["loss_low"] <= point["loss"] <= point["loss_high"]
    at = SHARES.index(0.1)
    won = {name: row["points"][at]["recovered"] for name, row in curves.items()}
    assert won["oracle"] == max(won.values()) and won["margin"] > won["random"] == 0.1
    dearest = np.sort((student != truth).astype(float) - (teacher != truth))[::-1][: ROWS // 10].sum()
    assert curves["oracle"]["points"][at]["loss"] == pytest.approx((loss_of(student, teacher, truth) - dearest) / ROWS)


def loss_of(student, teacher, truth):
    return (student != truth).sum() - (teacher != truth).sum()


def test_rows_that_look_equally_hard_are_not_parted():
    found = data()
    given = routes(found)
    given.hardness["margin"][:] = np.round(given.hardness["margin"], 1)
    points = {point["share"]: point for point in judge(found, given).exhibits[0].rows[0]["points"]}
    for share, point in points.items():
        assert point["deferred"] <= share + 1e-9
        threshold = -np.inf if point["threshold"] is None else point["threshold"]
        assert point["deferred"] == pytest.approx((given.hardness["margin"] > threshold).mean())


def test_seeds_are_averaged_and_one_row_is_no_error():
    found = data()
    judgement = judge(found, routes(found), routes(found, 2))
    assert all(len(f.seeds) == 2 for f in judgement.findings if f.metric == "deferred" and f.value)
    assert sum(row["own"] for row in judgement.exhibits[0].rows) == 1
    one = data(rows=1)
    assert figures(one, judge(one, routes(one, cost=None)))["deferred", "all"].value.value in (0, 1)
