from dataclasses import replace

import numpy as np
import pytest
from small import CountingTeacher, bytes_below, pool

from angelshare.data.transfer import open_transfer
from angelshare.errors import DamagedFile, DataError, ModelError
from angelshare.training.label import LabelOptions, label, teacher_fingerprint


def test_every_row_once_with_the_teachers_logits(tmp_path):
    table, teacher = pool(50), CountingTeacher()
    rows = label(teacher, table, tmp_path / "t", options=LabelOptions(shard_rows=7)).read()
    assert list(rows.ids) == list(table.ids) and rows.texts == table.texts and set(rows.source) == {"pool"}
    np.testing.assert_array_equal(rows.logits, CountingTeacher().predict_logits(table.texts))
    assert teacher.asked == 50
    label(teacher, table, tmp_path / "t", options=LabelOptions(shard_rows=7))
    assert teacher.asked == 50  # never asked again


def test_the_same_row_is_kept_once_and_another_of_its_id_is_renamed(tmp_path):
    one = pool(10)
    other = replace(one, name="other", source="other.csv", texts=[*one.texts[:9], "a new text"])
    rows = label(CountingTeacher(), [one, other], tmp_path / "t").read()
    assert list(rows.ids) == [*one.ids, "other:pool-9"] and rows.texts[-1] == "a new text"


def test_another_teacher_or_other_texts_are_not_written_over(tmp_path):
    label(CountingTeacher(), pool(10), tmp_path / "t")
    before = bytes_below(tmp_path / "t")
    with pytest.raises(DataError, match="other texts"):
        label(CountingTeacher(), pool(11), tmp_path / "t")
    teacher = CountingTeacher()
    teacher.fingerprint = "another"
    with pytest.raises(DataError, match="another teacher"):
        label(teacher, pool(10), tmp_path / "t")
    assert bytes_below(tmp_path / "t") == before


def test_a_flipped_byte_in_a_shard_is_refused_by_name(tmp_path):
    label(CountingTeacher(), pool(30), tmp_path / "t", options=LabelOptions(shard_rows=10))
    shard = tmp_path / "t" / "shard-00001.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"shard-00001\.parquet"):
        open_transfer(tmp_path / "t")
    with pytest.raises(DamagedFile, match=r"shard-00001\.parquet"):
        label(CountingTeacher(), pool(30), tmp_path / "t", options=LabelOptions(shard_rows=10))


def test_logits_that_are_not_finite_or_do_not_fit_are_refused(tmp_path):
    class Broken(CountingTeacher):
        def predict_logits(self, texts):
            logits = super().predict_logits(texts)
            logits[3] = np.nan
            return logits

    class Narrow(CountingTeacher):
        def predict_logits(self, texts):
            return super().predict_logits(texts)[:, :1]

    with pytest.raises(DataError, match="pool-3"):
        label(Broken(), pool(10), tmp_path / "broken")
    with pytest.raises(ModelError, match=r"\(10, 2\) logits"):
        label(Narrow(), pool(10), tmp_path / "narrow")


def test_a_teacher_without_a_fingerprint_is_known_by_its_answers():
    class Plain:
        labels, multilabel = ("a", "b"), False
        shift = 0.0

        def predict_logits(self, texts):
            return np.array([[len(text), self.shift] for text in texts], dtype=np.float32)

    one, other = Plain(), Plain()
    assert teacher_fingerprint(one) == teacher_fingerprint(other)
    other.shift = 1.0
    assert teacher_fingerprint(one) != teacher_fingerprint(other)
