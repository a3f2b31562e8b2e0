"""Labelling at scale: Ray's workers and the command killed, and memory that does not grow with the corpus."""

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


def corpus(path: Path, rows: int) -> Path:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("text\n")
        stream.writelines(
            f"the film number {at} was {at % 7} times as grand as plot {at * 31 % 977}\n" for at in range(rows)
        )
    return path


@pytest.mark.parametrize(("kind", "workers"), [("serial", 1), ("processes", 2)])
def test_memory_is_flat_in_the_size_of_the_corpus(kind: str, workers: int, tmp_path: Path) -> None:
    peaks = []
    for rows in (20_000, 200_000):
        arguments = [str(corpus(tmp_path / f"{rows}.csv", rows)), str(tmp_path / str(rows)), kind, str(workers)]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *arguments], env=environment(), check=True, stdout=subprocess.PIPE
        )
        peaks.append(json.loads(done.stdout))
        assert open_transfer(tmp_path / str(rows)).count > rows // 20
    assert peaks[1] < 1.15 * peaks[0]


def test_ray_worker_then_command_killed_then_run_again(tmp_path: Path) -> None:
    """In a network of its own, since Ray does not keep to 127.0.0.1 elsewhere."""
    pytest.importorskip("ray")
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("no network namespaces here")
    rows = 200_000
    texts, asked = corpus(tmp_path / "texts.csv", rows), tmp_path / "asked"
    line = 'ip link set lo up 2>/dev/null; exec "$0" "$@"'
    command = ["unshare", "-rn", "sh", "-c", line, sys.executable, *LABEL, "teachers:SlowTeacher", str(texts)]
    command += ["--out", str(tmp_path / "ray"), "--executor", "ray", "--workers", "2"]
    run = subprocess.Popen(command, env=environment(ASKED=str(asked)), start_new_session=True)
    until(lambda: markers(tmp_path / "ray") >= 5)
    worker = int(asked.read_text().split()[0])
    os.kill(worker, signal.SIGKILL)
    before = markers(tmp_path / "ray")
    until(lambda: markers(tmp_path / "ray") >= before + 8)
    assert not (tmp_path / "ray" / "manifest.json").exists()
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    subprocess.run(command, env=environment(ASKED=str(asked)), check=True, timeout=600)
    found = open_transfer(tmp_path / "ray").read()
    assert list(found.ids) == [str(at) for at in range(rows)]
    serial = [sys.executable, *LABEL, "teachers:CountingTeacher", str(texts), "--out", str(tmp_path / "serial")]
    subprocess.run(serial, env=environment(), check=True)
    names = sorted(path.name for path in (tmp_path / "serial").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "ray").iterdir())
    assert all((tmp_path / "serial" / name).read_bytes() == (tmp_path / "ray" / name).read_bytes() for name in names)


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
