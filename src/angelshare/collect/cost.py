"""What a model takes to run: timed side by side, so that a busy machine slows all of them alike."""

import gc
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from angelshare.audits.base import Cost
from angelshare.collect.loaded import Voice
from angelshare.models.loading import load
from angelshare.progress import progress

ROUNDS = 3
"""Times every model is timed, in turn; the median counts."""

SINGLE = 16
"""Texts scored one by one in a round."""


def measure(voices: Sequence[Voice], texts: Sequence[str]) -> list[Cost]:
    """The cost of every voice, in order: rates are medians over rounds in which each has its turn."""
    able = [at for at, voice in enumerate(voices) if not voice.is_file]
    peaks = {at: peak(voices[at], texts) for at in able}
    single: dict[int, list[float]] = {at: [] for at in able}
    batch: dict[int, list[float]] = {at: [] for at in able}
    with progress("timing the models", ROUNDS * len(able)) as advance:
        for turn in range(ROUNDS):
            for at in able[turn % max(len(able), 1) :] + able[: turn % max(len(able), 1)]:
                score = voices[at].model.predict_logits
                score(texts[:1])
                single[at].append(rate(score, [[text] for text in texts[:SINGLE]]))
                batch[at].append(rate(score, [texts]))
                advance(1)
    return [
        _cost(voice, peaks[at], single[at], batch[at], len(texts))
        if at in peaks
        else Cost(note="A predictions file: nothing ran.")
        for at, voice in enumerate(voices)
    ]


def _cost(voice: Voice, peak: int | None, single: list[float], batch: list[float], texts: int) -> Cost:
    model = voice.model
    return Cost(
        parameters=getattr(model, "parameters", None),
        size_bytes=getattr(model, "size_bytes", None),
        texts_per_second_single=statistics.median(single),
        texts_per_second_batch=statistics.median(batch),
        peak_bytes=peak,
        threads=threads(),
        batch=texts,
        note=f"Median of {ROUNDS} rounds, the models in turn.",
    )


def rate(score: Callable[[Sequence[str]], object], calls: Sequence[Sequence[str]]) -> float:
    """Texts a second."""
    start = time.perf_counter()
    for texts in calls:
        score(texts)
    return sum(map(len, calls)) / max(time.perf_counter() - start, 1e-9)


def threads() -> int:
    torch: Any = sys.modules.get("torch")
    return int(torch.get_num_threads()) if torch is not None else 1


def peak(voice: Voice, texts: Sequence[str]) -> int | None:
    """Bytes that loading the model afresh and scoring the texts adds to the process; None where nobody can tell."""
    if not isinstance(voice.source, str | Path):
        return None
    gc.collect()
    before = _status("VmRSS")
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
        model: Any = load(voice.source, allow_code=voice.allow_code)
        model.predict_logits(texts)
        after = _status("VmHWM")
        return None if before is None or after is None else max(after - before, 0)
    return None


def _status(field: str) -> int | None:
    """A line of /proc/self/status in bytes; None on systems without it."""
    with suppress(OSError):
        found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
        return int(found.group(1)) * 1024 if found else None
    return None
