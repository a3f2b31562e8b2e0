"""A study in steps: each ends in a directory that is whole or not there, so a step that was done takes no time."""

import json
import time
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from typing import Any, TypeVar

from angelshare import runs
from angelshare.errors import DataError
from angelshare.progress import say

__all__ = ["Steps", "settled"]

T = TypeVar("T")


class Steps:
    """The folder of a study, what it was begun with, and how long each step took.

    Parameters
    ----------
    plan : what must not change from one run to the next, by the name under which a sentence speaks of it.

    Raises
    ------
    DataError : `out` was begun with another plan, or holds something else: what is finished there would not be this
        study's.
    """

    def __init__(self, title: str, out: Path, plan: Mapping[str, Any]) -> None:
        self.title, self.times = title, out / "steps.json"
        path = out / "recipe.json"
        if not path.exists():
            if out.exists() and (not out.is_dir() or any(out.iterdir())):
                raise DataError(f"{out} exists and is no study of ours. Name another --out.")
            runs.write_json(path, dict(plan))
        found = json.loads(path.read_text(encoding="utf-8"))
        differs = next((name for name, value in plan.items() if found.get(name) != value), None)
        if differs is not None:
            raise DataError(f"{out} was begun with another {differs}, and nothing is written over. Name another --out.")

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        """Do one step; steps.json tells how many seconds each took, in all runs that came to its end."""
        began = time.monotonic()
        say(f"{self.title}: {name}")
        done = work()
        seconds = json.loads(self.times.read_text()) if self.times.exists() else {}
        seconds[name] = round(seconds.get(name, 0) + time.monotonic() - began, 1)
        runs.write_json(self.times, seconds)
        return done

    def of(self, part: str) -> "Steps":
        """The steps of one part of the study, timed in a file of their own."""
        found = copy(self)
        found.title, found.times = f"{self.title}, {part}", self.times.parent / part / "steps.json"
        return found


def settled(place: Path) -> bool:
    """Whether no seed's dev loss was still falling at the end."""
    models = [place, *(place / "seeds").glob("*")]
    facts = [json.loads((model / "training.json").read_text()) for model in models]
    return all(each["training"]["converged"] is not False for each in facts)
