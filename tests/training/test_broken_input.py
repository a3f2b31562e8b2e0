"""Commands that train or transform, on empty, broken and one-row input: a sentence, exit 2, nothing left."""

import shutil
import sys

import numpy as np
import pytest
from small import about
from teachers import CountingTeacher

from angelshare.cli.main import main
from angelshare.data.transfer import open_transfer
from angelshare.training.label import LabelOptions, label

TEACHER = ("--teacher", "teachers:CountingTeacher", "--allow-code", "--positive", "negative")
FILES = {
    "empty.csv": (b"", "is empty"),
    "header.csv": (b"text\n", "has no rows"),
    "open.csv": (b'text\n"open\n', "not closed"),
    "column.csv": (b"name\nx\n", "no column 'text'"),
    "binary.csv": (b"text\n\xff\xfe\n", "must be UTF-8"),
    "blank.csv": (b'text\n""\n', "the text is empty"),
    "nowhere.csv": (None, "does not exist"),
}
SETS = {
    "nothing": "no manifest",
    "damaged": "cannot be read",
    "foreign": "is not a manifest",
    "cut": "differs from what was committed",
    "lost": "is missing",
    "nowhere": "no manifest",
    "one.csv": "no manifest",
}


@pytest.fixture
def place(tmp_path, encoder):
    """Texts, transfer sets and files, whole and broken."""
    for name, (content, _) in FILES.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    (tmp_path / "one.csv").write_text("text\na Muslim people felt grand 1\n")
    (tmp_path / "pool.csv").write_text("text\n" + "\n".join(about(300, 1, "more").texts) + "\n")
    label(CountingTeacher(), about(200), tmp_path / "set", options=LabelOptions(shard_rows=100))
    some = about(20)
    muslim = [at for at, text in enumerate(some.texts) if "Muslim" in text][:1]
    label(CountingTeacher(), some.take(np.array(muslim)), tmp_path / "single")
    for name in ("damaged", "foreign", "cut", "lost"):
        shutil.copytree(tmp_path / "set", tmp_path / name)
    (tmp_path / "nothing").mkdir()
    (tmp_path / "damaged" / "manifest.json").write_text("{")
    (tmp_path / "foreign" / "manifest.json").write_text("{}")
    shard = sorted((tmp_path / "set").glob("*.parquet"))[0].name
    (tmp_path / "cut" / shard).write_bytes((tmp_path / "set" / shard).read_bytes()[:50])
    (tmp_path / "lost" / shard).unlink()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    return tmp_path


