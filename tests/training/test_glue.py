"""`angelshare glue` on made-up files in the publishers' formats."""

import json
import sys

import numpy as np
import pytest
from small import bytes_below, golden, quick
from typer.testing import CliRunner

from angelshare.cli.main import app, main
from angelshare.collect.glue import read_run
from angelshare.data.glue import TASKS, open_task
from angelshare.errors import DataError
from angelshare.training.glue import GlueOptions, glue

NAMES = ("cola", "sts", "mrpc")


def written(root, rows=40):
    """CoLA, STS 2015 and MRPC out of the small sentences."""
    table = golden(3 * rows)
    texts, classes = table.texts, table.classes
    for folder in ("cola", "sts", "mrpc"):
        (root / folder).mkdir(parents=True)

    def lines(path, header, made):
        path.write_text(header + "".join("\t".join(map(str, line)) + "\n" for line in made), encoding="utf-8")

    parts = [range(at * rows, (at + 1) * rows) for at in range(3)]
    for name, part in zip(("in_domain_train", "in_domain_dev", "out_of_domain_dev"), parts, strict=True):
        lines(root / "cola" / f"{name}.tsv", "", [("x", classes[at], "", texts[at]) for at in part])
    for name, part in zip(("train", "val", "test"), parts, strict=True):
        scored = [(5 * classes[at] if at % 7 else "", texts[at], "dull " + texts[at]) for at in part]
        lines(root / "sts" / f"2015.{name}.tsv", "", scored)
    header = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
    for name, part in zip(("train", "test"), parts[:2], strict=True):
        lines(
            root / "mrpc" / f"msr_paraphrase_{name}.txt",
            header,
            [(classes[at], at, at, texts[at], "grand " + texts[at]) for at in part],
        )
    return root


@pytest.fixture
def root(tmp_path):
    return written(tmp_path / "sets")


def options(**others):
    training = quick(learning_rate=1e-3, epochs=2, checkpoint_steps=2)
    return GlueOptions(**{"tasks": ("cola", "sts"), "training": training, **others})


