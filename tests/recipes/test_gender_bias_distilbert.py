"""The study of gender bias on tiny things: every table and claim, figures of the audits, again nothing made anew."""

import json

import pytest
from recipes.tiny_gender import RECIPE, SCALE, gender_in
from small import bytes_below
from transformers import AutoConfig

from angelshare.errors import DataError
from angelshare.recipes.gender_bias_distilbert.schema import Recipe
from angelshare.recipes.schema import checked
from angelshare.result import AuditResult


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    directory = tmp_path_factory.mktemp("gender")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANGELSHARE_DATA", str(directory / "data"))
        patch.delenv("ANGELSHARE_MODELS", raising=False)
        yield directory / "out", gender_in(directory)


def rows(result, kind):
    return [row for exhibit in result.exhibits if exhibit.kind == kind for row in exhibit.rows]


def test_every_line_of_the_paper_has_our_figure_or_says_that_there_is_none(study):
    _, result = study
    found = rows(result, "paper")
    assert len(found) == sum(len(table.rows) for table in RECIPE.tables)
    for row in found:
        there = row["model"] in SCALE.ways if "SEAT" in row["table"] else row["model"] in SCALE.glue_ways
        assert bool(row["note"]) != there and (row["values"][-1] is not None) == there, row
    assert [row["number"] for row in rows(result, "claims")] == [*range(1, len(RECIPE.claims) + 1)]


def test_figures_of_the_tables_are_those_of_the_audits(study):
    out, result = study
    audit = AuditResult.load(out / "audits" / "full-2")
    (row,) = [row for row in rows(result, "paper") if "Table 2" in row["table"] and row["model"] == "mixup"]
    found = {(f.model, f.metric, f.slice): f for f in audit.findings}
    mean = found["mixup", "mean_effect_size@mean", "all"]
    assert (row["values"][-1], row["change"]) == (mean.value.value, mean.delta.value)
    assert row["values"][0] == abs(found["mixup", "effect_size@mean", "sent-weat6"].value.value)
    assert row["paper_change"] == pytest.approx(0.992 - 0.738)
    assert len(mean.seeds) == 2


def test_students_are_of_their_way(study):
    out, _ = study
    options = {
        place.name: json.loads((place / "training.json").read_text())["facts"]["options"]
        for place in (out / "students").iterdir()
        if (place / "training.json").exists()
    }
    assert set(options) == {
        f"{name}{seed}"
        for name in (*(f"{way}-2" for way in SCALE.ways), "full-1", "full-3")
        for seed in ("", "-seed-1")
    }
    assert options["mixup-2"]["mixup"]["parts"] == ["input", "logits"] and options["full-2"]["mixup"] is None
    assert (options["mlm-cosine-2"]["kl_weight"], options["mlm-cosine-2"]["cosine_weight"]) == (0.0, 1.0)
    assert AutoConfig.from_pretrained(out / "students" / "full-3").num_hidden_layers == 3


def test_the_figure_has_every_depth_and_the_teachers(study):
    _, result = study
    assert [row["x"] for row in rows(result, "curve")] == [1, 2, 3, 4]


def test_again_it_makes_nothing_anew(study):
    out, _ = study
    before = bytes_below(out)
    gender_in(out.parent)
    assert {name for name, found in bytes_below(out).items() if before.get(name) != found} == set()


def test_slips_in_the_recipe_are_one_sentence():
    whole = RECIPE.model_dump()
    whole["tables"][0]["rows"][0]["values"] = (0.5,)
    with pytest.raises(DataError, match="must have 7 values"):
        checked(Recipe, whole, "mine")
    whole = RECIPE.model_dump()
    whole["scales"]["cpu"]["ways"] = ("full", "none")
    with pytest.raises(DataError, match="a scale names none"):
        checked(Recipe, whole, "mine")
