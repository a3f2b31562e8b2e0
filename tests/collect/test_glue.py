"""`angelshare audit --suite glue` on directories as `angelshare glue` leaves them."""

import json
import shutil

import numpy as np
import pytest
from glue_example import gold, said

from angelshare import collect, runs, store
from angelshare.collect.glue import read_run
from angelshare.data.glue import GOLD, PREDICTIONS, write_gold
from angelshare.errors import AngelshareError
from angelshare.findings import Outcome
from angelshare.result import AuditResult

from .test_commands import angelshare

TASKS = ("sts", "cola")


def left(place, noise, seeds=1, tasks=TASKS, rows="rows", command="glue"):
    """A directory of made-up answers."""
    facts = {
        "command": command,
        "encoder": "x",
        "data": {task: {"train": "t", "judged": f"{rows} of {task}"} for task in tasks},
        "options": {"seeds": seeds},
    }
    about = {"encoder": place.name, "kind": "bert", "parameters": 12}
    with runs.atomic_directory(place) as aside:
        runs.write_json(aside / "training.json", {"facts": facts, "training": about})
    for task in tasks:
        with runs.atomic_directory(place / task) as aside:
            write_gold(aside / GOLD, gold(task))
        for seed in range(seeds):
            with runs.atomic_directory(place / task / f"seed-{seed}") as aside:
                found = said(gold(task), noise, seed, place.name)
                store.write_predictions(aside / PREDICTIONS, f"{rows} of {task}", found)
    return place


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    left(tmp_path / "teacher", 0.5)
    left(tmp_path / "small", 3.0, seeds=2)
    return tmp_path


def test_directories_are_judged_and_saved(folder):
    code, output, _ = angelshare(
        "audit", "reference=teacher", "small=small", "same=teacher", "--suite", "glue", "--out", "audit"
    )
    assert code == 0 and "small: within budget? no" in output and "same: within budget? yes" in output
    found = AuditResult.load(folder / "audit")
    assert {subject.name: (subject.kind, subject.parameters) for subject in found.subjects} == dict.fromkeys(
        ("reference", "small", "same"), ("bert", 12)
    )
    assert [len(subject.fingerprints) for subject in found.subjects] == [1, 2, 1]
    assert found.outcome("glue", "same") is Outcome.NO_LOSS
    mcc = next(f for f in found.findings if (f.model, f.metric) == ("small", "mcc"))
    assert len(mcc.seeds) == 2
    report = (folder / "audit" / "report.html").read_text()
    assert "GLUE average" in report and "Spearman" in report and "sts" in report
    assert json.loads((folder / "audit" / "summary.json").read_text())["facts"]["data"]["rows"] == 600
    assert angelshare("gate", "audit")[0] == 1


def test_several_directories_of_one_name_are_seeds(folder):
    result = collect.audit(
        reference="teacher", models={"small": ["small", left(folder / "more", 2.0)]}, suites=["glue"]
    )
    assert all(len(f.seeds) == 3 for f in result.findings if f.model == "small")


def test_the_gold_is_read_back_as_it_was(folder):
    run = read_run(folder / "small")
    assert list(run.gold) == ["cola", "sts"] and run.seeds == 2
    for task, table in run.gold.items():
        np.testing.assert_array_equal(table.targets, gold(task).targets)
        np.testing.assert_array_equal(table.kinds["part"], gold(task).kinds["part"])
        assert table.labels == gold(task).labels and list(table.ids) == list(gold(task).ids)


def test_a_mistake_is_one_sentence(folder):
    (folder / "file.csv").write_text("id,a\n")
    (folder / "empty").mkdir()
    left(folder / "cola", 1.0, tasks=("cola",))
    left(folder / "others", 1.0, rows="others")
    left(folder / "teacher-model", 1.0, command="finetune")
    for name in ("cut", "lost", "strange", "unlike"):
        shutil.copytree(folder / "small", folder / name)
    answers = folder / "cut" / "sts" / "seed-1" / PREDICTIONS
    answers.write_bytes(answers.read_bytes()[:100])
    (folder / "lost" / "cola" / GOLD).unlink()
    with runs.atomic_directory(folder / "strange" / "cola" / "seed-0") as aside:
        (aside / PREDICTIONS).write_bytes(b"PAR1")
    with runs.atomic_directory(folder / "unlike" / "cola" / "seed-0") as aside:
        few = said(gold("cola"), 1.0).take(np.arange(10))
        store.write_predictions(aside / PREDICTIONS, "rows of cola", few)
    cases = {
        "nowhere": "holds no answers",
        "empty": "holds no answers",
        "file.csv": "holds no answers",
        "teacher-model": "made by angelshare finetune",
        "cola": "with the same --tasks",
        "others": "other rows of cola",
        "cut": "differs from its manifest",
        "lost": "is missing",
        "strange": "cannot be read",
        "unlike": "not an answer to every judged row",
    }
    for name, words in cases.items():
        code, _, sentence = angelshare(
            "audit", "reference=teacher", f"small={name}", "--suite", "glue", "--out", "audit"
        )
        assert (code, words in sentence) == (2, True), (name, sentence)
        assert not (folder / "audit").exists()
    given = ("audit", "reference=teacher", "small=small", "--out", "audit")
    assert "alone" in angelshare(*given, "--suite", "glue,quality")[2]
    assert "without --data" in angelshare(*given, "--suite", "glue", "--data", "file.csv")[2]
    with pytest.raises(AngelshareError, match="must be a directory"):
        collect.audit(reference=object(), small="small", suites=["glue"])
