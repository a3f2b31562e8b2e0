"""Labelling at scale: a worker and the command killed, and memory that does not grow with the corpus."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from angelshare.data.transfer import open_transfer

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[1] / "training"

PEAK = """
import json, resource, sys
from angelshare.training.executors import ExecutorOptions, Named
from angelshare.training.label import LabelOptions, label
executor = ExecutorOptions(kind=sys.argv[3], workers=int(sys.argv[4]))
label(Named("teachers:CountingTeacher", allow_code=True), sys.argv[1], sys.argv[2],
      options=LabelOptions(executor=executor, distinct=True))
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""

LABEL = ("-m", "angelshare.cli.main", "label", "--allow-code")


def environment(**others: str) -> dict[str, str]:
    source = Path(__file__).parents[2] / "src"
    return os.environ | {"PYTHONPATH": f"{source}{os.pathsep}{TESTS}", "OMP_NUM_THREADS": "1"} | others


def corpus(path: Path, rows: int, more: str = "") -> Path:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("text\n")
        stream.writelines(
            f"the film number {at} was {at % 7} times as grand as plot {at * 31 % 977}{more}\n" for at in range(rows)
        )
    return path


@pytest.mark.parametrize(("kind", "workers"), [("serial", 1), ("processes", 2)])
def test_memory_is_flat_in_the_size_of_the_corpus(kind: str, workers: int, tmp_path: Path) -> None:
    """180,000 more texts are 110 MB as a file and more in memory; their hashes are 10 MB."""
    peaks = []
    for rows in (20_000, 200_000):
        texts = corpus(tmp_path / f"{rows}.csv", rows, more=" and on it goes" * 36)
        arguments = [str(texts), str(tmp_path / str(rows)), kind, str(workers)]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *arguments], env=environment(), check=True, stdout=subprocess.PIPE
        )
        peaks.append(json.loads(done.stdout))
        assert open_transfer(tmp_path / str(rows)).manifest["dropped"]["near_duplicate"] < rows
    assert peaks[1] < peaks[0] + 50


def spread(kind: str, place: Path) -> list[str]:
    """The command with two workers. Ray runs in a network of its own, with loopback alone."""
    command = [sys.executable, *LABEL, "teachers:SlowTeacher", str(place / "texts.csv"), "--out", str(place / "many")]
    command += ["--executor", kind, "--workers", "2"]
    if kind == "processes":
        return command
    pytest.importorskip("ray")
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("no network namespaces here")
    return ["unshare", "-rn", "sh", "-c", 'ip link set lo up 2>/dev/null; exec "$0" "$@"', *command]


@pytest.mark.parametrize("kind", ["processes", "ray"])
def test_worker_then_command_killed_then_run_again(kind: str, tmp_path: Path) -> None:
    rows = 200_000
    texts, asked, out = corpus(tmp_path / "texts.csv", rows), tmp_path / "asked", tmp_path / "many"
    command = spread(kind, tmp_path)
    run = subprocess.Popen(command, env=environment(ASKED=str(asked)))
    until(lambda: markers(out) >= 5)
    first = workers(asked)
    assert len(first) == 2 and run.pid not in first
    os.kill(min(first), signal.SIGKILL)
    before = markers(out)
    until(lambda: markers(out) >= before + 8 and len(workers(asked)) == 3)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    done = markers(out)
    assert 13 <= done < rows // 2048 and not (out / "manifest.json").exists()
    until(lambda: not any(alive(worker) for worker in workers(asked)))

    asked.unlink()
    subprocess.run(command, env=environment(ASKED=str(asked)), check=True, timeout=600)
    assert len(asked.read_text().split()) == rows // 2048 + 1 - done  # each shard that was left, once
    found = open_transfer(out).read()
    assert list(found.ids) == [str(at) for at in range(rows)]
    serial = [sys.executable, *LABEL, "teachers:CountingTeacher", str(texts), "--out", str(tmp_path / "serial")]
    subprocess.run(serial, env=environment(), check=True)
    names = sorted(path.name for path in (tmp_path / "serial").iterdir())
    assert names == sorted(path.name for path in out.iterdir())
    assert all((tmp_path / "serial" / name).read_bytes() == (out / name).read_bytes() for name in names)


def workers(asked: Path) -> set[int]:
    """The processes that were asked so far."""
    return {int(line) for line in asked.read_text().split()}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_watchdog_shows_what_the_cluster_has(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    texts = corpus(tmp_path / "texts.csv", 10)
    command = [sys.executable, *LABEL, "teachers:SlowTeacher", str(texts), "--out", str(tmp_path / "t")]
    command += ["--executor", "ray", "--workers", "1", "--watchdog", "0.1"]
    done = subprocess.run(
        command, env=environment(ASKED=str(tmp_path / "asked")), check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "No shard was scored" in done.stderr and "machine" in done.stderr and "CPU" in done.stderr


def markers(place: Path) -> int:
    return len(list(place.glob("shard-*.json")))


def until(true, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
