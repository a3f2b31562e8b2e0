"""Progress without a terminal: a rate that leaves the start out."""

import runpy
from types import SimpleNamespace

import pytest

from angelshare import progress


def test_the_end_is_told_from_the_rate_after_the_start(monkeypatch, capsys):
    clock = iter([0.0, 100.0, 110.0, 130.0, 130.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress.progress("label", 1000) as advance:
        for _ in range(3):  # a hundred seconds until the workers have loaded the teacher, then ten units a second
            advance(100)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "label: 100 of 1,000"
    assert lines[1] == "label: 300 of 1,000, 6.7/s, ends in 105 s"
    assert lines[2].startswith("label: 300 of 1,000 in 130.0 s")


def test_the_package_runs_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["angelshare", "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("angelshare", run_name="__main__")
    assert stop.value.code == 0 and "Usage: angelshare" in capsys.readouterr().out
