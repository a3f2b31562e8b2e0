"""Jobs in processes of their own: their words reach the user, and so does whatever ends them."""

import os
import sys
import time

import pytest

from angelshare.errors import DataError, TrainingError
from angelshare.recipes.abreast import abreast


def speak(path, word):
    sys.stderr.write(f"{word}\n")
    path.write_text(os.environ["OMP_NUM_THREADS"])


def slip():
    raise DataError("The file is empty. Name another.")


def break_down():
    raise KeyError("inner")


def die():
    os._exit(9)


def sleep(path):
    time.sleep(60)
    path.touch()


def test_every_job_is_done_and_what_it_says_is_said_with_its_name(tmp_path, capfd):
    jobs = {name: (speak, (tmp_path / name, f"a word from {name}")) for name in ("one", "two", "three")}
    before = dict(os.environ)
    abreast(jobs, 2)
    threads = str(max(1, (os.cpu_count() or 1) // 2))
    assert [(tmp_path / name).read_text() for name in jobs] == [threads] * 3
    assert {f"{name} | a word from {name}" for name in jobs} <= set(capfd.readouterr().err.splitlines())
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("job", "error", "said"),
    [
        (slip, DataError, "The file is empty. Name another."),
        (break_down, RuntimeError, "bad failed:"),
        (die, TrainingError, r"at work on bad died \(exit code 9\)"),
    ],
)
def test_what_ends_one_ends_all(tmp_path, job, error, said):
    began = time.monotonic()
    with pytest.raises(error, match=said):
        abreast({"slow": (sleep, (tmp_path / "never",)), "bad": (job, ())}, 2)
    assert time.monotonic() - began < 50
    assert not (tmp_path / "never").exists()
