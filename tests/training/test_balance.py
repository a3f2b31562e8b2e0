"""Identity-balanced data: the rates match afterwards, or the pool is said to be exhausted."""

from dataclasses import replace

import numpy as np
import pytest
from small import CountingTeacher, about, balance_in, bytes_below, distil_options, golden, toxicity_teacher

from angelshare.data.transfer import open_transfer
from angelshare.errors import DataError, ModelError
from angelshare.training.balance import balance
from angelshare.training.classifier import distil
from angelshare.training.label import LabelOptions, label


@pytest.fixture
def transfer(tmp_path):
    label(toxicity_teacher(), about(400), tmp_path / "transfer", options=LabelOptions(shard_rows=150))
    return tmp_path / "transfer"


def rates(rows, word):
    """(all, those with the word): shares of rows whose second logit is the higher, counted the straightforward way."""
    toxic = rows.logits[:, 1] > rows.logits[:, 0]
    named = np.array([word in text for text in rows.texts])
    return toxic.mean(), toxic[named].mean()


def test_the_rate_comes_down_to_the_sets(tmp_path, transfer):
    made = balance(transfer, about(4000, 1, "more"), teacher=toxicity_teacher(), out=tmp_path / "out")
    before, after = open_transfer(transfer).read(), made.read()
    whole, muslim = rates(before, "Muslim")
    assert muslim > whole
    assert whole * 0.99 < rates(after, "Muslim")[1] <= whole
    facts = made.manifest["mitigation"]
    assert facts["exhausted"] == [] and set(facts["wanted"]) == {"muslim"} and facts["found"] == facts["wanted"]
    np.testing.assert_allclose((facts["before"]["all"]["rate"], facts["before"]["muslim"]["rate"]), (whole, muslim))
    np.testing.assert_allclose(facts["after"]["muslim"]["rate"], rates(after, "Muslim")[1])
    assert facts["after"]["christian"] == facts["before"]["christian"]


def test_what_was_there_stays_and_what_is_new_tells_where_it_is_from(tmp_path, transfer):
    pool = about(4000, 1, "more")
    given = open_transfer(transfer).read()
    rows = balance(transfer, pool, teacher=toxicity_teacher(), out=tmp_path / "out").read()
    assert list(rows.ids[:400]) == list(given.ids) and rows.texts[:400] == given.texts
    np.testing.assert_array_equal(rows.logits[:400], given.logits)
    names = dict(zip((f"balance:{name}" for name in pool.ids), pool.texts, strict=True))
    added = range(400, len(rows))
    assert len(added) and all(names[rows.ids[at]] == rows.texts[at] for at in added)
    assert {rows.source[at] for at in added} == {"balance:more"}
    assert all("Muslim" in rows.texts[at] and "grand" in rows.texts[at] for at in added)


def test_the_teacher_reads_only_what_could_be_drawn(tmp_path, transfer):
    teacher, pool = toxicity_teacher(), about(500, 1, "more")
    balance(transfer, pool, teacher=teacher, out=tmp_path / "out")
    assert teacher.asked == sum("Muslim" in text for text in pool.texts)


def test_a_small_pool_is_exhausted_and_texts_of_the_set_are_not_added_again(tmp_path, transfer, capsys):
    new = about(30, 1, "more")
    known = replace(new, ids=np.append(new.ids, "again"), texts=[*new.texts, open_transfer(transfer).read().texts[0]])
    made = balance(transfer, known, teacher=toxicity_teacher(), out=tmp_path / "out")
    there = sum("Muslim" in text and "grand" in text for text in new.texts)
    facts = made.manifest["mitigation"]
    assert facts["exhausted"] == ["muslim"] and facts["found"]["muslim"] == facts["added"] == there
    assert "of the" in capsys.readouterr().err


