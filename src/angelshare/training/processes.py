"""Spawned processes that each load the teacher once; a worker that dies is replaced, and its shard scored again."""

import multiprocessing
import signal
import time
import traceback
from collections.abc import Generator, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from angelshare.errors import AngelshareError, ModelError
from angelshare.progress import say
from angelshare.training.executors import WINDOW, Answers, ExecutorOptions, InOrder, Named, ask, columned, ready

__all__ = ["Processes"]


class _Worker:
    """A process and the pipe to it, which closes when either side dies: no worker outlives the command.

    Attributes
    ----------
    task : the number of the task it has, if it has one.
    """

    def __init__(self, teacher: Named, fingerprint: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, teacher, fingerprint), daemon=True)
        self.process.start()
        theirs.close()
        self.task: int | None = None
        self._first: list[str] | None = None
        self._loaded = False

    def give(self, task: int, texts: list[str]) -> None:
        """Send a task; one for a worker that still loads the teacher waits here, since a full pipe would block us."""
        self.task = task
        if not self._loaded:
            self._first = texts
            return
        with suppress(OSError):  # it died: its pipe says so when it is next listened to
            self.pipe.send(texts)

    def hear(self) -> Any:
        """Its logits, or None; raises EOFError or OSError where it died, and what it raised itself."""
        kind, message = self.pipe.recv()
        if kind == "mistake":
            raise message
        if kind == "fault":
            raise RuntimeError(f"A worker failed:\n{message}")
        if kind == "ready":
            self._loaded = True
            if self.task is not None and self._first is not None:
                self.give(self.task, self._first)
            return None
        return message

    def stop(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


class Processes:
    """An executor of processes on this machine; no more are started than there are tasks for."""

    def __init__(self, teacher: Named, fingerprint: str, options: ExecutorOptions) -> None:
        self.teacher, self.fingerprint, self.options = teacher, fingerprint, options

    def __call__(self, tasks: Iterable[list[str]]) -> Generator[Answers]:
        order = InOrder(tasks, self.options.workers * WINDOW)
        workers: list[_Worker] = []
        try:
            self._hand_out(order, workers)
            while order.under_way:
                self._listen(order, workers)
                yield from order.ready()
                self._hand_out(order, workers)
        finally:
            for worker in workers:
                worker.stop()

    def _hand_out(self, order: InOrder, workers: list[_Worker]) -> None:
        while len(busy := [worker for worker in workers if worker.task is not None]) < self.options.workers:
            found = order.next()
            if found is None:
                return
            idle = next((worker for worker in workers if worker not in busy), None)
            if idle is None:
                idle = _Worker(self.teacher, self.fingerprint)
                workers.append(idle)
            idle.give(*found)

    def _listen(self, order: InOrder, workers: list[_Worker]) -> None:
        began = time.monotonic()
        by_pipe: dict[Any, _Worker] = {worker.pipe: worker for worker in workers}
        found = wait(list(by_pipe), self.options.watchdog)
        if not found:
            raise ModelError(self._silence(workers, time.monotonic() - began))
        for pipe in found:
            worker = by_pipe[pipe]
            try:
                logits = worker.hear()
            except (EOFError, OSError):
                workers.remove(worker)
                worker.stop()
                say(f"A worker died (exit code {worker.process.exitcode}): another one takes its shard.")
                if worker.task is not None:
                    order.died(worker.task)
                continue
            if logits is not None and worker.task is not None:
                order.answered(worker.task, logits)
                worker.task = None

    def _silence(self, workers: list[_Worker], seconds: float) -> str:
        rows = [("process", "alive", "shard of this run")]
        rows += [(str(w.process.pid), str(w.process.is_alive()), str(w.task)) for w in workers]
        return (
            f"No worker answered for {seconds:.0f} s: raise --watchdog, take smaller shards, or fewer workers.\n"
            f"{columned(rows)}"
        )


def _serve(pipe: Connection, teacher: Named, fingerprint: str) -> None:
    """A worker's life: load, then score whatever comes until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C reaches all: the command ends its workers
    try:
        try:
            found = ready(teacher, fingerprint)
            pipe.send(("ready", None))
            while True:
                pipe.send(("answer", ask(found, pipe.recv())))
        except AngelshareError as error:
            pipe.send(("mistake", error))
        except (EOFError, OSError):
            return
        except Exception:
            pipe.send(("fault", traceback.format_exc()))
    except OSError:
        return
