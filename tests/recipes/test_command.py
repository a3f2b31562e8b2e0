"""`angelshare reproduce` given what it cannot use: one sentence, exit 2, nothing left."""

import pytest
from recipes.tiny_study import material

from angelshare.cli import main

STUDY = "lost-in-distillation"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("ANGELSHARE_DATA", str(material(tmp_path / "data")))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("text\n")
    (tmp_path / "broken.csv").write_text('text\n"open\n')
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")

    def command(*arguments):
        monkeypatch.setattr("sys.argv", ["angelshare", "reproduce", *arguments])
        with pytest.raises(SystemExit) as stop:
            main.main()
        return stop.value.code, capsys.readouterr().err

    return command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bert", "--out", "x"), "unreasonable-distillation, gender-bias-distilbert. Got 'bert' instead."),
        ((STUDY, "--scale", "huge", "--out", "x"), "The scale must be one of smoke"),
        ((STUDY, "--out", "taken", "--pool", "data/pool.csv"), "taken exists and is no study of ours"),
        ((STUDY, "--out", "empty.csv", "--pool", "data/pool.csv"), "empty.csv exists and is no study of ours"),
        ((STUDY, "--out", "x", "--pool", "empty.csv"), "empty.csv is empty"),
        ((STUDY, "--out", "x", "--pool", "header.csv"), "header.csv has no rows"),
        ((STUDY, "--out", "x", "--pool", "broken.csv"), "not closed"),
        ((STUDY, "--out", "x", "--pool", "nowhere.csv"), "nowhere.csv"),
        ((STUDY, "--out", "x", "--pool", "data/pool.csv", "--encoder", "nowhere"), "nowhere"),
        ((STUDY, "--out", "x", "--pool", "data/pool.csv", "--scorer", "nowhere.csv"), "nowhere.csv"),
        ((STUDY, "--out", "x"), "wikipedia_talk"),
        ((STUDY, "--out", "taken", "--pool", "nowhere.csv"), "taken exists and is no study of ours"),
        ((STUDY, "--out", "x", "--pool", "nowhere.csv", "--encoder", "no/encoder"), "no/encoder"),
        ((STUDY, "--out", "x", "--pool", "nowhere.csv", "--scorer", "scorer.csv"), "scorer.csv"),
    ],
)
def test_a_slip_is_one_sentence_and_leaves_nothing(run, tmp_path, arguments, words):
    code, said = run(*arguments)
    last = said.strip().splitlines()[-1]
    assert code == 2 and words in last and last.startswith("angelshare: ") and "Traceback" not in said
    assert not (tmp_path / "x").exists()
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["mine.txt"]
