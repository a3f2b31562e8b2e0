"""The commands through their runner, on files."""

import csv
import json
from dataclasses import replace

import pytest
import typer
from small import about, gendered, golden, pool
from typer.testing import CliRunner

from angelshare.cli import balance, counterfactual, debias, distil, finetune, label, pretrain
from angelshare.data.transfer import open_transfer
from angelshare.errors import AngelshareError, DataError, ModelError
from angelshare.models.loading import load

app = typer.Typer()
app.command("finetune")(finetune.command)
app.command("label")(label.command)
app.command("distil")(distil.command)
app.command("balance")(balance.command)
app.command("counterfactual")(counterfactual.command)
app.command("debias")(debias.command)
app.command("pretrain")(pretrain.command)


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


def test_debias_and_mixup(tmp_path, files):
    encoder, gold, _ = files
    corpus, groups = written(tmp_path / "corpus.csv", gendered(400)), written(tmp_path / "groups.csv", about(60))
    (tmp_path / "pairs.toml").write_text('pairs = [["bad", "grand"]]')
    (tmp_path / "targets.txt").write_text("film\nplot\n")
    known = (
        "--pairs",
        tmp_path / "pairs.toml",
        "--targets",
        tmp_path / "targets.txt",
        "--batch-size",
        8,
        "--epochs",
        1,
    )
    made = ("debias", encoder, corpus, "--out", tmp_path / "turned", *COLUMNS[:2], *known)
    assert run(*made, "--level", "sentence", "--layers", "last", "--batch-size", 64).stdout.strip() == str(
        tmp_path / "turned"
    )
    verdict = ("--label", "verdict", *COLUMNS, "--epochs", 1)
    assert run("finetune", tmp_path / "turned", gold, "--out", tmp_path / "teacher", *verdict).exit_code == 0
    common = (
        "distil",
        "bow",
        "--teacher",
        tmp_path / "teacher",
        "--texts",
        groups,
        "--no-controls",
        *COLUMNS,
        "--epochs",
        1,
    )
    for name in ("identities", tmp_path / "pairs.toml"):
        out = tmp_path / f"student-{name == 'identities'}"
        assert run(*common, "--mixup-pairs", name, "--mixup-alpha", 0.3, "--out", out).exit_code == 0
        assert json.loads((out / "training.json").read_text())["facts"]["options"]["mixup"]["alpha"] == 0.3


def test_more_training_for_the_encoder_and_more_texts_for_the_student(tmp_path, files):
    encoder, gold, texts = files
    groups = written(tmp_path / "groups.csv", about(60))
    before, teacher, transfer = tmp_path / "before", tmp_path / "teacher", tmp_path / "transfer"
    assert run("pretrain", encoder, texts, "--out", before, *COLUMNS, "--epochs", 1).exit_code == 0
    assert run("finetune", before, gold, "--out", teacher, "--label", "verdict", *COLUMNS, "--epochs", 1).exit_code == 0
    assert run("label", teacher, groups, "--out", transfer, *COLUMNS).exit_code == 0
    known = ("--teacher", teacher, "--positive", "negative")
    balanced = run("balance", transfer, "--pool", texts, *known, "--out", tmp_path / "balanced", *COLUMNS)
    assert balanced.exit_code == 0 and balanced.stdout.strip() == str(tmp_path / "balanced")
    swapped = tmp_path / "swapped"
    assert run("counterfactual", tmp_path / "balanced", *known, "--swaps", 2, "--out", swapped).exit_code == 0
    assert len(open_transfer(swapped)) > 60
    with pytest.raises(ModelError, match="positive label"):
        run("counterfactual", transfer, "--teacher", teacher, "--positive", "toxic", "--out", tmp_path / "x")
    with pytest.raises(DataError, match="no transfer set"):
        run("balance", texts, "--pool", texts, "--out", tmp_path / "x")
    for empty in ("", "name,sentence\n"):
        (tmp_path / "empty.csv").write_text(empty)
        for command in (
            ("pretrain", encoder, tmp_path / "empty.csv"),
            ("balance", transfer, "--pool", tmp_path / "empty.csv", *known),
        ):
            with pytest.raises(DataError):
                run(*command, "--out", tmp_path / "x", *COLUMNS)
    assert not (tmp_path / "x").exists()


def test_copies_by_a_masked_model_of_the_users_own(tmp_path, files):
    encoder, gold, texts = files
    verdict, masked = ("--label", "verdict", *COLUMNS), tmp_path / "masked"
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    assert run("finetune", encoder, gold, "--out", teacher, *verdict, "--epochs", 1).exit_code == 0
    assert run("pretrain", encoder, texts, "--out", masked, *COLUMNS, "--epochs", 1).exit_code == 0
    made = ("distil", "bow", "--teacher", teacher, "--gold", gold, *verdict, "--epochs", 1, "--augment", "masked")
    model = ("--language-model", masked, "--per-text", 2)
    assert run(*made, *model, "--not-in", f"{texts}:sentence", "--out", student).exit_code == 0
    rows = json.loads((student / "training.json").read_text())["training"]["rows"]
    copies = open_transfer(tmp_path / "student.augmented.transfer")
    assert rows == 36 + len(copies) and {name.split(":")[0] for name in copies.read().ids} == {"masked-0", "masked-1"}
    with pytest.raises(ModelError, match="no head was trained"):
        run(*made, "--language-model", encoder, "--out", tmp_path / "x")
    with pytest.raises(ModelError, match="needs a masked model"):
        run(*made, "--out", tmp_path / "x")
    with pytest.raises(ModelError, match="--per-text is for copies of the texts"):
        run(*made[:-2], "--per-text", 2, "--out", tmp_path / "x")
    with pytest.raises(ModelError, match="Leave --augment out"):
        run("distil", "tfidf", "--gold", gold, *verdict, "--augment", "eda", "--out", tmp_path / "x")
    assert not (tmp_path / "x").exists() and not (tmp_path / "x.transfer").exists()


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