def test_the_draw_does_not_depend_on_how_the_pool_is_cut(tmp_path, transfer):
    pool = about(3000, 1, "more")
    order = np.random.default_rng(0).permutation(3000)
    label(toxicity_teacher(), pool.take(order[:1000]), tmp_path / "labelled")
    rest = pool.take(order[1000:])
    one = balance(transfer, pool, teacher=toxicity_teacher(), out=tmp_path / "one").read()
    two = balance(transfer, [tmp_path / "labelled", rest], teacher=toxicity_teacher(), out=tmp_path / "two").read()
    other = balance(transfer, pool, teacher=toxicity_teacher(), out=tmp_path / "other", seed=1).read()
    assert set(one.texts) == set(two.texts) != set(other.texts)


def test_people_say_who_is_toxic_before_the_teacher(tmp_path, transfer):
    """Everything about Muslims in the pool was called toxic by people: nothing is left to draw."""
    pool = about(300, 1, "more")
    muslim = np.array(["Muslim" in text for text in pool.texts])
    gold = replace(pool, labels=("toxic",), multilabel=True, targets=muslim.astype(np.float32)[:, None])
    made = balance(transfer, pool, teacher=toxicity_teacher(), gold=gold, out=tmp_path / "out")
    assert made.manifest["mitigation"]["added"] == 0 and len(made) == 400


def test_a_balanced_set_stays_as_it_is(tmp_path):
    label(toxicity_teacher(), about(200, bad=0.0), tmp_path / "fair")
    texts = [text.replace("Christian", "film") for text in about(200, bad=0.0).texts]
    label(toxicity_teacher(), replace(about(200), texts=texts), tmp_path / "transfer")
    made = balance(tmp_path / "transfer", about(50, 1, "more"), teacher=toxicity_teacher(), out=tmp_path / "out")
    assert made.manifest["mitigation"]["wanted"] == {} and len(made) == 200


def test_distil_takes_the_result(tmp_path, transfer):
    balance(transfer, about(2000, 1, "more"), teacher=toxicity_teacher(), out=tmp_path / "balanced")
    distil("bow", teacher=None, texts=tmp_path / "balanced", out=tmp_path / "student", options=distil_options())
    assert (tmp_path / "student" / "model.safetensors").exists()


def test_again_asks_nothing_and_changes_no_byte(tmp_path):
    balance_in(tmp_path)
    before = bytes_below(*tmp_path.iterdir())
    balance_in(tmp_path)
    assert bytes_below(*tmp_path.iterdir()) == before


def test_mistakes_are_one_sentence(tmp_path, transfer):
    with pytest.raises(ModelError, match="--teacher"):
        balance(transfer, about(10), out=tmp_path / "out")
    with pytest.raises(ModelError, match="another teacher"):
        balance(transfer, about(10), teacher=CountingTeacher(), out=tmp_path / "out")
    label(CountingTeacher(), about(10, 1, "more"), tmp_path / "strange")
    with pytest.raises(ModelError, match="another teacher"):
        balance(transfer, tmp_path / "strange", out=tmp_path / "out")
    with pytest.raises(DataError, match="no transfer set"):
        balance(tmp_path / "nowhere", about(10), teacher=toxicity_teacher(), out=tmp_path / "out")
    with pytest.raises(DataError, match="threshold"):
        balance(transfer, about(10), teacher=toxicity_teacher(), out=tmp_path / "out", threshold=1)
    with pytest.raises(DataError, match="golden labels"):
        balance(transfer, about(10), teacher=toxicity_teacher(), gold=about(10), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="to start from"):
        balance(transfer, about(10, 1, "more"), teacher=toxicity_teacher(), out=transfer)


def test_many_labels_need_the_name_of_one(tmp_path):
    teacher = CountingTeacher(("one", "two", "three"), True)
    label(teacher, about(60), tmp_path / "transfer")
    with pytest.raises(ModelError, match="--positive"):
        balance(tmp_path / "transfer", about(10, 1, "more"), teacher=teacher, out=tmp_path / "out")
    made = balance(tmp_path / "transfer", about(99, 1, "more"), teacher=teacher, out=tmp_path / "out", positive="two")
    assert made.manifest["mitigation"]["positive"] == "two"
    table = golden(20, multilabel=True, labels=("a", "b"))
    with pytest.raises(DataError, match="not 'two'"):
        balance(tmp_path / "transfer", about(9), teacher=teacher, out=tmp_path / "x", positive="two", gold=table)
