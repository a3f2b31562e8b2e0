"""What became of the reference's own bias: said on the first page, once a student, from findings alone."""

from dataclasses import replace

import pytest

from angelshare.findings import Estimate, Finding, Outcome, Subject
from angelshare.report import summarise, to_html, to_markdown
from angelshare.report.inherited import inherited
from angelshare.report.sentences import bias, capital, in_markdown

HOSTILE = "<b>x</b>"


def found(model, metric, slice, value, delta=0.0, suite="made", width=0.02):
    """A figure, and for the student its difference to the reference, judged under a margin of .02."""
    finding = Finding(
        suite=suite,
        audit="quality" if metric == "auc_roc" else "identity-auc",
        model=model,
        metric=metric,
        slice=slice,
        better="higher",
        value=Estimate(value, value - width, value + width, 100),
        outcome=Outcome.NOT_JUDGED,
    )
    if model == "reference":
        return finding
    low, high = delta - 0.03, delta + 0.03
    outcome = Outcome.LOSS if high < -0.02 else Outcome.GAIN if low > 0 else Outcome.INCONCLUSIVE
    return replace(finding, reference="reference", delta=Estimate(delta, low, high), outcome=outcome, margin=0.02)


def pair(slice, reference, student, **more):
    return [
        found("reference", "bpsn_auc", slice, reference, **more),
        found("bow", "bpsn_auc", slice, student, student - reference, **more),
    ]


def whole(reference=0.9, student=0.9, suite="made", slice="all"):
    return [
        found("reference", "auc_roc", slice, reference, suite=suite),
        found("bow", "auc_roc", slice, student, student - reference, suite=suite),
    ]


def summary_of(*findings, **facts):
    subjects = [Subject("reference", "reference", "x", ("a",)), Subject("bow", "student", "y", ("b",))]
    return summarise(findings, subjects, [], facts)


def said(summary, model="bow"):
    return in_markdown(capital(bias(summary, model)))


GROUPS = (
    *pair("gay", 0.5, 0.7), *pair("queer", 0.6, 0.65), *pair("female", 0.7, 0.71), *pair("black", 0.75, 0.6),
    *pair("old", 0.95, 0.55), *pair("white", 0.95, 0.92), *pair("asian", 0.89, 0.7),
)  # fmt: skip


def test_each_group_is_counted_once_by_what_became_of_it():
    found = inherited(summary_of(*whole(), *GROUPS), "bow")
    names = {part: [f.slice for f in getattr(found, part)] for part in ("lessened", "kept", "worsened", "added")}
    assert names == {
        "lessened": ["gay", "queer"], "kept": ["female"], "worsened": ["black"], "added": ["old", "asian"]
    }  # fmt: skip
    assert (found.marked, found.groups, found.worst.slice, found.worst.model) == (4, 7, "gay", "reference")


def test_the_sentence():
    assert said(summary_of(*whole(), *GROUPS)) == (
        "The reference ranks harmless texts on 4 of 7 groups too high, on gay most (BPSN AUC 50.0 against 90.0 over "
        "all rows of made): bow lessens that for 2 (most gay +20.0), inherits it for 1 and worsens it for 1 (black "
        "−15.0); it adds such a bias for 2 (most old −40.0)"
    )
    assert said(summary_of(*whole(), *pair("gay", 0.5, 0.5))).endswith(
        "bow lessens that for none, inherits it for 1 and worsens it for none"
    )


@pytest.mark.parametrize(
    "findings",
    [
        (),
        GROUPS,
        (*whole(), *pair("gay", 0.88, 0.5)),
        (*whole(suite="other"), *GROUPS),
        tuple(replace(f, reference=None, delta=None) for f in (*whole(), *GROUPS)),
    ],
    ids=["nothing", "no figure over all rows", "intervals overlap", "another suite", "nothing compared"],
)
def test_without_a_mark_of_the_reference_nothing_is_said(findings):
    summary = summary_of(*findings)
    assert inherited(summary, "bow") is None
    assert said(summary) == ""
    assert "’s bias" not in to_html(summary) and "harmless texts" not in to_markdown(summary)


def test_a_student_that_ranks_everything_worse_adds_no_bias():
    summary = summary_of(*whole(student=0.6), *pair("gay", 0.5, 0.5), *pair("old", 0.95, 0.58))
    assert inherited(summary, "bow").added == ()


def test_where_several_labels_may_hold_the_positive_ones_ranking_counts():
    rows = (*whole(0.45, 0.45), *whole(slice="toxic"), *pair("gay", 0.5, 0.7))
    assert inherited(summary_of(*rows, positive="toxic"), "bow").overall.slice == "toxic"
    assert inherited(summary_of(*rows), "bow") is None


def test_suites_are_counted_apart_and_steps_between_controls_are_left_out():
    step = replace(pair("gay", 0.5, 0.2)[1], reference="bow:hard")
    rows = (*whole(), *whole(0.8, 0.8, "b"), step, *pair("gay", 0.5, 0.5), *pair("gay", 0.3, 0.6, suite="b"))
    found = inherited(summary_of(*rows), "bow")
    assert (found.marked, len(found.lessened), len(found.kept)) == (2, 1, 1)
    assert found.worst.suite == "b"


def test_it_stands_on_the_card_of_the_student_with_names_that_cannot_harm():
    summary = summary_of(*whole(), *pair(HOSTILE, 0.5, 0.7))
    page = to_html(summary)
    card = page[page.index('<section id="verdict"') : page.index("</section>")]
    assert card.count("The reference’s bias") == 1
    assert "lessens that for 1" in card and HOSTILE not in page
    assert "lessens that for 1" in to_markdown(summary)
