"""Which student is likely enough, what shuffling breaks, and which model to take: read off findings alone."""

import re
from dataclasses import replace

import pytest
from report_example import example, finding, subjects

from angelshare.findings import Estimate, Exhibit, Finding, Outcome, Subject
from angelshare.report import from_json, summarise, to_html, to_json, to_markdown
from angelshare.report.advice import advice
from angelshare.report.orders import pictures
from angelshare.report.pareto import beats, by_group, choices

BAD = "<script>x</script>"
MADE = {
    "rows": 2_000, "words": 19.0, "labels": 6, "multilabel": False, "entropy": 0.9, "rarest": BAD, "rarest_rows": 66
}  # fmt: skip


def wos(value, blocks=0.05, model="teacher", suite="emotion", width=0.02, label="all"):
    values = {"wos": value, "wos_2": blocks, "wos_3": blocks}
    return [
        Finding(
            suite=suite, audit="word-order", model=model, metric=metric, slice=label, better="neutral",
            value=None if each is None else Estimate(each, each - width, each + width, 300),
            outcome=Outcome.NOT_JUDGED if each is not None else Outcome.NOT_ENOUGH_DATA,
            note="" if each is not None else "Fewer than 20 rows of a label can be shuffled and are right.",
        )
        for metric, each in values.items()
    ]  # fmt: skip


def summary(findings, made=MADE, rows=(), facts=None, models=("teacher", "bow")):
    roles = {"teacher": "reference"}
    listed = [Subject(name, roles.get(name, "student"), name, (name,)) for name in models]
    exhibits = [Exhibit("emotion", "word-order", "order", list(rows))]
    exhibits += [Exhibit("emotion", "word-order", "material", [made])] if made else []
    return summarise(findings, listed, exhibits, facts or {})


@pytest.mark.parametrize(
    ("value", "blocks", "student", "upper"),
    [
        (0.08, 0.02, "bow", "bow"),
        (0.29, 0.10, "bow", "cnn"),
        (0.29, 0.40, "bow", "bilstm"),
        (0.34, 0.31, "bilstm", "bilstm"),
        (0.34, 0.12, "cnn", "cnn"),
        (0.65, 0.50, "bilstm", "transformer"),
        (0.99, 0.80, "transformer", "transformer"),
    ],
)
def test_the_rule(value, blocks, student, upper):
    (found,) = advice(summary(wos(value, blocks)))
    assert (found.student, found.upper) == (student, upper)
    assert found.headline.startswith(f"{student} is likely enough")
    assert (upper in found.headline) and (student == upper or "upper end" in found.headline)
    first = found.evidence[0]
    assert first.value.startswith(f"{value:.3f} (") and found.evidence[1].value.startswith(f"{blocks:.3f} (")
    assert any("interval holds the limit" in line for line in found.unsure) == (student != upper)


def test_what_is_unsure_is_said():
    sure = advice(summary(wos(0.08)))[0].unsure
    assert sure == ()
    made = {**MADE, "rows": 812, "words": 175.0, "labels": 77, "multilabel": True, "entropy": 0.4}
    said = " ".join(advice(summary(wos(0.5, 0.5), made))[0].unsure)
    for part in ("1,000 rows", "Long texts", "More than 6 labels", "Several labels may hold", "66 rows", ".34 and .99"):
        assert part in said
    drawn = summary(wos(0.08), made, facts={"data": {"drawn_from": 9_000}})
    assert "1,000 rows" not in " ".join(advice(drawn)[0].unsure)


def test_without_a_figure_nothing_is_advised():
    (found,) = advice(summary(wos(None, None)))
    assert found.student == "" and "cannot be told" in found.headline and "Fewer than 20" in found.unsure[0]
    assert advice(summary([])) == []
    assert advice(summary(wos(0.1, model="bow"))) == []


