"""Paired dots by kind, and the sentences that moved furthest."""

import re
from dataclasses import replace

import pytest
from report_example import finding

from angelshare.findings import Estimate, Exhibit, Outcome, Subject
from angelshare.report import summarise, to_html
from angelshare.report.dots import averages, kinds
from angelshare.report.lists import phrases

BAD = '<script>alert("x")</script>'
CHANGES = {"slur_h": -0.1, "negate_nh": -0.3, BAD: 0.05}
SUBJECTS = [Subject(name, role, name, (name,)) for name, role in (("teacher", "reference"), ("bow", "student"))]


def found(short=("short",)):
    out = []
    for name, change in CHANGES.items():
        more = {"audit": "by-column", "slice": f"functionality: {name}", "suite": "hatecheck", "family": 3}
        out.append(finding("teacher", "accuracy", 0.8, None, **more))
        out.append(finding("bow", "accuracy", 0.8 + change, change, margin=0.02, **more))
    for name in short:
        more = {"audit": "by-column", "slice": f"functionality: {name}", "suite": "hatecheck"}
        out += [
            replace(finding(model, "accuracy", 0.5, None, **more), value=None, outcome=Outcome.NOT_ENOUGH_DATA)
            for model in ("teacher", "bow")
        ]
    return out


def summary(findings=None, rows=()):
    values = [*CHANGES, "short"]
    listed = [{"column": "functionality", "value": v, "slice": f"functionality: {v}"} for v in values]
    exhibits = [
        Exhibit("hatecheck", "by-column", "kinds", listed),
        Exhibit("swaps", "identity-swaps", "phrases", list(rows)),
    ]
    return summarise(found() if findings is None else findings, SUBJECTS, exhibits, {})


def test_the_largest_drop_comes_first_and_missing_kinds_are_counted():
    (picture,) = kinds(summary())
    assert [row.label for row in picture.rows] == ["negate nh", "slur h", BAD]
    assert (picture.lower, picture.left_out, picture.about) == (2, 1, "functionality")
    first = picture.rows[0]
    assert first.student < first.reference
    assert first.change.startswith("−30.0")
    assert picture.rows[2].student > picture.rows[2].reference


def test_the_page_shows_them_and_lets_no_name_act():
    html = to_html(summary())
    assert "lower than teacher on 2 of 3" in re.sub("<[^>]*>", "", html)
    assert "1 with too few rows left out" in html
    assert BAD not in html


def test_without_a_reference_or_figures_there_is_no_picture():
    assert kinds(summary([])) == []
    assert kinds(summarise(found(), SUBJECTS[1:], [], {})) == []


def test_mean_bias_aucs_are_one_picture_a_suite():
    findings = []
    for metric, change in (("subgroup_auc_mean", -0.02), ("bpsn_auc_mean", -0.08), ("bnsp_auc_mean", 0.01)):
        for suite in ("civil", "madlibs"):
            more = {"audit": "identity-auc", "suite": suite}
            findings.append(finding("teacher", metric, 0.9, None, **more))
            findings.append(finding("bow", metric, 0.9 + change, change, margin=0.01, **more))
    pictures = averages(summary(findings))
    assert [picture.suite for picture in pictures] == ["civil", "madlibs"]
    assert [row.label for row in pictures[0].rows] == ["BPSN AUC, mean", "subgroup AUC, mean", "BNSP AUC, mean"]


@pytest.mark.parametrize("abusive", [True, False])
def test_sentences_stand_with_both_decisions_and_abuse_is_hidden(abusive):
    row = {
        "text": BAD, "gold": True, "model": "bow", "reference_score": 0.847, "student_score": 0.35, "change": -0.497,
        "reference_decision": "TP", "student_decision": BAD, "abusive": abusive,
    }  # fmt: skip
    made = summary(rows=[row])
    (phrase,) = phrases(made)
    assert (phrase.reference, phrase.student, phrase.change, phrase.gold) == ("0.85 (TP)", "0.35", "−0.50", "true")
    html = to_html(made)
    assert BAD not in html
    part = html[html.index("Sentences that moved furthest") :]
    assert ("veiled" in part[: part.index("</table>")]) is abusive


def test_a_figure_without_an_interval_is_still_drawn():
    findings = [
        replace(f, delta=Estimate(f.delta.value), family_low=None, family_high=None) if f.delta else f for f in found()
    ]
    (picture,) = kinds(summary(findings))
    assert picture.rows[0].change == "−30.0"