def test_what_is_said_of_the_published_rows_is_kept(tmp_path, encoder, root):
    out = glue(encoder, out=tmp_path / "out", options=options(tasks=NAMES, seeds=2, train_rows=30), root=root)
    run = read_run(out)
    assert set(run.gold) == set(NAMES) and run.seeds == 2
    assert (run.about["encoder"], run.about["kind"]) == ("encoder", "bert") and run.about["parameters"] > 1000
    for name in NAMES:
        _, judged = open_task(TASKS[name], root)
        assert list(run.gold[name].ids) == list(judged.ids) and run.gold[name].texts == [""] * len(judged)
        np.testing.assert_array_equal(run.gold[name].targets, judged.targets)
        first, second = run.answers[name]
        assert first.scores.shape == judged.targets.shape and np.ptp(first.scores) > 0
        assert not np.array_equal(first.scores, second.scores)
        how = json.loads((out / name / "seed-1" / "training.json").read_text())["training"]
        assert abs(how["rows"] + how["dev_rows"] - 30) <= 1  # each label keeps its share, rounded
        assert how["steps"] == 2 * -(-how["rows"] // 8)
    assert len(run.gold["cola"]) == 80 and len(run.gold["mrpc"]) == 40
    assert len(run.gold["sts"]) == sum(at % 7 > 0 for at in range(80, 120))
    assert not [path for path in out.rglob("*") if path.suffix == ".safetensors"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_run_again_it_is_there_and_other_options_are_refused(tmp_path, encoder, root):
    out = glue(encoder, out=tmp_path / "out", options=options(tasks=("cola",)), root=root)
    before = bytes_below(out)
    assert glue(encoder, out=out, options=options(tasks=("cola",)), root=root) == out
    for other in (options(tasks=("mrpc",)), options(tasks=("cola",), train_rows=20)):
        with pytest.raises(DataError, match="made from other data or options"):
            glue(encoder, out=out, options=other, root=root)
    assert bytes_below(out) == before


def test_the_published_rows_choose_nothing(tmp_path, encoder, root):
    """Other golden labels of the judged rows leave every answer as it was."""
    glue(encoder, out=tmp_path / "one", options=options(tasks=("cola",)), root=root)
    for name in ("in_domain_dev", "out_of_domain_dev"):
        path = root / "cola" / f"{name}.tsv"
        turned = [line.split("\t") for line in path.read_text().splitlines()]
        path.write_text("".join("\t".join([a, str(1 - int(b)), c, d]) + "\n" for a, b, c, d in turned))
    glue(encoder, out=tmp_path / "other", options=options(tasks=("cola",)), root=root)
    one, other = (read_run(tmp_path / name).answers["cola"][0].scores for name in ("one", "other"))
    np.testing.assert_array_equal(one, other)


def test_two_encoders_are_compared(tmp_path, encoder, root, monkeypatch):
    monkeypatch.setenv("ANGELSHARE_DATA", str(root))
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    for name, epochs in (("one", 1), ("other", 2)):
        given = ["glue", str(encoder), "--tasks", "cola,mrpc", "--epochs", str(epochs), "--out", name]
        result = runner.invoke(app, given, catch_exceptions=False)
        assert result.exit_code == 0 and result.stdout.strip() == name
    audit = ["audit", "reference=one", "student=other", "--suite", "glue", "--draws", "100", "--out", "audit"]
    assert runner.invoke(app, audit, catch_exceptions=False).exit_code == 0
    assert "GLUE" in (tmp_path / "audit" / "report.md").read_text()


def test_the_defaults_are_the_papers():
    default = GlueOptions()
    assert len(default.tasks) == 8 and default.max_length == 128
    training = default.training
    assert (training.batch_size, training.learning_rate, training.epochs) == (32, 2e-5, 3)
    assert (training.warmup, training.weight_decay) == (0, 0)
    assert default.of(golden(60), 0).dev_fraction == 0.1
    assert default.of(golden(60), 0).training.patience == 3


CASES = {
    "empty": (b"", "has no rows"),
    "fields": (b"x\t1\tonly\n", "must have 4 fields"),
    "label": (b"x\tgood\t\ta film\nx\t1\t\tbad\n", "must be one of unacceptable, acceptable"),
    "binary": (b"\xff\xfe\n", "must be UTF-8"),
    "blank": (b"x\t1\t\t \n", "the text is empty"),
    "one row": (b"x\t1\t\ta film\n", "'acceptable' only"),
    "one class": (b"x\t1\t\ta film\n" * 30, "'acceptable' only"),
}


def test_a_mistake_is_one_sentence_and_leaves_nothing(tmp_path, encoder, root, monkeypatch, capsys):
    monkeypatch.setenv("ANGELSHARE_DATA", str(root))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    (tmp_path / "hollow").mkdir()

    def fails(words, *arguments, out="made"):
        before = bytes_below(tmp_path)
        monkeypatch.setattr(sys, "argv", ["angelshare", "glue", *map(str, arguments), "--out", str(tmp_path / out)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("angelshare: ")]
        assert stop.value.code == 2 and len(said) == 1 and words in said[0], said
        assert bytes_below(tmp_path) == before

    fails("Got 'wnli'", encoder, "--tasks", "cola,wnli")
    fails("Got ''", encoder, "--tasks", ",")
    fails("named twice", encoder, "--tasks", "cola,cola")
    fails("The files of 'rte'", encoder, "--tasks", "cola,rte")
    fails("must be mean or cls", encoder, "--tasks", "cola", "--pooling", "sum")
    fails("cannot be", tmp_path / "hollow", "--tasks", "cola")
    fails("not a finished run", encoder, "--tasks", "cola", out="full")
    train = root / "cola" / "in_domain_train.tsv"
    for content, words in CASES.values():
        train.write_bytes(content)
        fails(words, encoder, "--tasks", "cola")
