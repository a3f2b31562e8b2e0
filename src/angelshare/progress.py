"""Progress that says when it will end: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[int], None]

EVERY = 15.0
"""Seconds between the plain lines of a run without a terminal."""


def say(message: str) -> None:
    """One line to standard error, where progress goes; results go to standard output."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(message)


def number_of(count: int, what: str) -> str:
    """`1 row`, `2,048 rows`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


@contextmanager
def progress(title: str, total: int | None, done: int = 0) -> Iterator[Advance]:
    """Yield a function that advances the work by some units; `done` were finished by an earlier run.

    Where `total` is None nobody knows when it will end, and the lines say how far it is.
    """
    if sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("ends in"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(title, total=total, completed=done, rate="")

            def advance(units: int) -> None:
                bar.advance(task, units)
                speed = bar.tasks[task].speed
                bar.update(task, rate=f"{speed:,.0f}/s" if speed else "")

            yield advance
        return

    start = last = time.monotonic()
    made, first = 0, (0.0, 0)
    of = "" if total is None else f" of {total:,}"

    def advance_plain(units: int) -> None:
        nonlocal last, made, first
        made += units
        now = time.monotonic()
        if made == units:
            first = now, made  # what came before is the start: workers that load a model, a first compilation
        if now - last >= EVERY:
            last = now
            since, before = first
            rate = (made - before) / (now - since) if now > since else 0.0
            left = f", ends in {max(total - done - made, 0) / rate:,.0f} s" if total is not None and rate else ""
            say(f"{title}: {done + made:,}{of}" + (f", {rate:,.1f}/s{left}" if rate else ""))

    yield advance_plain
    if made:
        seconds = time.monotonic() - start
        say(f"{title}: {done + made:,}{of} in {seconds:,.1f} s ({made / max(seconds, 1e-9):,.1f}/s)")
