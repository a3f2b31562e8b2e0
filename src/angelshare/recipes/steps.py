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

__all__ = ["Steps", "refuse_others", "settled"]

T = TypeVar("T")
PLAN = "recipe.json"


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
        refuse_others(out, plan)
        if not (out / PLAN).exists():
            runs.write_json(out / PLAN, dict(plan))

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        """Do one step; steps.json tells how many seconds each took, in the run that came to its end."""
        began = time.monotonic()
        say(f"{self.title}: {name}")
        done = work()
        seconds = self._seconds()
        if name not in seconds:
            runs.write_json(self.times, seconds | {name: round(time.monotonic() - began, 1)})
        return done

    def _seconds(self) -> dict[str, float]:
        found: dict[str, float] = json.loads(self.times.read_text(encoding="utf-8")) if self.times.exists() else {}
        return found

    def took(self) -> str:
        """What the steps took together, in words: `1 h 57 min`."""
        hours, minutes = divmod(round(sum(self._seconds().values()) / 60), 60)
        time_ = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else "less than a minute"
        return f"its steps took {time_} on this machine, without what a stopped run had done of a step"

    def of(self, part: str) -> "Steps":
        """The steps of one part of the study, timed in a file of their own."""
        found = copy(self)
        found.title, found.times = f"{self.title}, {part}", self.times.parent / part / "steps.json"
        return found


def refuse_others(out: Path, plan: Mapping[str, Any]) -> None:
    """Raise DataError where `out` was begun with another plan, of which a part may be given, or is no study."""
    path = out / PLAN
    if not path.exists():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise DataError(f"{out} exists and is no study of ours. Name another --out.")
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    differs = next((name for name, value in plan.items() if found.get(name) != value), None)
    if differs is not None:
        raise DataError(f"{out} was begun with another {differs}, and nothing is written over. Name another --out.")


def settled(place: Path) -> bool:
    """Whether no seed's dev loss was still falling at the end."""
    models = [place, *(place / "seeds").glob("*")]
    facts = [json.loads((model / "training.json").read_text()) for model in models]
    return all(each["training"]["converged"] is not False for each in facts)
