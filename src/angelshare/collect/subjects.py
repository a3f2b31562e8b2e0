"""Who is audited: models by name, with their seeds, and the controls that were trained along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from angelshare.audits.base import Role
from angelshare.errors import ModelError

REFERENCE = "reference"
TFIDF = ("tfidf", "tf-idf", "tf_idf")


@dataclass(frozen=True, eq=False)
class Contestant:
    """A model to audit: `sources` holds a path, a hub id or a Classifier a seed."""

    name: str
    role: Role
    sources: Sequence[Any]
    of: str = ""


def contestants(reference: Any, students: Mapping[str, Any]) -> list[Contestant]:
    """The reference first, then each student with its seeds, followed by its controls.

    A directory that `distil` wrote, or a model loaded from it, brings its further seeds (seeds/*) and its controls
    (controls/*) along.

    Raises
    ------
    ModelError
        For a student without a model, or none at all.
    """
    found = [Contestant(REFERENCE, "reference", _sources(REFERENCE, reference))]
    for name, given in students.items():
        if name == REFERENCE or not name:
            raise ModelError(f"A student must have a name of its own. Got '{name}' instead.")
        role: Role = "tfidf" if name.lower() in TFIDF else "student"
        trained = Trained()
        for source in _sources(name, given):
            trained.add(source)
        found.append(Contestant(name, role, trained.seeds))
        found += [Contestant(f"{name}:{kind}", "control", seeds, name) for kind, seeds in trained.controls.items()]
    return found


@dataclass
class Trained:
    """What one run of `distil` left, or several."""

    seeds: list[Any] = field(default_factory=list)
    controls: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, source: Any) -> None:
        self.seeds.append(source)
        folder = _folder(source)
        if folder is None:
            return
        self._add_controls(folder)
        for seed in sorted((folder / "seeds").glob("*"), key=lambda path: (len(path.name), path.name)):
            if (seed / "config.json").is_file():
                self.seeds.append(seed)
                self._add_controls(seed)

    def _add_controls(self, folder: Path) -> None:
        for control in sorted((folder / "controls").glob("*")):
            if (control / "config.json").is_file():
                self.controls.setdefault(control.name, []).append(control)


def _folder(source: Any) -> Path | None:
    place = source if isinstance(source, str | Path) else getattr(source, "source", "")
    return Path(place) if place and Path(place).is_dir() else None


def _sources(name: str, given: Any) -> list[Any]:
    several = list(given) if isinstance(given, list | tuple) else [given]
    if not several or any(source is None or source == "" for source in several):
        raise ModelError(f"'{name}' has no model. Give {name}=PATH, a hub id or a predictions file.")
    return several
