"""A command's output and its working files: begun once, gone on with, never written over by another command's."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from angelshare import runs
from angelshare.errors import AngelshareError, DamagedFile, DataError
from angelshare.progress import say

__all__ = ["TRAINING", "Workplace"]

TRAINING = "training.json"
"""In a finished model: what it was made from and how its training went."""

BEGUN = "begun.json"


class Workplace:
    """`out` and the directory `.NAME.work` beside it, for the files of a run that has not ended.

    Parameters
    ----------
    out : the directory the command makes; it appears whole, when all is done.
    facts : JSON values of all that decides the result: options, digests of data, fingerprint of the teacher.

    Raises
    ------
    DataError
        `out` holds something else, or its working files were begun with other facts; names what differs.
    """

    def __init__(self, out: str | Path, facts: Mapping[str, Any]) -> None:
        self.out = Path(out)
        self.work = self.out.parent / f".{self.out.name}.work"
        self.facts = json.loads(json.dumps(facts, sort_keys=True))
        self.finished = self._finished()
        if self.finished:
            shutil.rmtree(self.work, ignore_errors=True)
            say(f"{self.out} is there already, made from the same data with the same options.")
            return
        self._begin()

    def _finished(self) -> bool:
        if not self.out.exists():
            return False
        if self.out.is_dir() and not any(self.out.iterdir()):
            return False
        try:
            made_from = json.loads((self.out / TRAINING).read_text(encoding="utf-8"))["facts"]
        except (OSError, ValueError, KeyError, TypeError):
            raise DataError(f"{self.out} exists and is not a finished run of ours. Name another --out.") from None
        differs = _difference(made_from, self.facts)
        if differs:
            raise DataError(
                f"{self.out} was made from other data or options: {differs}. "
                "Name another --out, or delete it to make it again."
            )
        return True

    def _begin(self) -> None:
        begun = self.work / BEGUN
        if begun.exists() and any(self.work.glob("*/*/" + runs.MANIFEST)):  # there is work that could be lost
            try:
                differs = _difference(json.loads(begun.read_text(encoding="utf-8")), self.facts)
            except ValueError as error:
                raise DamagedFile(f"{begun} cannot be read: {error}. Delete {self.work} to begin anew.") from error
            if differs:
                raise DataError(
                    f"{self.work} holds an unfinished run of other data or options: {differs}. "
                    "Run that command again, name another --out, or delete the directory to begin anew."
                )
            return
        runs.write_json(begun, self.facts)

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Before the first step: a mistake found here leaves no working files behind."""
        try:
            yield
        except AngelshareError:
            if self.work.is_dir() and [found.name for found in self.work.iterdir()] == [BEGUN]:
                shutil.rmtree(self.work)
            raise

    def publish(self, parts: Mapping[str, Path]) -> None:
        """Make `out` of finished directories, by where each goes below it ("" is `out` itself), and end the work."""
        with runs.full_disk(self.out):
            aside = self.work / "out"
            shutil.rmtree(aside, ignore_errors=True)
            for place, directory in sorted(parts.items()):
                shutil.copytree(directory, aside / place, dirs_exist_ok=True, copy_function=_link)
            for directory in [aside, *(found for found in aside.rglob("*") if found.is_dir())]:
                runs.fsync(directory)
            if self.out.exists():
                self.out.rmdir()
            os.replace(aside, self.out)
            runs.fsync(self.out.parent)
        shutil.rmtree(self.work, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        runs.fsync(Path(target))


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    below = (_flat(inner, f"{path}.{name}".strip(".")) for name, inner in value.items())
    return {key: leaf for found in below for key, leaf in found.items()}


def _difference(before: Any, now: Any) -> str:
    """The first fact that differs, in words; empty when none does."""
    was, is_ = _flat(before), _flat(now)
    for key in sorted(was.keys() | is_.keys()):
        if was.get(key) != is_.get(key):
            return f"{key} was {was.get(key)!r} and is {is_.get(key)!r} now"
    return ""