@pytest.fixture
def fails(place, monkeypatch, capsys):
    """Run the command line; it ends with exit 2 and one sentence with these words, and every file is as it was."""

    def run(words, *arguments, out="made"):
        before = {path: path.read_bytes() if path.is_file() else None for path in place.rglob("*")}
        monkeypatch.setattr(sys, "argv", ["angelshare", *map(str, arguments), "--out", str(place / out)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("angelshare: ")]
        assert stop.value.code == 2
        assert len(said) == 1 and words in said[0], said
        assert {path: path.read_bytes() if path.is_file() else None for path in place.rglob("*")} == before

    return run


def test_broken_texts(place, fails):
    for name, (_, words) in FILES.items():
        fails(words, "pretrain", place / "encoder", place / name)
        fails(words, "pretrain", place / "encoder", place / "pool.csv", "--dev", place / name)
        fails(words, "balance", place / "set", "--pool", place / name, *TEACHER)
    fails("too few rows", "pretrain", place / "encoder", place / "one.csv")


def test_broken_corpora_words_and_pairs_of_debias(place, fails):
    given = ("debias", place / "encoder")
    for name, (_, words) in FILES.items():
        fails(words, *given, place / name)
    fails("one side of gender-10", *given, place / "one.csv")
    for name, words in (("empty.csv", "holds no word"), ("nowhere.csv", "cannot be read"), ("binary.csv", "not UTF-8")):
        fails(words, *given, place / "pool.csv", "--targets", place / name)
    fails("no column 'first'", *given, place / "pool.csv", "--pairs", place / "one.csv")
    fails("There is no list of pairs", *given, place / "pool.csv", "--pairs", "gender")
    fails("several partners", *given, place / "pool.csv", "--pairs", "identities")
    fails("must be token or sentence", *given, place / "pool.csv", "--level", "word")
    fails("cannot be loaded", "debias", place / "nothing", place / "pool.csv")
    fails("not a finished run", *given, place / "pool.csv", out="full")


def test_broken_mixups(place, fails):
    given = ("distil", "bow", "--teacher", "teachers:CountingTeacher", "--allow-code", "--texts", place / "pool.csv")
    fails("There is no list of pairs", *given, "--mixup-pairs", "gender")
    fails("no column 'first'", *given, "--mixup-pairs", place / "one.csv")
    fails("between 0.001 and 1000", *given, "--mixup-pairs", "identities", "--mixup-alpha", 0)
    fails("Name their pairs with --mixup-pairs", *given, "--mixup-alpha", 0.4)
    fails("No text to learn from has a word of gender-10", *given, "--mixup-pairs", "gender-10")
    fails("golden labels alone", "distil", "tfidf", "--gold", place / "one.csv", "--mixup-pairs", "identities")


def test_broken_transfer_sets(place, fails):
    for name, words in SETS.items():
        fails(words, "balance", place / name, "--pool", place / "pool.csv", *TEACHER)
        fails(words, "counterfactual", place / name, *TEACHER)
        if name not in ("nowhere", "one.csv"):
            fails(words, "balance", place / "set", "--pool", place / name, *TEACHER)


@pytest.mark.parametrize("command", [("balance", "--pool", "pool.csv"), ("counterfactual",)])
def test_broken_golden_rows_and_options(place, fails, command):
    name, *more = command
    given = (name, place / "set", *(place / part if part.endswith(".csv") else part for part in more), *TEACHER)
    for file, words in (("empty.csv", "is empty"), ("one.csv", "no column 'toxic'"), ("nowhere.csv", "does not exist")):
        fails(words, *given, "--gold", place / file, "--toxicity", "toxic")
    fails("between 0 and 1", *given, "--threshold", 2)
    fails("must be one of negative, positive", *given, "--positive", "toxic")
    fails("cannot be loaded", *given, "--teacher", "teachers:Nobody")
    fails("another teacher", *given, "--teacher", "teachers:OtherTeacher")


@pytest.mark.parametrize("command", [("balance", "--pool", "pool.csv"), ("counterfactual",)])
def test_nothing_is_asked_of_the_teacher_for_an_out_that_is_taken(place, fails, command):
    name, *more = command
    given = (name, place / "set", *(place / part if part.endswith(".csv") else part for part in more), *TEACHER)
    fails("to start from", *given, out="set")
    fails("is a file", *given, out="one.csv")
    fails("no transfer set", *given, out="full")


def test_encoders_that_are_none(place, fails):
    for name in ("nothing", "one.csv"):
        fails("cannot be loaded", "pretrain", place / name, place / "pool.csv")
    fails("not a finished run", "pretrain", place / "encoder", place / "pool.csv", out="full")


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        (("balance", "single", "--pool", "pool.csv"), 1),
        (("balance", "set", "--pool", "one.csv"), 201),
        (("balance", "set", "--pool", "single"), 200),
        (("counterfactual", "single"), 6),
    ],
)
def test_one_row_is_enough_for_a_transform(place, monkeypatch, command, rows):
    known = [place / part if (place / part).exists() else part for part in command]
    monkeypatch.setattr(sys, "argv", ["angelshare", *map(str, known), *TEACHER, "--out", str(place / "made")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert len(open_transfer(place / "made")) == rows
