"""Independent parts of a study side by side, each in a process of its own with its share of the cores."""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from angelshare.errors import AngelshareError, TrainingError
from angelshare.progress import say

__all__ = ["abreast"]

Job = tuple[Callable[..., None], tuple[Any, ...]]
"""A function of a module, and its arguments; both go through a pipe."""

THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")

SETTINGS = {
    "TOKENIZERS_PARALLELISM": "false",
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
}
"""glibc keeps the memory of freed tensors for the next step: a tenth of a small step's time went into page faults."""


def abreast(jobs: Mapping[str, Job], workers: int) -> None:
    """Do all jobs, `workers` at a time, in their order; what they say is said here, with the job's name before it.

    No process outlives this one, however it ends.

    Raises
    ------
    AngelshareError : what the first job that failed raised.
    TrainingError : a process died.
    """
    threads = max(1, (os.cpu_count() or 1) // max(1, min(workers, len(jobs))))
    waiting, busy = dict(jobs), dict[Any, _Process]()
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                name = next(iter(waiting))
                process = _Process(name, waiting.pop(name), threads)
                busy[process.pipe] = process
            for pipe in wait(list(busy)):
                busy[pipe].settle()
                busy.pop(pipe).stop()
    finally:
        for process in busy.values():
            process.stop()


class _Process:
    """A process, the pipe on which it says how it ended, and the one that is its standard error."""

    def __init__(self, name: str, job: Job, threads: int) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        lines, speech = context.Pipe(duplex=False)
        self.process = context.Process(target=_live, args=(theirs, speech, job), daemon=True)
        with _environment(threads):
            self.process.start()
        theirs.close()
        speech.close()
        self.echo = threading.Thread(target=_echo, args=(name, lines), daemon=True)
        self.echo.start()

    def settle(self) -> None:
        """Raise what it raised, or that it died."""
        try:
            kind, message = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            raise TrainingError(
                f"The process at work on {self.name} died (exit code {self.process.exitcode}). Run the command again: "
                "it goes on; where memory ran out, with --workers 1."
            ) from None
        if kind == "mistake":
            raise message
        if kind == "fault":
            raise RuntimeError(f"{self.name} failed:\n{message}")

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.echo.join(timeout=5)
        self.pipe.close()


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """What a process reads as it begins."""
    before = dict(os.environ)
    os.environ |= {name: str(threads) for name in THREADS} | SETTINGS
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def _echo(name: str, lines: Connection) -> None:
    with suppress(OSError), os.fdopen(os.dup(lines.fileno()), encoding="utf-8", errors="replace") as stream:
        lines.close()
        for line in stream:
            say(f"{name} | {line.rstrip()}")


def _live(pipe: Connection, speech: Connection, job: Job) -> None:
    """Do the job; end with the process that began it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C reaches all: the command ends its processes
    os.dup2(speech.fileno(), 2)
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    speech.close()
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    work, arguments = job
    try:
        work(*arguments)
        pipe.send(("done", None))
    except AngelshareError as error:
        pipe.send(("mistake", error))
    except Exception:
        pipe.send(("fault", traceback.format_exc()))


def _end_with(pipe: Connection) -> None:
    """Wait for the other side to close, which it does in dying."""
    with suppress(EOFError, OSError):
        pipe.recv()
    os._exit(1)
