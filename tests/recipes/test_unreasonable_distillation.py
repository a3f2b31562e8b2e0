"""The posts' study on tiny things: every table and claim, figures of the audits, no text of a test set trained on."""

import pytest
from recipes.tiny_posts import RECIPE, posts_in
from small import bytes_below

from angelshare.data.likeness import normalised
from angelshare.data.tables import read
from angelshare.data.transfer import open_transfer
from angelshare.errors import DataError
from angelshare.recipes.papers import reproduce
from angelshare.recipes.schema import checked
from angelshare.recipes.unreasonable_distillation.schema import Recipe
from angelshare.result import AuditResult


@pytest.fixture(scope="module")
def posts(tmp_path_factory):
    directory = tmp_path_factory.mktemp("posts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANGELSHARE_DATA", str(directory / "data"))
        yield directory / "out", posts_in(directory)


def rows(result, kind):
    return [row for exhibit in result.exhibits if exhibit.kind == kind for row in exhibit.rows]


def test_every_row_of_the_posts_has_our_figure_or_the_reason_why_not(posts):
    _, result = posts
    found = rows(result, "paper")
    assert len(found) == sum(len(printed) for table in RECIPE.tables for printed in table.rows.values())
    for row in found:
        assert bool(row["note"]) != (row["values"][-1] is not None), row
    assert [row["number"] for row in rows(result, "claims")] == [*range(1, len(RECIPE.claims) + 1)]


def test_a_switch_that_dev_rows_cannot_promise_is_left_out_and_said_so(posts):
    _, result = posts
    (few,) = [row for row in rows(result, "paper") if row["model"] == "switch-5"]
    assert few["note"] == "Not here: switch-5 could not be made of so few rows."


def test_figures_of_the_tables_are_those_of_the_audits(posts):
    out, result = posts
    cola = AuditResult.load(out / "cola" / "audits" / "cola")
    row = next(row for row in rows(result, "paper") if row["group"] == "cola" and row["model"] == "bilstm")
    (finding,) = [
        f
        for f in cola.findings
        if (f.model, f.metric, f.audit, f.slice, f.reference) == ("bilstm", "mcc", "quality", "all", "reference")
    ]
    assert (row["values"][-1], row["change"]) == (finding.value.value, finding.delta.value)
    assert row["paper_change"] == pytest.approx(0.24 - 0.528)


def test_the_gain_over_golden_labels_is_paired_seed_by_seed(posts):
    out, _ = posts
    gains = AuditResult.load(out / "sst2" / "audits" / "sst2-gold")
    assert [(s.name, len(s.fingerprints)) for s in gains.subjects if s.role != "control"] == [
        ("reference", 2),
        ("bow", 2),
    ]


def test_no_text_of_a_test_set_is_trained_on(posts):
    out, _ = posts
    for name, dataset in RECIPE.datasets.items():
        trained = {normalised(text) for text in open_transfer(out / name / "transfer").read().texts}
        if dataset.test is not None:
            assert not trained & {normalised(text) for text in read(dataset.test).texts}


def test_imdb_uses_some_labels_and_other_reviews_without(posts):
    out, _ = posts
    sources = open_transfer(out / "imdb" / "transfer").read().source
    assert {name: int((sources == name).sum()) for name in set(sources)}.keys() == {
        "imdb-train",
        "imdb-train-unlabelled",
    }


def test_again_it_makes_nothing_anew(posts):
    out, _ = posts
    before = bytes_below(out)
    posts_in(out.parent)
    assert {name for name, found in bytes_below(out).items() if before.get(name) != found} == set()


def test_an_option_of_another_recipe_is_refused(tmp_path):
    with pytest.raises(DataError, match="'unreasonable-distillation' takes no --pool"):
        reproduce("unreasonable-distillation", "smoke", tmp_path / "x", pool=["a.csv"])


def test_slips_in_the_recipe_are_one_sentence():
    whole = RECIPE.model_dump()
    whole["tables"][0]["rows"]["emotion"][0]["values"] = (0.5, 0.5)
    with pytest.raises(DataError, match=r"RoBERTa \(teacher\) must have 1 values"):
        checked(Recipe, whole, "mine")
    whole = RECIPE.model_dump()
    del whole["scales"]["cpu"]["sizes"]["cola"]
    with pytest.raises(DataError, match="a scale has no sizes of cola"):
        checked(Recipe, whole, "mine")
