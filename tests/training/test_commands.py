"""The commands through their runner, on files."""

import csv
import json
from dataclasses import replace

import pytest
import typer
from small import golden, pool
from typer.testing import CliRunner

from angelshare.cli import distil, finetune, label
from angelshare.errors import AngelshareError, DataError, ModelError
from angelshare.models.loading import load

app = typer.Typer()
app.command("finetune")(finetune.command)
app.command("label")(label.command)
app.command("distil")(distil.command)


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, AngelshareError):
        raise result.exception
    return result


def written(path, table):
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "sentence", "verdict"])
        for at, text in enumerate(table.texts):
            verdict = "" if table.targets is None else table.labels[table.classes[at]]
            writer.writerow([table.ids[at], text, verdict])
    return path


COLUMNS = ("--text", "sentence", "--id", "name")


@pytest.fixture
def files(tmp_path, encoder):
    return encoder, written(tmp_path / "gold.csv", golden(40)), written(tmp_path / "pool.csv", pool(40))


def test_from_an_encoder_to_a_student_with_controls(tmp_path, files):
    encoder, gold, texts = files
    verdict = ("--label", "verdict", *COLUMNS)
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    assert run("finetune", encoder, gold, "--out", teacher, *verdict, "--epochs", 1).exit_code == 0
    assert run("label", teacher, texts, "--out", tmp_path / "transfer", *COLUMNS).exit_code == 0
    made = ("distil", "bow", "--teacher", teacher, "--texts", tmp_path / "transfer", "--gold", gold, "--epochs", 2)
    result = run(*made, "--out", student, *verdict)
    assert result.exit_code == 0 and result.stdout.strip() == str(student)
    assert load(student / "controls" / "hard").labels == ("negative", "positive")
    assert run(*made, "--out", student, *verdict).exit_code == 0  # it is there already
    with pytest.raises(DataError, match="Name another --out"):
        run(*made, "--out", student, *verdict, "--temperature", 2)


def test_tfidf_learns_from_golden_labels(tmp_path, files):
    gold = files[1]
    assert (
        run("distil", "tfidf", "--gold", gold, "--label", "verdict", *COLUMNS, "--out", tmp_path / "t").exit_code == 0
    )
    assert load(tmp_path / "t").labels == ("negative", "positive")
    assert json.loads((tmp_path / "t" / "training.json").read_text())["training"]["rows"] == 40
    with pytest.raises(ModelError, match="--gold"):
        run("distil", "tfidf", "--out", tmp_path / "x")


def test_mistakes_are_one_sentence(tmp_path, files):
    encoder, gold, texts = files
    with pytest.raises(DataError, match="verdikt"):
        run("finetune", encoder, gold, "--out", tmp_path / "t", "--label", "verdikt", *COLUMNS)
    one = golden(20)
    same = written(tmp_path / "same.csv", replace(one, targets=one.targets[:1].repeat(20, axis=0)))
    with pytest.raises(DataError, match="at least two labels"):
        run("finetune", encoder, same, "--out", tmp_path / "t", "--label", "verdict", *COLUMNS)
    with pytest.raises(ModelError, match="--teacher"):
        run("distil", "bow", "--texts", texts, "--out", tmp_path / "s", *COLUMNS)
    with pytest.raises(ModelError, match="pooling"):
        run("finetune", encoder, gold, "--out", tmp_path / "t", "--label", "verdict", *COLUMNS, "--pooling", "max")
    with pytest.raises(ModelError, match="loss"):
        run("distil", "bow", "--texts", texts, "--out", tmp_path / "s", *COLUMNS, "--loss", "l1")
    assert not (tmp_path / "t").exists() and not (tmp_path / "s").exists()


@pytest.mark.parametrize("command", ["finetune", "label", "distil"])
def test_help_names_the_options(command):
    result = run(command, "--help")
    assert result.exit_code == 0 and "--out" in result.stdout and "--text" in result.stdout


def test_tfidf_refuses_what_it_would_ignore(tmp_path, files):
    gold = ("--gold", files[1], "--label", "verdict", *COLUMNS)
    with pytest.raises(ModelError, match=r"golden labels alone\. Leave --temperature out"):
        run("distil", "tfidf", *gold, "--temperature", 2, "--out", tmp_path / "t")
    with pytest.raises(ModelError, match=r"bow, cnn, bilstm, transformer, tfidf\. Got 'lstm'"):
        run("distil", "lstm", *gold, "--out", tmp_path / "t")
    assert not (tmp_path / "t").exists()
