"""`angelshare audit` and `angelshare gate` through their runner."""

import json

import pytest
from typer.testing import CliRunner

from angelshare.cli import main
from angelshare.cli.main import app
from angelshare.errors import AngelshareError

from .example import rows, write, write_scores

OPTIONS = ["--toxicity", "toxic", "--id", "id", "--suite", "quality", "--draws", "200"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = rows(600)
    write(tmp_path / "data.csv", found)
    for name, noise, seed in (("teacher", 0.5, 1), ("same", 0.5, 1), ("worse", 3.0, 2), ("alike", 0.52, 3)):
        write_scores(tmp_path / f"{name}.csv", found, noise, seed)
    return tmp_path


def angelshare(*arguments):
    """(exit code, output, the sentence of a user's mistake)."""
    found = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(found.exception, AngelshareError):
        return 2, found.output, str(found.exception)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.output, ""


def audited(student, *more):
    return angelshare("audit", "reference=teacher.csv", f"small={student}", "--data", "data.csv", *OPTIONS, *more)


def test_it_ends_with_the_verdict_and_the_place_of_the_report(folder):
    code, output, _ = audited("worse.csv", "--out", "out")
    assert code == 0
    assert "small: within budget? no." in output
    assert output.splitlines()[-1] == "Report: out/report.html"
    assert (folder / "out" / "report.html").stat().st_size < 1_500_000
    assert json.loads((folder / "out" / "summary.json").read_text())["subjects"]


@pytest.mark.parametrize(("student", "code"), [("worse.csv", 1), ("same.csv", 0)])
def test_the_gate_says_loss_or_within_budget(folder, student, code):
    audited(student, "--out", "out")
    assert angelshare("gate", "out")[0] == code


def test_the_gate_judges_anew_by_its_own_budget(folder):
    audited("worse.csv", "--out", "out")
    budget = folder / "budget.toml"
    budget.write_text('[margins]\n"quality/*" = 5.0\n')
    assert angelshare("gate", "out", "--budget", budget)[0] == 0
    budget.write_text('[margins]\n"*" = false\n')
    assert angelshare("gate", "out", "--budget", budget)[0] == 3
    budget.write_text('[margins]\n"quality/accuracy" = 0.000001\n"*" = false\n')
    audited("alike.csv", "--out", "alike")
    assert angelshare("gate", "alike", "--budget", budget)[0] == 3


def test_the_gate_refuses_what_is_no_audit_or_no_budget(folder):
    code, _, sentence = angelshare("gate", folder)
    assert code == 2
    assert "holds no audit" in sentence
    audited("same.csv", "--out", "out")
    code, _, sentence = angelshare("gate", "out", "--budget", "none.toml")
    assert code == 2
    assert "none.toml" in sentence


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["same.csv", "--out", "o"], "NAME=MODEL"),
        (["small=same.csv", "--out", "o"], "reference=MODEL"),
        (["reference=teacher.csv", "small=same.csv"], "--out DIR"),
        (["reference=teacher.csv", "reference=same.csv", "--out", "o"], "one reference"),
        (["reference=teacher.csv", "small=none.csv", "--out", "o"], "none.csv"),
        (["reference=teacher.csv", "small=same.csv", "--out", "o", "--scores", "odds"], "--scores must be"),
        (["reference=teacher.csv", "small=same.csv", "--out", "o", "--positive", "rude"], "rude"),
    ],
)
def test_a_slip_of_the_pen_is_one_sentence_and_writes_nothing(folder, arguments, says):
    code, _, sentence = angelshare("audit", *arguments, "--data", "data.csv", *OPTIONS)
    assert code == 2
    assert says in sentence
    assert "\n" not in sentence
    assert not (folder / "o" / "report.html").exists()


def test_texts_are_exported_without_any_model(folder):
    code, output, _ = angelshare(
        "audit", "--export-texts", "texts.jsonl", "--data", "data.csv", "--toxicity", "toxic", "--id", "id",
        "--suite", "quality,identity-swaps", "--positive", "toxic",
    )  # fmt: skip
    assert code == 0, output
    lines = (folder / "texts.jsonl").read_text().splitlines()
    assert len(lines) > 1500
    assert json.loads(lines[0]) == {"id": "r0", "text": rows(600)[0]["text"]}


def test_an_export_never_writes_over_a_file(folder):
    before = (folder / "data.csv").read_bytes()
    code, _, sentence = angelshare("audit", "--export-texts", "data.csv", "--data", "data.csv", *OPTIONS[:-2])
    assert code == 2
    assert "data.csv exists" in sentence
    assert (folder / "data.csv").read_bytes() == before


def test_the_gate_refuses_a_pattern_that_matches_nothing(folder):
    audited("same.csv", "--out", "out")
    (folder / "budget.toml").write_text('[margins]\n"qualty/acuracy" = 0.01\n')
    code, _, sentence = angelshare("gate", "out", "--budget", "budget.toml")
    assert code == 2
    assert "qualty/acuracy" in sentence


def test_probabilities_of_one_label_among_several_must_sum_to_1(folder):
    (folder / "named.csv").write_text("id,text,label\na,one,yes\nb,two,no\n")
    (folder / "off.csv").write_text("id,no,yes\na,0.9,0.9\nb,0.5,0.5\n")
    more = ["--data", "named.csv", "--label", "label", "--id", "id", "--out", "out"]
    code, _, sentence = angelshare("audit", "reference=off.csv", "small=off.csv", *more)
    assert code == 2
    assert "off.csv, id 'a'" in sentence


def test_a_fault_of_ours_is_no_loss_to_a_pipeline(monkeypatch, capsys):
    def fault() -> None:
        raise KeyError("ours")

    monkeypatch.setattr(main, "app", fault)
    with pytest.raises(SystemExit) as stop:
        main.main()
    assert stop.value.code == 2
    assert "KeyError" in capsys.readouterr().err


def test_identities_come_from_columns_or_the_lexicon(folder):
    more = ["--suite", "identity-auc", "--identities"]
    for named in ("female", "lexicon"):
        code, output, sentence = audited("worse.csv", "--out", named, *more, named)
        assert code == 0, output + sentence
    found = json.loads((folder / "female" / "summary.json").read_text())["findings"]
    assert {"female"} < {finding["slice"] for finding in found}