def test_the_page_says_it_and_lets_no_name_act():
    rows = [
        {"model": "teacher", "broken": [0.12, 0.08, 0.05], "rows": 300, "several": True},
        {"model": BAD, "broken": [0.0, 0.0, 0.0], "rows": 300, "several": True},
        {"model": "odd", "broken": None},
    ]
    made = summary([*wos(0.08), *wos(0.0, 0.0, BAD)], rows=rows, models=("teacher", BAD, "odd"))
    (picture,) = pictures(made)
    assert [line.model for line in picture.lines] == ["teacher", BAD] and picture.several
    assert picture.lines[0].share == "12.0" and picture.lines[0].blocks == "8.0 and 5.0"
    assert picture.lines[0].places[0] > picture.lines[0].places[2] > picture.lines[1].places[0]
    html = to_html(made)
    assert BAD not in html and 'href="#order"' in html
    part = html[html.index('<section id="order"') :]
    text = re.sub("<[^>]*>", "", part[: part.index("</section>")])
    assert "12.0 % of what teacher gets right does not survive" in text and "8.0 and 5.0 % in blocks" in text
    assert "Bow is likely enough" in text and "several sentences" in text
    assert "neither more nor less is better" in html
    markdown = to_markdown(made)
    assert "bow is likely enough" in markdown and "12.0 %" in markdown
    assert from_json(to_json(made)) == made
    assert 'id="order"' not in to_html(summary([], made=None)) and 'href="#order"' not in to_html(
        summary([], made=None)
    )


def test_labels_of_their_own_stand_in_no_map_of_losses():
    found = [*wos(0.1), *wos(0.2, label="rude"), *wos(0.2, model="bow"), *wos(0.2, model="bow", label="rude")]
    assert 'class="heat"' not in to_html(summary(found))


def chosen(figures, groups=()):
    """Models by (AUC, bytes, texts a second), and the drops of a group."""
    findings = [finding(name, "auc_roc", auc, None) for name, (auc, _, _) in figures.items()]
    for name, drop in groups:
        more = {"audit": "identity-auc", "slice": "women"}
        findings.append(finding(name, "bpsn_auc", 0.9 - drop, -drop, **more))
        findings.append(finding(name, "aeg_neg", 0.1, -0.9, **more))
    costs = [
        {"model": name, "size_bytes": size, "texts_per_second_batch": rate} for name, (_, size, rate) in figures.items()
    ]
    listed = [
        Subject(name, "reference" if name == "teacher" else "student", name, (name,), size_bytes=size)
        for name, (_, size, _) in figures.items()
    ]
    return summarise(findings, listed, [Exhibit("a", "cost", "cost", costs)], {})


FIGURES = {"teacher": (0.92, 90e6, 1e3), "cnn": (0.91, 12e6, 8e3), "slow": (0.90, 12e6, 7e3), "bow": (0.88, 4e5, 5e4)}


def test_who_is_beaten():
    found = choices(chosen(FIGURES))
    assert {each.model: each.beaten_by for each in found} == {
        "teacher": (), "cnn": (), "slow": ("cnn",), "bow": ()
    }  # fmt: skip
    assert {each.loss for each in found} == {None}
    groups = [("cnn", 0.09), ("slow", 0.02), ("bow", 0.01)]
    found = {each.model: each for each in choices(chosen(FIGURES, groups))}
    assert found["slow"].beaten_by == () and found["cnn"].loss == pytest.approx(0.09) and found["cnn"].group == "women"
    assert found["teacher"].loss == 0.0
    assert beats((1, 1), (1, 0)) and not beats((1, 1), (1, 1)) and not beats((1, 0), (0, 1))


def test_a_group_that_one_model_lacks_counts_for_none():
    found = choices(chosen(FIGURES, [("cnn", 0.09), ("bow", 0.01)]))
    assert {each.loss for each in found} == {None}
    assert {each.model for each in found if each.beaten_by} == {"slow"}


def test_two_models_leave_nothing_to_lay_side_by_side():
    assert choices(chosen({name: FIGURES[name] for name in ("teacher", "bow")})) == []
    assert choices(summarise([], subjects(), [], {})) == []


def test_the_page_marks_the_beaten_and_draws_groups():
    made = chosen(FIGURES, [("cnn", 0.09), ("slow", 0.091), ("bow", 0.01)])
    html = to_html(made)
    assert html.count('<g class="student beaten">') == 3
    text = re.sub("<[^>]*>", "", html)
    assert "Which to take" in text and "beaten by cnn" in text and "worst group’s loss" in text
    assert "beaten" in to_markdown(made)
    (plot,) = by_group(choices(made))
    assert {dot.name for dot in plot.dots} == set(FIGURES)
    plain = to_html(chosen({name: FIGURES[name] for name in ("teacher", "bow")}))
    assert "Which to take" not in plain


def test_the_example_report_still_stands():
    made = example()
    assert "Which to take" in to_html(made)
    assert all(each.quality.value for each in choices(made))
    bare = replace(made, exhibits=())
    assert choices(bare) == []