COUNTING = ("label", "teachers:CountingTeacher", "--allow-code")


SPREAD = ("--executor", "processes", "--workers", 2)
CHOSEN = ("--count", 4, "--balance", 0.5)


@pytest.mark.parametrize("others", [(), SPREAD, CHOSEN, (*SPREAD, *CHOSEN)])
@pytest.mark.parametrize(
    ("content", "words"),
    [("", "is empty"), ("text\n", "has no rows"), ('text\n"open\n', "not closed"), ("name\nx\n", "no column 'text'")],
)
def test_labelling_a_broken_file_is_one_sentence_and_leaves_nothing(content, words, others, tmp_path):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(DataError, match=words):
        run(*COUNTING, tmp_path / "x.csv", "--out", tmp_path / "t", *others)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
    (tmp_path / "x.csv").write_text("text\nmended\n")
    assert run(*COUNTING, tmp_path / "x.csv", "--out", tmp_path / "t").exit_code == 0
    assert open_transfer(tmp_path / "t").count == 1


@pytest.mark.parametrize("option", [("--threshold", 0.9), ("--positive", "positive"), ("--balance", 0.1)])
def test_an_option_that_would_be_ignored_is_refused(option, tmp_path):
    (tmp_path / "x.csv").write_text("text\na grand film\n")
    with pytest.raises(DataError, match=f"{option[0]} chooses rows by score"):
        run(*COUNTING, tmp_path / "x.csv", "--out", tmp_path / "t", *option)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_refused_command_leaves_nothing_but_finished_shards(tmp_path):
    texts = tmp_path / "x.csv"
    texts.write_text("text\na grand film\n")
    with pytest.raises(ModelError, match="toxic"):
        run(*COUNTING, texts, "--out", tmp_path / "t", *CHOSEN, "--positive", "toxic")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
    texts.write_text("text\n" + "".join(f"line {at}\n" for at in range(1024)) + '"open\n')
    with pytest.raises(DataError, match="not closed"):
        run(*COUNTING, texts, "--out", tmp_path / "t", "--shard-rows", 1000, "--count", 2000)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".t.scored", "x.csv"]


def test_rows_without_a_text_may_be_skipped(tmp_path):
    (tmp_path / "x.csv").write_text("name,text\n1,one\n2,\n3, \n1,one\n4,two\n")
    with pytest.raises(DataError, match="row 3, column 'text': the text is empty"):
        run(*COUNTING, tmp_path / "x.csv", "--id", "name", "--out", tmp_path / "t")
    assert not (tmp_path / "t").exists()
    run(*COUNTING, tmp_path / "x.csv", "--id", "name", "--out", tmp_path / "t", "--skip-empty")
    found = open_transfer(tmp_path / "t")
    assert list(found.read().ids) == ["1", "4"] and found.manifest["dropped"] == {"empty": 2, "repeated": 1}


@pytest.mark.parametrize("others", [SPREAD, CHOSEN, (*SPREAD, *CHOSEN)])
def test_one_row_is_labelled_by_processes_and_chosen(others, tmp_path):
    (tmp_path / "x.csv").write_text("text\na grand film\n")
    assert run(*COUNTING, tmp_path / "x.csv", "--out", tmp_path / "t", *others).exit_code == 0
    assert open_transfer(tmp_path / "t").read().texts == ["a grand film"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t", "x.csv"]


def test_a_file_that_breaks_off_may_be_mended(tmp_path):
    texts = tmp_path / "x.csv"
    texts.write_text("text\n" + "a line\n" * 3000 + '"open\n')
    for _ in range(2):
        with pytest.raises(DataError, match="not closed"):
            run(*COUNTING, texts, "--out", tmp_path / "t", "--shard-rows", 3000)
    texts.write_text("text\n" + "a line\n" * 3000)
    assert run(*COUNTING, texts, "--out", tmp_path / "t", "--shard-rows", 3000).exit_code == 0


def test_rows_are_chosen_and_kept_apart_from_an_audit_set(tmp_path):
    for name, table in (("pool.csv", pool(300)), ("audit.csv", pool(20))):
        written(tmp_path / name, table)
    common = (*COUNTING, tmp_path / "pool.csv", *COLUMNS, "--out", tmp_path / "t")
    made = run(*common, "--count", 40, "--not-in", f"{tmp_path / 'audit.csv'}:sentence", "--distinct")
    assert made.exit_code == 0
    found = open_transfer(tmp_path / "t")
    positive = found.read().logits[:, 1] >= found.read().logits[:, 0]
    assert (found.count, positive.sum()) == (40, 20)
    assert found.manifest["dropped"]["in_audit_exactly"] == 20
    assert not set(found.read().texts) & set(pool(20).texts)
    with pytest.raises(DataError, match="No text is left"):
        run(*COUNTING, tmp_path / "audit.csv", *COLUMNS, "--out", tmp_path / "u", "--not-in", tmp_path / "audit.csv")
    with pytest.raises(DataError, match="--count"):
        run(*common, "--balance", 0.5)
    with pytest.raises(DataError, match="Leave one out"):
        run(*common, "--count", 4, "--balance", 0.5, "--match", tmp_path / "t")
    with pytest.raises(ModelError, match="executor must be"):
        run(*common, "--executor", "threads")


@pytest.mark.parametrize("command", ["finetune", "label", "distil", "balance", "counterfactual", "pretrain", "debias"])
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
