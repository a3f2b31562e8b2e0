"""A text that was scored before is looked up, and the cache moves no byte of an interrupted run."""

import pytest
from small import CountingTeacher, bytes_below, pool

from angelshare.data.tables import Table
from angelshare.errors import DamagedFile, DataError
from angelshare.training.label import LabelOptions, label


def cached(teacher, table, place, folder):
    return label(teacher, table, place, options=LabelOptions(shard_rows=20, cache=folder))


def test_what_an_earlier_run_scored_is_looked_up(tmp_path):
    teacher = CountingTeacher()
    cached(teacher, pool(100), tmp_path / "one", tmp_path / "answers")
    assert teacher.asked == 100
    more = Table("more", "more.csv", pool(150).ids, pool(150).texts)
    found = cached(teacher, more, tmp_path / "two", tmp_path / "answers")
    assert teacher.asked == 150
    label(CountingTeacher(), more, tmp_path / "plain" / "two", options=LabelOptions(shard_rows=20))
    assert bytes_below(found.directory) == bytes_below(tmp_path / "plain" / "two")


def test_another_teacher_has_its_own_answers(tmp_path):
    cached(CountingTeacher(), pool(20), tmp_path / "one", tmp_path / "answers")
    other = CountingTeacher()
    other.fingerprint = "another tokenizer"
    cached(other, pool(20), tmp_path / "two", tmp_path / "answers")
    assert other.asked == 20


def test_a_job_does_not_look_up_its_own_answers(tmp_path):
    """Else an interrupted run would batch its texts otherwise than an unbroken one, which moves the last bits."""

    class Stopping(CountingTeacher):
        def predict_logits(self, texts):
            if self.asked >= 60:
                raise KeyboardInterrupt
            return super().predict_logits(texts)

    one = pool(50)
    twice = Table("twice", "twice.csv", pool(100).ids, one.texts * 2)
    with pytest.raises(KeyboardInterrupt):
        cached(Stopping(), twice, tmp_path / "t", tmp_path / "answers")
    teacher = CountingTeacher()
    cached(teacher, twice, tmp_path / "t", tmp_path / "answers")
    assert teacher.asked == 40


def test_a_damaged_cache_is_refused_by_name(tmp_path):
    cached(CountingTeacher(), pool(20), tmp_path / "one", tmp_path / "answers")
    (file,) = (path for path in (tmp_path / "answers").iterdir() if path.suffix == ".sqlite")
    content = bytearray(file.read_bytes())
    for at in range(len(content) // 2, len(content)):
        content[at] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedFile, match=file.name):
        cached(CountingTeacher(), pool(21), tmp_path / "two", tmp_path / "answers")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Name another --cache"):
        cached(CountingTeacher(), pool(20), tmp_path / "three", tmp_path / "file")
