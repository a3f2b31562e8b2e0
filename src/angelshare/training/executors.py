"""Who asks the teacher: this process, processes beside it, or a Ray cluster. Answers come back in the tasks' order.

A worker is a function of texts: it gets a shard's texts and gives back logits, and writes nothing. Only the command's
own process commits shards, so a worker may die at any moment, and no two write the same file.
"""

import os
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from jaxtyping import Float32

from angelshare import runs
from angelshare.errors import ModelError
from angelshare.models.loading import load
from angelshare.progress import say
from angelshare.types import Classifier

__all__ = [
    "Answers",
    "Executor",
    "ExecutorOptions",
    "InOrder",
    "Named",
    "ask",
    "columned",
    "executor",
    "loaded",
    "ready",
    "teacher_fingerprint",
]

Answers: TypeAlias = Float32[np.ndarray, "rows labels"]
Kind = Literal["serial", "processes", "ray"]

KINDS = ("serial", "processes", "ray")
WINDOW = 3
"""Tasks a worker that are under way or waiting for an earlier one: what a slow shard may hold up."""

DEATHS = 3
"""A shard that its worker did not survive this often is given up."""

PROBE = ("", "The first of three texts.", "You are an idiot, and so is everyone who likes this film!", "ok " * 40)


@dataclass(frozen=True)
class Named:
    """A teacher by name, which each worker loads for itself.

    Attributes
    ----------
    spec : what `load` takes; a directory must be there under the same path on every machine.
    """

    spec: str
    allow_code: bool = False
    max_length: int | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def load(self) -> Classifier:
        settings = {"allow_code": self.allow_code, "max_length": self.max_length, "precision": self.precision}
        return loaded(load(self.spec, **settings))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class ExecutorOptions:
    """Who scores.

    Attributes
    ----------
    kind : serial, processes (spawned, on this machine) or ray (core tasks).
    workers : how many score at once. Each has one torch thread, because the number of threads moves the last bits of a
        score: with it fixed, the result is the same bytes for every executor and any number of workers.
    address : of a running Ray cluster; without, Ray is started on this machine.
    watchdog : seconds without an answer after which the job fails, with a table of what there is to compute on.
    """

    kind: Kind = "serial"
    workers: int = 1
    address: str | None = None
    watchdog: float = 1800.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelError(f"The executor must be one of {', '.join(KINDS)}. Got '{self.kind}' instead.")
        if self.workers < 1 or not self.watchdog > 0:
            raise ModelError(
                f"Workers must be at least 1 and the watchdog's seconds above 0. Got {self.workers}, {self.watchdog}."
            )
        if self.kind == "serial" and self.workers > 1:
            raise ModelError(
                f"The executor serial is one process. Got {self.workers} workers: name --executor processes."
            )
        if self.kind != "ray" and self.address is not None:
            raise ModelError("An address is a Ray cluster's. Name --executor ray, or leave --address out.")


class Executor(Protocol):
    """Scores tasks; one task is the texts of a shard."""

    def __call__(self, tasks: Iterable[list[str]]) -> Generator[Answers]:
        """The logits of each task in the tasks' order; takes no more than `WINDOW` tasks a worker ahead."""
        ...


def loaded(teacher: object) -> Classifier:
    """The classifier, or what `load` makes of its name.

    Raises
    ------
    ModelError : a file of answers was named, which cannot be asked.
    """
    if isinstance(teacher, Named):
        return teacher.load()
    found = load(teacher) if isinstance(teacher, str | Path) else teacher
    if not isinstance(found, Classifier):
        name = getattr(teacher, "source", teacher)
        raise ModelError(f"{name} holds answers, and cannot be asked about other texts. Name a model as teacher.")
    return found


def teacher_fingerprint(teacher: Classifier) -> str:
    """The model's own fingerprint; without one, a sha256 of its labels and its answers to a few texts."""
    own = getattr(teacher, "fingerprint", None)
    if own:
        return str(own)
    answers = np.asarray(teacher.predict_logits(PROBE), dtype=np.float32)
    return runs.digest(*teacher.labels, str(teacher.multilabel), answers.tobytes())


def ask(teacher: Classifier, texts: Sequence[str]) -> Answers:
    """The teacher's logits; raises ModelError where they do not fit its labels."""
    logits = np.asarray(teacher.predict_logits(texts), dtype=np.float32)
    expected = (len(texts), len(teacher.labels))
    if logits.shape != expected:
        raise ModelError(f"The teacher must answer {expected} logits (rows, labels). Got {logits.shape} instead.")
    return logits


