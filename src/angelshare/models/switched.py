"""A switch: the student answers, and the teacher is asked only where the text looks hard to the student."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from angelshare import runs
from angelshare.errors import ModelError
from angelshare.models.card import CardFacts, write_card
from angelshare.models.hardness import Signal, View, read_signal
from angelshare.types import Classifier

__all__ = ["SETTINGS", "Looked", "Plan", "Switch", "same_labels"]

SETTINGS, WEIGHTS = "switch.json", "switch.safetensors"
VERSION = 1

ROWS_AT_ONCE = 16_384
"""Texts whose features are held at once."""


@dataclass(frozen=True)
class Plan:
    """What decides who answers.

    Attributes
    ----------
    signal : which of the signals rules. threshold : a row that looks harder goes to the teacher.
    temperature, teacher_temperature : what the logits of each are divided by, so that scores of both may be ranked
        together; no decision changes.
    promise : what was asked of the threshold, for people.
    """

    signal: str
    threshold: float
    temperature: float = 1.0
    teacher_temperature: float = 1.0
    promise: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Looked:
    """What the student said of some texts, and how hard they look: a (rows,) array a signal."""

    logits: Float32[np.ndarray, "rows labels"]
    hardness: Mapping[str, Float64[np.ndarray, " rows"]]


class Switch:
    """A Classifier made of two: its labels are the student's, and so is every answer that is not the teacher's.

    Parameters
    ----------
    signals : every signal that was learnt, by name; the plan's rules, the others are for comparing.
    specs : what each part is loaded from, "student" and "teacher"; needed for saving alone.

    Raises
    ------
    ModelError : the two have other labels, or one of them scores no texts.
    """

    kind = "switch"

    def __init__(
        self,
        student: Classifier,
        teacher: Classifier,
        signals: Mapping[str, Signal],
        plan: Plan,
        *,
        specs: Mapping[str, str] | None = None,
        source: str = "",
    ) -> None:
        self.student, self.teacher, self.signals, self.plan = student, teacher, dict(signals), plan
        self._columns = same_labels(student, teacher)
        self.labels, self.multilabel = tuple(student.labels), bool(student.multilabel)
        self.specs, self.source = dict(specs or {}), source

    def predict_logits(self, texts: Sequence[str]) -> Float32[np.ndarray, "rows labels"]:
        """Log-odds (nats), one row a text: one pass of the student over all, one of the teacher over the hard ones.

        The teacher gets the hard texts of all of them together, so that its batches are full and of like length.
        """
        looked = self.look(texts)
        logits = looked.logits
        hard = np.flatnonzero(self.hard(looked.hardness[self.plan.signal]))
        if len(hard):
            logits[hard] = self.ask([texts[row] for row in hard.tolist()])
        return logits

    def look(self, texts: Sequence[str], names: Sequence[str] | None = None) -> Looked:
        """One pass of the student: its logits, and the hardness by some signals (the plan's where None)."""
        wanted = (self.plan.signal,) if names is None else names
        features = any(self.signals[name].reads_features for name in wanted)
        logits = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        hardness = {name: np.zeros(len(texts)) for name in wanted}
        for start in range(0, len(texts), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            view = seen(self.student, texts[part], features=features).at(self.plan.temperature)
            logits[part] = view.logits
            for name in wanted:
                hardness[name][part] = self.signals[name].hardness(view)
        return Looked(logits, hardness)

    def hard(self, hardness: Float64[np.ndarray, " rows"]) -> Bool[np.ndarray, " rows"]:
        """Who goes to the teacher: whoever looks harder than the threshold, or whose hardness cannot be told."""
        return np.asarray(~(hardness <= self.plan.threshold))

    def ask(self, texts: Sequence[str]) -> Float32[np.ndarray, "rows labels"]:
        """The teacher's logits, its columns in the student's order."""
        found = np.asarray(self.teacher.predict_logits(texts))[:, self._columns]
        return np.asarray(found / self.plan.teacher_temperature, dtype=np.float32)

    @property
    def parameters(self) -> int | None:
        return _sum(self.student, self.teacher, "parameters")

    @property
    def size_bytes(self) -> int | None:
        """Bytes of both models, and of what decides between them."""
        both = _sum(self.student, self.teacher, "size_bytes")
        return None if both is None else both + sum(len(content) for content in self._files.values())

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of all that decides the scores; empty where one of the two has none."""
        parts = [str(getattr(model, "fingerprint", "")) for model in (self.student, self.teacher)]
        settings = {key: value for key, value in self._settings.items() if key not in ("promise", "parts")}
        return runs.digest(*parts, json.dumps(settings, sort_keys=True), self._files[WEIGHTS]) if all(parts) else ""

    @property
    def _settings(self) -> dict[str, Any]:
        return {
            "angelshare": self.kind,
            "version": VERSION,
            "labels": self.labels,
            "multilabel": self.multilabel,
            "signals": list(self.signals),
            "parts": {part: part if Path(spec).is_dir() else spec for part, spec in self.specs.items()},
            "signal": self.plan.signal,
            "threshold": self.plan.threshold,
            "temperature": self.plan.temperature,
            "teacher_temperature": self.plan.teacher_temperature,
            "promise": dict(self.plan.promise),
        }

    @cached_property
    def _files(self) -> dict[str, bytes]:
        tensors = {
            f"{name}.{key}": np.ascontiguousarray(tensor)
            for name, signal in self.signals.items()
            for key, tensor in signal.tensors().items()
        }
        settings = json.dumps(self._settings, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
        return {SETTINGS: (settings + "\n").encode("utf-8", "surrogatepass"), WEIGHTS: to_bytes(tensors)}

    def save(self, directory: str | Path) -> Path:
        """Write a directory that appears whole: `switch.json`, what was learnt, and a copy of each model.

        A model that was not loaded from a directory is named by its hub id or MODULE:OBJECT instead.

        Raises
        ------
        ModelError : a part has no name that it could be loaded by again.
        """
        with runs.atomic_directory(Path(directory)) as aside:
            self.write(aside)
        return Path(directory)

    def write(self, directory: Path) -> None:
        """Write the files alone, into a directory that the caller makes appear later."""
        for part in ("student", "teacher"):
            spec = self.specs.get(part, "")
            if not spec:
                raise ModelError(
                    f"The {part} is an object in memory, which a saved switch could not load again. "
                    "Give it as a directory, a hub id or MODULE:OBJECT."
                )
            if Path(spec).is_dir():
                copy_model(Path(spec), directory / part)
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (directory / name).write_bytes(content)
        settings = {"signal": self.plan.signal, "threshold": self.plan.threshold, **self.plan.promise}
        facts = CardFacts("switch", self.kind, self.labels, self.multilabel, self.kind, self.parameters)
        write_card(directory, replace(facts, settings=settings))

    @classmethod
    def load(cls, directory: str | Path, part: Callable[[str], Any]) -> "Switch":
        """Read what `save` wrote; `part` loads a model by its directory or name.

        Raises
        ------
        ModelError : a file is missing or is not what it should be, or a part cannot be loaded.
        """
        directory = Path(directory)
        try:
            settings = json.loads((directory / SETTINGS).read_text(encoding="utf-8", errors="surrogatepass"))
            if settings["version"] != VERSION:
                raise ModelError(f"{directory} was written by another version of angelshare. Make it again.")
            tensors = load_file(directory / WEIGHTS)
            signals = {name: read_signal(name, _below(tensors, name)) for name in settings["signals"]}
            names = ("signal", "threshold", "temperature", "teacher_temperature", "promise")
            plan = Plan(**{name: settings[name] for name in names})
            parts = {name: str(settings["parts"][name]) for name in ("student", "teacher")}
            if plan.signal not in signals:
                raise KeyError(plan.signal)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise ModelError(f"{directory} is not a whole switch: {error}. Make it again.") from error
        specs = {name: str(directory / name) if name == spec else spec for name, spec in parts.items()}
        found = cls(part(specs["student"]), part(specs["teacher"]), signals, plan, specs=specs, source=str(directory))
        if list(found.labels) != settings["labels"]:
            raise ModelError(f"{directory / 'student'} has other labels than the switch was made for. Make it again.")
        return found


def _below(tensors: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{name}."): tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}


def seen(student: Any, texts: Sequence[str], *, features: bool) -> View:
    """What a student says of texts, in one pass where it can give logits and features together."""
    width = np.zeros((len(texts), 0), dtype=np.float32)
    if not features or not hasattr(student, "features"):
        logits, found = student.predict_logits(texts), width
    elif hasattr(student, "logits_and_features"):
        logits, found = student.logits_and_features(texts)
    else:
        logits, found = student.predict_logits(texts), student.features(texts)
    return View(texts, np.asarray(logits), np.asarray(found), bool(student.multilabel), student.predict_logits)


def same_labels(student: Classifier, teacher: Classifier) -> list[int]:
    """Where each label of the student stands among the teacher's.

    Raises
    ------
    ModelError : one of them scores no texts, or they have other labels.
    """
    for part, model in (("student", student), ("teacher", teacher)):
        if not hasattr(model, "predict_logits"):
            raise ModelError(f"The {part} of a switch must score texts. A predictions file cannot: name a model.")
    mine, others = tuple(student.labels), tuple(teacher.labels)
    if set(mine) != set(others) or bool(student.multilabel) != bool(teacher.multilabel):
        raise ModelError(
            f"The student decides {_listed(student)}, the teacher {_listed(teacher)}. "
            "Both must decide the same labels in the same way, in any order."
        )
    return [others.index(label) for label in mine]


def _listed(model: Classifier) -> str:
    return f"{', '.join(model.labels)}{' (several may hold)' if model.multilabel else ''}"


def _sum(student: Any, teacher: Any, name: str) -> int | None:
    found = [getattr(model, name, None) for model in (student, teacher)]
    known = [int(value) for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None


def copy_model(source: Path, target: Path) -> None:
    """Copy a model's own files, and the parts of a switch; what else lies below (seeds, controls) stays behind."""
    target.mkdir(parents=True)
    for file in sorted(source.iterdir()):
        if file.is_file() and file.name != runs.MANIFEST:
            shutil.copyfile(file, target / file.name)
    if (source / SETTINGS).is_file():
        for part in ("student", "teacher"):
            if (source / part).is_dir():
                copy_model(source / part, target / part)
    runs.write_manifest(target)
