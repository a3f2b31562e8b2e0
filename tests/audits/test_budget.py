"""Budgets: which margin holds, what a bad file says, and judging again."""

import pytest

from angelshare.audits.budget import Budget, read_budget, rejudge
from angelshare.errors import DataError
from angelshare.findings import Estimate, Finding, Outcome


def finding(**changes):
    parts = {
        "suite": "made", "audit": "quality", "model": "student", "metric": "accuracy", "slice": "all",
        "better": "higher", "value": Estimate(0.9), "outcome": Outcome.LOSS, "reference": "reference",
        "delta": Estimate(-0.03, -0.04, -0.02), "margin": 0.01,
    }  # fmt: skip
    return Finding(**{**parts, **changes})


@pytest.mark.parametrize(
    ("audit", "metric", "margin"),
    [
        ("quality", "auc_roc", 0.01),
        ("quality", "auc_pr@0.08", 0.01),
        ("quality", "accuracy", 0.01),
        ("quality", "accuracy@0.08", None),
        ("identity-auc", "bpsn_auc", 0.02),
        ("identity-auc", "bpsn_auc_mean", 0.01),
        ("identity-auc", "aeg_neg", None),
        ("fidelity", "agreement", None),
        ("cost", "size_bytes", None),
    ],
)
def test_default_margins(audit, metric, margin):
    assert Budget().margin(audit, metric) == margin


def test_the_longest_pattern_of_the_file_holds():
    budget = Budget(margins={"*/accuracy": 0.5, "quality/accuracy": 0.04, "quality/*": False})
    assert budget.margin("quality", "accuracy") == 0.04
    assert budget.margin("quality", "mcc") is None
    assert budget.margin("identity-auc", "bpsn_auc") == 0.02


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[margins", "is not TOML"),
        ("[margin]\n", "'margin' is unknown"),
        ('[margins]\n"quality/accuracy" = -0.1', "quality/accuracy"),
        ('[margins]\n"quality/accuracy" = "much"', "quality/accuracy"),
        ('[margins]\n"quality/accuracy" = nan', "quality/accuracy"),
    ],
)
def test_a_bad_budget_is_one_sentence(tmp_path, text, says):
    path = tmp_path / "budget.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"budget\.toml") as caught:
        read_budget(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_budget_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.toml cannot be read"):
        read_budget(tmp_path / "none.toml")


def test_rejudging_takes_the_same_interval_under_another_margin():
    wide = Budget(margins={"quality/accuracy": 0.05})
    (judged,) = rejudge([finding()], wide, "reference")
    assert (judged.outcome, judged.margin) == (Outcome.NO_LOSS, 0.05)
    (family,) = rejudge([finding(family_low=-0.08, family_high=0.01)], wide, "reference")
    assert family.outcome is Outcome.INCONCLUSIVE
    (never,) = rejudge([finding()], Budget(margins={"quality/*": False}), "reference")
    assert never.outcome is Outcome.NOT_JUDGED


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NOT_ENOUGH_DATA, Outcome.NOT_APPLICABLE])
def test_what_was_not_measured_stays_as_it_is(outcome):
    before = finding(outcome=outcome, delta=None, value=None)
    assert rejudge([before], Budget(), "reference") == [before]


def test_steps_between_controls_are_not_judged_again():
    step = finding(reference="bow:hard", outcome=Outcome.NOT_JUDGED, margin=None)
    assert rejudge([step], Budget(), "reference") == [step]


def test_a_whole_number_is_a_margin_and_true_is_none(tmp_path):
    path = tmp_path / "budget.toml"
    path.write_text('[margins]\n"*" = 0\n"quality/mcc" = false\n')
    budget = read_budget(path)
    assert budget.margin("quality", "accuracy") == 0.0 and budget.margin("quality", "mcc") is None
    path.write_text('[margins]\n"quality/accuracy" = true\n')
    with pytest.raises(DataError, match=r"'margins\.quality/accuracy': .*must be a number from 0, or false"):
        read_budget(path)
