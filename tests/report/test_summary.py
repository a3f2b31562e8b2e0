"""The summary: what it keeps, what it counts, and that JSON brings it back whole."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import FACTS, example, finding, findings, subjects

from angelshare.errors import DamagedFile
from angelshare.findings import Estimate, Exhibit, Finding, Outcome, worst
from angelshare.report import from_json, summarise, to_html, to_json, to_markdown
from angelshare.report.hostile import LIMIT
from angelshare.report.lists import disagreements, fairly
from angelshare.report.sentences import certainty, headline, in_markdown, lede, nobody, say, seeds_agree, sentence
from angelshare.report.words import figure, is_whole, number, words


def test_json_brings_back_an_equal_summary():
    summary = example()
    assert from_json(to_json(summary)) == summary


def test_missing_stays_missing_and_what_is_not_finite_becomes_missing():
    odd = replace(
        finding("bow", "kl", 0.1, 0.2), value=Estimate(math.inf, 0.0, math.nan), family_low=-math.inf, p=math.nan
    )
    rows = [{"text": "x", "change": float("nan"), "score": np.float32(0.5), "n": np.int64(3)}]
    summary = summarise([odd], subjects(), [Exhibit("s", "a", "cost", rows)], {"rows": np.nan})
    kept = summary.findings[0]
    assert kept.value is None and kept.family_low is None and kept.p is None and "not finite" in kept.note
    assert summary.facts == {"rows": None}
    assert summary.exhibits[0].rows[0] == {"text": "x", "change": None, "score": 0.5, "n": 3}
    found = json.loads(to_json(summary), parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    assert found["findings"][0]["value"] is None
    assert from_json(to_json(summary)) == summary


@given(st.text(), st.floats(), st.none() | st.floats())
@settings(deadline=None, max_examples=50)
def test_any_text_and_any_figure_survive_a_round_trip(text, value, low):
    given_ = Finding("s", "a", text, "auc_roc", text, "higher", Estimate(value, low), Outcome.NOT_JUDGED, note=text)
    summary = summarise([given_], [], [Exhibit(text, text, "ladder", [{text: text}])], {text: text})
    assert from_json(to_json(summary).encode().decode()) == summary


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"schema": 99}', '{"schema": 1, "findings": [{"x": 1}]}'])
def test_anything_else_is_refused_with_a_sentence(text):
    with pytest.raises(DamagedFile, match="Audit again"):
        from_json(text)


def test_the_verdict_is_the_worst_outcome_and_counts_every_comparison_with_the_reference():
    summary = example()
    for verdict in summary.verdicts:
        mine = [f for f in summary.findings if f.model == verdict.model and f.reference in (None, "teacher")]
        assert verdict.outcome == worst(f.outcome for f in mine)
        assert sum(verdict.tally.values()) == len(mine)
        assert sum(sum(audit.tally.values()) for audit in verdict.audits) == len(mine)
        assert all(is_whole(summary.findings[i]) for i in verdict.everyone)
        assert not any(is_whole(summary.findings[i]) for i in verdict.groups)


def test_a_step_between_controls_is_no_part_of_the_verdict():
    step = replace(finding("bow", "auc_roc", 0.9, -0.5, margin=0.01), reference="bow-hard")
    assert step.outcome is Outcome.LOSS
    assert summarise([step], subjects(), [], {}).verdict("bow").outcome is None


def test_groups_come_worst_first_in_margins():
    summary = example()
    found = [summary.findings[i] for i in summary.verdict("bow").groups]
    losses = [f for f in found if f.outcome is Outcome.LOSS]
    assert found[: len(losses)] == losses
    assert losses == sorted(losses, key=lambda f: f.delta.value / f.margin)


def test_nothing_to_judge_is_no_verdict():
    summary = summarise([], subjects(), [], {})
    assert summary.verdict("bow").outcome is None
    assert summary.verdict("bow").tally == {}


def test_long_texts_are_cut_once_and_their_length_is_kept():
    row = {"text": "x" * 100_000, "entries": [{"text": "y" * 5_000}]}
    summary = summarise([], [], [Exhibit("s", "a", "disagreements", [row])], {})
    kept = summary.exhibits[0].rows[0]
    assert (len(kept["text"]), kept["text_length"]) == (LIMIT, 100_000)
    assert (len(kept["entries"][0]["text"]), kept["entries"][0]["text_length"]) == (LIMIT, 5_000)
    assert from_json(to_json(summary)) == summary


def test_sentences_say_model_size_metric_interval_and_margin():
    loss = finding("bow", "auc_roc", 0.88, -0.031, margin=0.01, width=0.0075)
    assert say(loss) == "bow loses 3.1 points of AUC-ROC against teacher (2.4 to 3.9; margin 1.0)"
    unsure = finding("bow", "auc_roc", 0.88, -0.008, margin=0.01, slice="female")
    assert say(unsure) == "on female: bow may lose AUC-ROC: −0.8 points against teacher (−1.4 to −0.2; margin 1.0)"
    gain = finding("bow", "log_loss", 0.3, 0.02, margin=0.02)
    assert say(gain) == "bow is better on log-loss by 0.020 nats against teacher (0.014 to 0.026; margin 0.020)"
    none = replace(loss, delta=None, outcome=Outcome.FAILED, note="Disk full.")
    assert say(none) == "bow: failed, AUC-ROC has no figure: Disk full."
    assert say(replace(none, metric="all")) == "bow: the audit quality has no figure, failed: Disk full."


def test_where_there_are_several_suites_a_sentence_names_its_own():
    here = [f for f in findings() if f.suite == "toxicity-test"]
    there = [replace(f, suite="hatecheck") for f in here if f.model == "bow" and f.delta is not None]
    summary, many = (summarise(found, subjects(), [], FACTS) for found in (here, [*here, *there]))
    assert " on toxicity-test" not in in_markdown(headline(summary, summary.verdict("bow")))
    loss = finding("bow", "auc_roc", 0.88, -0.031, margin=0.01, width=0.0075, suite="hatecheck")
    assert in_markdown(sentence(loss, named=True)) == (
        "bow loses 3.1 points of AUC-ROC against teacher on hatecheck (2.4 to 3.9; margin 1.0)"
    )
    none = replace(loss, delta=None, outcome=Outcome.FAILED, note="Disk full.")
    assert in_markdown(sentence(none, named=True)) == "bow: failed, AUC-ROC has no figure on hatecheck: Disk full."
    said = in_markdown(headline(many, many.verdict("bow")))
    assert " on toxicity-test (" in said or " on hatecheck (" in said
    groups = to_html(many).split("<h3>On whom")[1].split("How sure")[0]
    assert "hatecheck" in groups and "hatecheck" not in to_html(summary)


def test_the_first_line_names_every_suite_whole():
    names = [f"a-suite-of-a-rather-long-name-{at}" for at in range(8)]
    sets = [{"name": name, "rows": 1000} for name in names]
    summary = summarise(findings(), subjects(), [], FACTS | {"data": {"name": ", ".join(names), "sets": sets}})
    first = in_markdown(lede(summary))
    assert all(name in first for name in names) and f", {names[6]} and {names[7]}, 8,000 rows" in first
    one = summarise(findings(), subjects(), [], FACTS | {"data": {"name": "emotion", "rows": 0}})
    assert in_markdown(lede(one)).endswith(" on emotion")


def test_long_lists_of_the_markdown_are_cut_and_counted():
    many = [
        replace(f, suite=f"suite {at}")
        for at in range(12)
        for f in findings()
        if f.audit in ("quality", "identity-auc")
    ]
    text = to_markdown(summarise(many, subjects(), [], {}))
    assert "more figures stand in report\\.html" in text and "more groups stand in report\\.html" in text
    assert len(text) < 60_000 and all(f"on suite {at}" in text for at in range(12))


def test_why_there_is_no_figure_stands_in_the_markdown_too():
    none = replace(
        finding("bow", "all", 0.5, None, audit="false-positives"), value=None, outcome=Outcome.NOT_APPLICABLE,
        note="No scorer says which rows raise a false alarm.",
    )  # fmt: skip
    text = to_markdown(summarise([none], subjects(), [], {}))
    assert "not applicable\\: No scorer says which rows raise a false alarm" in text


def test_the_json_leaves_out_what_says_nothing():
    summary = example()
    text = to_json(summary)
    assert len(text) < 0.75 * len(json.dumps(asdict(summary), indent=1)) and from_json(text) == summary
    assert all(len(line) > 1 for line in text.splitlines()[1:-1] if not line.startswith(("[", "]", "}")))


def test_figures_without_a_value_say_so_and_zero_has_no_sign():
    assert figure("auc_roc", None) == "no figure"
    assert number(float("nan")) == "no figure"
    assert number(-0.0001) == "0.0"
    assert figure("auc_roc", -0.0312) == "−3.1"
    assert figure("size_bytes", 340_000.0) == "340 kB"
    assert words("auc_pr@0.08").label == "AUC-PR at 8 % positives"
    assert words("bpsn_auc_power_mean").label == "BPSN AUC, power mean"


def test_seeds_that_disagree_are_counted():
    summary = example()
    mixed = [
        replace(f, seeds=(0.80, 0.95, 0.90)) if (f.model, f.metric, f.reference) == ("bow", "auc_roc", "teacher") else f
        for f in summary.findings
    ]
    summary = summarise(mixed, subjects(), [], FACTS)
    first = next(f for f in summary.findings if len(f.seeds) == 3 and f.metric == "auc_roc" and f.audit == "quality")
    assert seeds_agree(summary, first) == (2, 3)


def test_certainty_counts_each_kind_once():
    kinds = {"loss": 2, "inconclusive": 3, "gain": 1, "failed": 1, "not_enough_data": 4, "not_judged": 9}
    verdict = replace(example().verdict("bow"), tally=kinds)
    assert certainty(verdict) == (
        "3 of 7 comparisons are settled; 3 are inconclusive; 1 failed; 4 more had not enough data"
    )


def test_one_comparison_is_said_in_the_singular():
    verdict = replace(example().verdict("bow"), tally={"loss": 1})
    assert certainty(verdict) == "1 of 1 comparison is settled"


def test_groups_too_small_to_judge_are_said_under_on_whom():
    short = [f if is_whole(f) else replace(f, outcome=Outcome.NOT_ENOUGH_DATA) for f in findings()]
    summary = summarise(short, subjects(), [], FACTS)
    groups = {f.slice for f in short if f.model == "bow" and not is_whole(f)}
    said = nobody(summary, summary.verdict("bow"))
    assert f"none of the {len(groups)} groups found has enough rows to judge" in said
    assert said.capitalize() in to_markdown(summary)
    none = summarise([f for f in findings() if is_whole(f)], subjects(), [], FACTS)
    assert nobody(none, none.verdict("bow")) == "no audit looked at groups one by one"


def test_the_order_of_findings_is_kept():
    assert [f.metric for f in example().findings] == [f.metric for f in findings()]


def test_no_model_crowds_the_others_out_of_a_list():
    owners = ["a", "a", "a", "b", "a", "b", "c"]
    taken = fairly(list(enumerate(owners)), lambda item: item[1])
    assert [owner for _, owner in taken[:3]] == ["a", "b", "c"]
    assert sorted(taken) == list(enumerate(owners))
    rows = [{"model": owner, "change": 1.0 - at / 100, "text": "x"} for at, owner in enumerate(["a"] * 60 + ["b"] * 30)]
    shown = disagreements(summarise([], [], [Exhibit("s", "fidelity", "disagreements", rows)], {}))
    assert [quote.model for quote in shown.rows].count("b") == 20
    assert shown.left_out == 50
