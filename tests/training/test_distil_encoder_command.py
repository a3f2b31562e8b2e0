"""`distil-encoder` from the command line: whole runs, and a sentence, exit 2 and nothing left for what is broken."""

import json
import sys

import pytest
from small import corpus_file, tiny_encoder, tiny_masked
from test_broken_input import FILES

from angelshare.cli.main import main

QUICK = ("--max-length", 32, "--dev-share", 0.2, "--steps", 4, "--precision", "float32")


@pytest.fixture
def place(tmp_path):
    tiny_masked(tmp_path / "masked")
    tiny_encoder(tmp_path / "encoder")
    corpus_file(tmp_path / "corpus.txt")
    for name, (content, _) in FILES.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    (tmp_path / "one.txt").write_text("the film was grand\n")
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "zipped.txt.gz").write_bytes(b"no gzip file")
    (tmp_path / "surrogates.jsonl").write_text('{"text": "grand \\ud800 film"}\n')
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    return tmp_path


@pytest.fixture
def runs(place, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["angelshare", "distil-encoder", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code

    return run


@pytest.fixture
def fails(place, runs, capsys):
    def run(words, *arguments, out="made"):
        before = {path: path.read_bytes() if path.is_file() else None for path in place.rglob("*")}
        assert runs(*arguments, *QUICK, "--out", place / out) == 2
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("angelshare: ")]
        assert len(said) == 1 and words in said[0], said
        assert {path: path.read_bytes() if path.is_file() else None for path in place.rglob("*")} == before

    return run


def test_a_student_and_its_control(place, runs):
    assert runs(place / "masked", place / "corpus.txt", *QUICK, "--layers", "0,3", "--out", place / "made") == 0
    given = json.loads((place / "made" / "training.json").read_text())
    assert given["facts"]["options"]["kl_weight"] == 5.0 and given["training"]["steps"] == 4
    control = ("--kl", 0, "--cosine", 0, "--layers", 2, "--preset", "as-printed")
    assert runs(place / "masked", place / "made.tokens", *QUICK, *control, "--out", place / "control") == 0
    options = json.loads((place / "control" / "training.json").read_text())["facts"]["options"]
    assert (options["kl_weight"], options["mlm_weight"], options["cosine_weight"]) == (0, 1, 0)


def test_an_encoder_without_a_head(place, runs):
    assert (
        runs(
            place / "encoder", place / "corpus.txt", *QUICK, "--train-head", "--head-steps", 3, "--out", place / "made"
        )
        == 0
    )
    assert (place / "made.teacher" / "model.safetensors").exists() and (place / "made" / "model.safetensors").exists()


def test_a_lone_surrogate_and_a_long_text_just_work(place, runs):
    long = " ".join(["the film was grand"] * 20_000)
    texts = [json.dumps({"text": f"grand \ud800 film {'so it was ' * 5}{at}"}) for at in range(40)]
    (place / "odd.jsonl").write_text("\n".join([*texts, json.dumps({"text": long})]) + "\n")
    assert runs(place / "masked", place / "odd.jsonl", *QUICK, "--layers", 1, "--out", place / "made") == 0


def test_broken_corpora(place, fails):
    for name, (_, words) in FILES.items():
        fails(words, place / "masked", place / name)
    fails("one of each", place / "masked", place / "one.txt")
    fails("has no rows", place / "masked", place / "empty.txt")
    fails("not a whole gzip file", place / "masked", place / "zipped.txt.gz")
    fails("one of each", place / "masked", place / "surrogates.jsonl")


def test_wrong_teachers_and_options(place, fails):
    texts = place / "corpus.txt"
    fails("Say --train-head", place / "encoder", texts)
    fails("Leave --train-head out", place / "masked", texts, "--train-head")
    fails("cannot be loaded", place / "full", texts)
    fails("between 1 and the teacher's 4", place / "masked", texts, "--layers", 5)
    fails("numbers between commas", place / "masked", texts, "--layers", "half")
    fails("must be one of distilbert", place / "masked", texts, "--preset", "mine")
    fails("not both 0", place / "masked", texts, "--kl", 0, "--mlm", 0)
    fails("equal parts", place / "masked", texts, "--accumulate", 3)
    fails("not a finished run", place / "masked", texts, out="full")
