"""Claims against findings: the three answers, and what makes a difference support none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angelshare.errors import DataError
from angelshare.findings import Estimate, Finding, Outcome
from angelshare.recipes import claims
from angelshare.recipes.claims import CANNOT, FAILS, HOLDS
from angelshare.recipes.lost_in_distillation.exhibits import beside
from angelshare.recipes.lost_in_distillation.schema import Recipe
from angelshare.recipes.papers import read_recipe
from angelshare.recipes.schema import Claim, Part, checked

RECIPE = read_recipe("lost-in-distillation")


def finding(model="cnn", suite="hatecheck", change=-0.12, width=0.01, **more):
    return Finding(
        suite=suite, audit="quality", model=model, metric="auc_roc", slice="all", better="higher",
        value=Estimate(0.8 + change), outcome=Outcome.LOSS, reference="reference",
        delta=Estimate(change, change - width, change + width), **more,
    )  # fmt: skip


def answer(claim, findings, unsettled=None, **others):
    return claims.answers([claim], {"open": findings, **others}, unsettled or {}).rows[0]


def part(**more):
    return Part(study="open", models=("cnn",), suites=("hatecheck",), **more)


def claim(*parts, **more):
    return Claim(text="It drops.", rule="Below 0.", parts=parts, **more)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1), st.floats(0, 1))
def test_an_interval_inside_outside_or_across_the_edge(low, wide, start, span):
    region = part(low=start, high=start + span)
    inside = start <= low and low + wide <= start + span
    apart = low + wide < start or low > start + span
    assert claims.within(low, low + wide, region) == (HOLDS if inside else FAILS if apart else CANNOT)


def test_a_claim_holds_where_all_parts_do_and_fails_where_one_does():
    drop, other = part(high=0.0), Part(study="open", models=("cnn",), suites=("covert",), high=0.0)
    both = [finding(), finding(suite="covert")]
    assert answer(claim(drop, other), both)["answer"] == HOLDS
    assert answer(claim(drop, other), [finding(), finding(suite="covert", change=0.1)])["answer"] == FAILS
    assert answer(claim(drop, other), [finding(), finding(suite="covert", change=0.0)])["answer"] == CANNOT


def test_what_was_not_measured_not_settled_or_not_the_same_in_all_seeds_tells_nothing():
    drop = claim(part(high=0.0))
    assert answer(drop, [])["answer"] == CANNOT
    found = answer(drop, [finding()], {("open", "cnn"): "cnn had not converged."})
    assert found["answer"] == CANNOT and found["evidence"][0]["note"] == "cnn had not converged."
    assert answer(drop, [finding(seeds_disagree=True)])["answer"] == CANNOT


def teacher(value, low, high, suite="hatecheck", metric="auc_roc"):
    return replace(
        finding(suite=suite), model="reference", metric=metric, value=Estimate(value, low, high), reference=None,
        delta=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "told"), [(0.51, 0.6, True), (0.5, 0.6, False), (0.48, 0.53, False), (0.3, 0.4, False)]
)
def test_a_teacher_at_chance_has_nothing_to_lose(low, high, told):
    known = teacher((low + high) / 2, low, high)
    for drop, wanted in ((part(high=0.0), HOLDS), (part(low=-0.05), FAILS)):
        row = answer(claim(drop), [finding(), known])
        assert row["answer"] == (wanted if told else CANNOT)
        assert bool(row["evidence"][0]["why"]) is not told
        assert told or f"no better than chance on hatecheck: {50 * (low + high):.1f} (" in row["evidence"][0]["note"]
    assert answer(claim(part(high=0.0)), [finding(), replace(known, suite="covert")])["answer"] == HOLDS
    other = replace(finding(), metric="accuracy")
    assert (
        answer(claim(part(metric="accuracy", high=0.0)), [other, replace(known, metric="accuracy")])["answer"] == HOLDS
    )
    less = {"study": "big", "model": "cnn", "than": {"study": "open", "model": "cnn"}, "suite": "hatecheck"}
    row = answer(Claim(text="Less.", rule="Less.", less=less), [finding(), known], big=[finding(change=-0.01)])
    assert row["answer"] == (HOLDS if told else CANNOT)


def test_a_step_from_a_control_is_no_difference_to_the_teacher():
    step = replace(finding(change=0.2), reference="cnn:hard")
    assert answer(claim(part(high=0.0)), [step, finding()])["answer"] == HOLDS


def test_the_simultaneous_interval_decides():
    assert answer(claim(part(high=0.0)), [finding(family_low=-0.3, family_high=0.1)])["answer"] == CANNOT


@pytest.mark.parametrize(("low", "high", "wanted"), [(0.1, 0.9, HOLDS), (-0.9, -0.1, FAILS), (-0.1, 0.9, CANNOT)])
def test_a_figure_of_the_study_s_own(low, high, wanted):
    made = Claim(text="They rise together.", rule="Above 0.", figures=({"name": "rank correlation", "low": 0.0},))
    found = claims.answers([made], {}, {}, {"rank correlation": Estimate((low + high) / 2, low, high)}).rows[0]
    assert found["answer"] == wanted and found["evidence"][0]["about"] == "rank correlation"
    assert claims.answers([made], {}, {}).rows[0]["answer"] == CANNOT


@pytest.mark.parametrize(("one", "other", "wanted"), [(0.1, -0.1, HOLDS), (0.1, 0.2, FAILS), (0.1, 0.0, CANNOT)])
def test_mixed_wants_one_surely_above_and_one_surely_below(one, other, wanted):
    mixed = Part(study="open", models=("cnn",), suites=("hatecheck", "covert"))
    found = [finding(change=one), finding(suite="covert", change=other)]
    row = answer(claim(mixed=(mixed,)), found)
    assert row["answer"] == wanted and row["evidence"][0]["answer"] == "above 0"
    assert row["evidence"][1]["answer"] == {-0.1: "below 0", 0.2: "above 0", 0.0: CANNOT}[other]
    unsure = [found[0], replace(found[1], seeds_disagree=True)]
    assert answer(claim(mixed=(mixed,)), unsure)["answer"] == CANNOT


@pytest.mark.parametrize(("big", "wanted"), [(-0.01, HOLDS), (-0.3, FAILS), (-0.11, CANNOT)])
def test_less_wants_intervals_that_do_not_overlap(big, wanted):
    less = {"study": "big", "model": "cnn", "than": {"study": "open", "model": "cnn"}, "suite": "hatecheck"}
    made = Claim(text="Less.", rule="Less.", less=less)
    assert answer(made, [finding()], big=[finding(change=big)])["answer"] == wanted
    assert answer(made, [finding()], big=[finding(change=big, seeds_disagree=True)])["answer"] == CANNOT


def test_the_papers_figures_stand_beside_ours():
    rows = beside(RECIPE, {"open": [finding()]}, {("open", "cnn"): 1000}).rows
    row = next(row for row in rows if (row["suite"], row["model"]) == ("hatecheck", "cnn"))
    assert (row["paper_values"], round(row["paper_change"], 3)) == ((0.712, 0.575), -0.126)
    assert (row["change"], row["parameters"], row["outcome"]) == (-0.12, 1000, "loss")
    assert sum(row["table"].startswith("Table 2") for row in rows) == 5 * 8


PRINTED = {  # the paper's column of differences, a row a model, in the order of the data sets
    "cnn": [-0.011, -0.042, -0.067, -0.126, -0.151, -0.138, -0.001],
    "cnn-more": [-0.010, -0.036, -0.040, -0.106, -0.104, -0.101, -0.024],
    "transformer-more": [-0.023, -0.061, -0.070, -0.170, -0.119, -0.132, -0.022],
    "cnn:gold": [-0.016, -0.036, -0.060, -0.141, -0.113, -0.118, -0.018],
}


@pytest.mark.parametrize("model", PRINTED)
def test_the_tables_agree_with_the_papers_own_differences(model):
    teacher, *others = RECIPE.tables[0].models
    ours = next(row for row in others if row.ours == model)
    found = [a - b for a, b in zip(ours.auc_roc, teacher.auc_roc, strict=True)]
    assert found == pytest.approx(PRINTED[model], abs=0.0011)


def test_every_scale_has_students_and_suites_that_the_claims_name():
    studied = {suite for dataset in RECIPE.datasets for suite in dataset.suites}
    asked = {suite for each in RECIPE.claims for p in (*each.parts, *each.mixed) for suite in p.suites}
    assert asked <= studied and len(RECIPE.claims) == 6
    assert set(RECIPE.scales) == {"smoke", "cpu", "long", "gpu", "paper"}
    cpu = RECIPE.scale("cpu")
    assert len(cpu.sizes) >= 5 and max(cpu.sizes) >= 20 * min(cpu.sizes) and cpu.seeds.student == 3
    assert RECIPE.scale("long").seeds.more == 3


def test_slips_are_one_sentence():
    with pytest.raises(DataError, match=r"must be one of smoke, cpu, long, gpu, paper\. Got 'huge'"):
        RECIPE.scale("huge")
    with pytest.raises(DataError, match="must be one of lost-in-distillation"):
        read_recipe("bert")
    whole = RECIPE.model_dump()
    with pytest.raises(DataError, match="colour"):
        checked(Recipe, whole | {"colour": 1}, "mine")
    whole["tables"][0]["models"][0]["auc_roc"] = (0.5,)
    with pytest.raises(DataError, match="a figure for each of the 7 data sets"):
        checked(Recipe, whole, "mine")
