"""Counterfactual data: swapped texts with the teacher's own answers, and nothing twice."""

import numpy as np
import pytest
from small import (
    CountingTeacher,
    about,
    bytes_below,
    counterfactual_in,
    distil_options,
    toxicity_teacher,
)

from angelshare.data.tables import Table
from angelshare.data.transfer import open_transfer
from angelshare.errors import DataError, ModelError
from angelshare.training.classifier import distil
from angelshare.training.counterfactual import counterfactual
from angelshare.training.label import label

TEXTS = [
    "A Muslim was here.",
    "A Christian was here.",  # one of the other's counterfactuals
    "Nobody came.",
    "The man lost his hat.",  # mentions, and cannot be swapped
]


@pytest.fixture
def transfer(tmp_path):
    label(toxicity_teacher(), Table("pool", "pool.csv", np.array(list("abcd"), dtype=object), TEXTS), tmp_path / "t")
    return tmp_path / "t"


def test_what_is_made_and_what_is_counted(tmp_path, transfer):
    made = counterfactual(transfer, teacher=toxicity_teacher(), out=tmp_path / "out")
    rows, facts = made.read(), made.manifest["mitigation"]
    assert rows.texts[:4] == TEXTS
    assert rows.texts[4:8] == [f"{one} was here." for one in ("A Jew", "A Hindu", "A Buddhist", "An atheist")]
    assert rows.ids[4] == "counterfactual:a:muslim>jewish" and rows.source[4] == "counterfactual:pool"
    assert len(set(rows.texts)) == len(rows) == 8
    assert (facts["mentioning"], facts["swapped"], facts["already"], facts["added"]) == (3, 1, 6, 4)
    assert facts["terms"] == {"muslim": {"jew": 1, "hindu": 1, "buddhist": 1, "atheist": 1}}
    assert "jewish" not in facts["before"] and facts["after"]["jewish"]["rows"] == 1
    np.testing.assert_array_equal(rows.logits, toxicity_teacher().predict_logits(rows.texts))


def test_a_text_gives_so_many_at_most_by_the_seed(tmp_path):
    label(toxicity_teacher(), about(60), tmp_path / "t")
    made = [
        counterfactual(tmp_path / "t", teacher=toxicity_teacher(), out=tmp_path / str(at), swaps=2, seed=seed).read()
        for at, seed in enumerate((0, 0, 1))
    ]
    originals = [name.split(":")[1] for name in made[0].ids[60:]]
    mentioning = sum("film" not in text for text in made[0].texts[:60])
    assert {originals.count(name) for name in originals} == {2} and len(originals) == 2 * mentioning
    assert made[0].texts == made[1].texts != made[2].texts


def test_no_mention_no_row(tmp_path):
    label(toxicity_teacher(), Table("p", "p.csv", np.array(["a"], dtype=object), ["Nobody came."]), tmp_path / "t")
    made = counterfactual(tmp_path / "t", teacher=toxicity_teacher(), out=tmp_path / "out")
    assert made.read().texts == ["Nobody came."] and made.manifest["mitigation"]["added"] == 0


def test_distil_takes_the_result(tmp_path):
    counterfactual_in(tmp_path)
    assert len(open_transfer(tmp_path / "swapped")) > 600
    distil("bow", teacher=None, texts=tmp_path / "swapped", out=tmp_path / "student", options=distil_options())
    assert (tmp_path / "student" / "model.safetensors").exists()
    before = bytes_below(tmp_path / "swapped", tmp_path / "swapped.labelled")
    counterfactual_in(tmp_path)
    assert bytes_below(tmp_path / "swapped", tmp_path / "swapped.labelled") == before


def test_mistakes_are_one_sentence(tmp_path, transfer):
    with pytest.raises(ModelError, match="another teacher"):
        counterfactual(transfer, teacher=CountingTeacher(), out=tmp_path / "out")
    with pytest.raises(DataError, match="at least 1"):
        counterfactual(transfer, teacher=toxicity_teacher(), out=tmp_path / "out", swaps=0)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="is a file"):
        counterfactual(transfer, teacher=toxicity_teacher(), out=tmp_path / "file")
    assert not (tmp_path / "out").exists()


def test_other_options_on_a_set_that_was_begun_are_told_by_its_name(tmp_path):
    counterfactual_in(tmp_path)
    before = bytes_below(tmp_path)
    with pytest.raises(DataError, match=rf"^{tmp_path / 'swapped'} was begun with other texts or options"):
        counterfactual(tmp_path / "transfer", teacher=toxicity_teacher(), out=tmp_path / "swapped", swaps=1)
    assert bytes_below(tmp_path) == before
