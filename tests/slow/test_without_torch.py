"""The core installs and audits prediction files in an environment that has no torch."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    command = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return python


def test_torch_is_not_there(clean):
    for package in ("torch", "transformers"):
        assert subprocess.run([clean, "-c", f"import {package}"], capture_output=True).returncode != 0


def test_prediction_files_are_audited(clean, tmp_path):
    lines = [f"{i},text {i} about women,{i % 2}" for i in range(400)]
    (tmp_path / "data.csv").write_text("\n".join(["id,text,toxicity", *lines]))
    for name, wrong in (("teacher", 7), ("student", 3)):
        scores = [f"{i},{0.8 if (i % 2) != (i % wrong == 0) else 0.2}" for i in range(400)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["id,toxicity", *scores]))
    command = [clean, "-m", "angelshare.cli.main", "audit", "reference=teacher.csv", "student=student.csv"]
    command += ["--data", "data.csv", "--id", "id", "--toxicity", "toxicity", "--out", "audit"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("findings.parquet", "summary.json", "report.html", "report.md", "junit.xml"):
        assert (tmp_path / "audit" / name).stat().st_size > 0
    gate = subprocess.run([clean, "-m", "angelshare.cli.main", "gate", "audit"], cwd=tmp_path, capture_output=True)
    assert gate.returncode == 1


def test_what_needs_torch_says_so(clean, tmp_path):
    (tmp_path / "train.csv").write_text("text,label\na good one,1\na bad one,0\n")
    command = [clean, "-m", "angelshare.cli.main", "finetune", "encoder", "train.csv", "--label", "label", "--out", "t"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "angelshare[train]" in done.stderr
    assert "Traceback" not in done.stderr
