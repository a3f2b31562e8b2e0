"""Files that appear whole, and what a killed process left beside them."""

import os
import socket
import subprocess

import pytest

from angelshare import runs


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_a_killed_process_left_aside_is_removed_and_nobody_else_s(tmp_path, kind):
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = socket.gethostname()
    gone = tmp_path / f".it.json.{dead.pid}@{host}.x1y2.partial"
    others = [
        tmp_path / f".it.json.{os.getpid()}@{host}.x1y2.partial",
        tmp_path / f".it.json.{dead.pid}@elsewhere.x1y2.partial",
        tmp_path / f".other.json.{dead.pid}@{host}.x1y2.partial",
    ]
    for path in (gone, *others):
        path.mkdir() if kind == "directory" else path.write_text("half")
    runs.write_json(tmp_path / "it.json", {})
    assert not gone.exists() and all(path.exists() for path in others)
