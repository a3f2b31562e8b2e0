"""Kernels are cached where they can be, and never outlive a change in any file that they are made of."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import angelshare
from angelshare.metrics import sweeps
from angelshare.stats import compiled

PROGRAM = """
import numpy as np
from angelshare.stats.resample import Resampling, draw_units
assert Resampling(np.zeros(9, dtype=int), draws=3).weights().sum() == 27
print(sum(draw_units.stats.cache_hits.values()))
"""


def run(source: Path, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_cache_is_stamped_with_all_sources():
    assert sweeps._sweep_once._cache._cache_file._source_stamp[1] == compiled.SOURCES


def test_kernels_compile_where_nothing_can_be_cached(monkeypatch):
    def refuse(*args, **kwargs):
        if kwargs.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(compiled.numba, "njit", refuse)

    def double(x):
        return 2 * x

    assert compiled.compiled(double)(4) == 8


def test_a_change_in_another_file_discards_kernels(tmp_path):
    source = tmp_path / "src"
    package = Path(angelshare.__file__).parent
    for part in ("stats", "metrics"):
        (source / "angelshare" / part).mkdir(parents=True)
        for file in (package / part).glob("*.py"):
            (source / "angelshare" / part / file.name).write_bytes(file.read_bytes())
    for name in ("errors", "runs", "findings"):
        (source / "angelshare" / f"{name}.py").write_bytes((package / f"{name}.py").read_bytes())
    (source / "angelshare" / "__init__.py").touch()
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    assert run(source, **cache).strip() == "0"
    assert run(source, **cache).strip() == "1"
    other = source / "angelshare" / "stats" / "abreast.py"
    other.write_text(other.read_text() + "\n# changed\n")
    assert run(source, **cache).strip() == "0"


@pytest.mark.parametrize("count", [1, 3])
def test_jobs_keep_their_order(monkeypatch, count):
    monkeypatch.setattr(compiled, "threads", lambda: count)
    assert compiled.side_by_side(lambda x: x * x, range(7)) == [x * x for x in range(7)]
    assert [np.arange(10)[s].tolist() for s in compiled.spans(10, small=100)] == [list(range(10))]
    assert sum(s.stop - s.start for s in compiled.spans(10, small=1)) == 10