def ready(teacher: Named, fingerprint: str) -> Classifier:
    """The teacher as a worker loads it.

    Raises
    ------
    ModelError : it is another teacher here than where the command runs.
    """
    os.environ |= {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    found = teacher.load()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if teacher_fingerprint(found) != fingerprint:
        raise ModelError(
            f"{teacher.spec} is another model in a worker than where the command runs: weights, tokenizer or precision "
            "differ. Give every machine the same files, and the same kind of processor or GPU."
        )
    return found


@contextmanager
def _threads(count: int) -> Iterator[None]:
    torch: Any = sys.modules.get("torch")  # a teacher without torch does not wait for its import
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def named(teacher: object, found: Classifier, kind: str) -> Named:
    """The teacher by its name.

    Raises
    ------
    ModelError : it is an object in memory, which other processes cannot load.
    """
    if isinstance(teacher, Named):
        return teacher
    if isinstance(teacher, str | Path):
        return Named(str(teacher))
    source = str(getattr(found, "source", "") or "")
    if not source or not Path(source).is_dir():
        raise ModelError(
            f"The executor {kind} needs a teacher that each worker can load by name. Got an object in memory: "
            "save it and give its directory, or take the executor serial."
        )
    return Named(source, max_length=getattr(found, "max_length", None), precision=getattr(found, "precision", "auto"))


def executor(teacher: object, found: Classifier, options: ExecutorOptions | None) -> Executor:
    """The executor that the options ask for; without options, this process with torch's threads as they are."""
    if options is None:
        return lambda tasks: (ask(found, texts) for texts in tasks)
    if options.kind == "serial":
        return lambda tasks: _serial(found, tasks)
    by_name, fingerprint = named(teacher, found, options.kind), teacher_fingerprint(found)
    if options.kind == "processes":
        from angelshare.training.processes import Processes

        return Processes(by_name, fingerprint, options)
    from angelshare.training.raytasks import RayTasks

    return RayTasks(by_name, fingerprint, options)


def _serial(teacher: Classifier, tasks: Iterable[list[str]]) -> Generator[Answers]:
    for number, texts in enumerate(tasks):
        with _threads(1):
            logits = ask(teacher, texts)
        yield logits
        if number == 0 and (os.cpu_count() or 1) > 1 and _on_cpu(teacher):
            say(f"One thread scores. --executor processes takes all {os.cpu_count()} cores, with the same result.")


def _on_cpu(teacher: Classifier) -> bool:
    device = getattr(getattr(teacher, "model", None), "device", None)
    return device is None or device.type == "cpu"


class InOrder:
    """Takes tasks while there is room, and gives answers back in the tasks' order.

    Parameters
    ----------
    room : tasks taken and not given back at most.
    """

    def __init__(self, tasks: Iterable[list[str]], room: int) -> None:
        self._tasks, self._room = iter(tasks), room
        self._texts: dict[int, list[str]] = {}
        self._answers: dict[int, Answers] = {}
        self._taken = self._given = 0
        self._waiting: list[int] = []
        self._deaths: dict[int, int] = {}
        self._ended = False

    def next(self) -> tuple[int, list[str]] | None:
        """The next task to start, with its number; None where there is no room or no task left."""
        if self._waiting:
            number = self._waiting.pop(0)
            return number, self._texts[number]
        if self._ended or self._taken - self._given >= self._room:
            return None
        texts = next(self._tasks, None)
        if texts is None:
            self._ended = True
            return None
        number = self._taken
        self._taken += 1
        self._texts[number] = texts
        return number, texts

    def answered(self, number: int, logits: Answers) -> None:
        self._answers[number] = logits
        del self._texts[number]

    def died(self, number: int) -> None:
        """Put a task back whose worker died; raises ModelError the third time."""
        self._deaths[number] = self._deaths.get(number, 0) + 1
        if self._deaths[number] >= DEATHS:
            raise ModelError(
                f"Workers died {DEATHS} times on shard {number} of this run. Look for a lack of memory: take fewer "
                "workers or smaller shards."
            )
        self._waiting.append(number)

    def ready(self) -> Iterator[Answers]:
        """The answers whose turn it is."""
        while self._given in self._answers:
            logits = self._answers.pop(self._given)
            self._given += 1
            yield logits

    @property
    def under_way(self) -> bool:
        return bool(self._texts)


def columned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in columns, for a message."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
