"""What both models of a switch say of the rows; a teacher that is audited too is not asked again."""

import time
from collections.abc import Iterable, Sequence

import numpy as np

from angelshare.audits.base import Member, Request, Routes
from angelshare.collect.cache import Cache
from angelshare.collect.loaded import STEP, Labels, Voice
from angelshare.models.switched import Looked, Switch
from angelshare.progress import progress
from angelshare.types import Predictions

TIMED = 128
"""Texts that student and teacher are timed on."""

ROUNDS = 3


def routes(voice: Voice, request: Request, labels: Labels, known: Iterable[Predictions], cache: Cache) -> Routes:
    """Answers of both models, their labels as the data has them.

    Parameters
    ----------
    known : what others of the audit answered to the same texts: the teacher, where it is the reference.
    """
    switch: Switch = voice.model
    looked = _look(switch, voice.title, request.texts)
    columns = (tuple(switch.labels), bool(switch.multilabel))
    student = Predictions(f"{voice.title}: student", request.ids, *columns, looked.logits)
    teacher = _teacher(switch, voice, request, known, cache)
    order = [teacher.labels.index(label) for label in switch.labels]
    logits = np.asarray(teacher.scores[:, order] / switch.plan.teacher_temperature, dtype=np.float32)
    answers = Predictions(f"{voice.title}: teacher", request.ids, *columns, logits)
    return Routes(
        labels.of_predictions(student),
        labels.of_predictions(answers),
        looked.hardness,
        switch.plan.signal,
        switch.plan.threshold,
        _cost(switch, request.texts),
    )


def _look(switch: Switch, title: str, texts: Sequence[str]) -> Looked:
    """By every signal that was learnt, in one pass of the student."""
    parts = []
    with progress(f"{title} looks", len(texts)) as advance:
        for start in range(0, max(len(texts), 1), STEP):
            part = texts[start : start + STEP]
            parts.append(switch.look(part, list(switch.signals)))
            advance(len(part))
    logits = np.concatenate([part.logits for part in parts])
    return Looked(logits, {name: np.concatenate([part.hardness[name] for part in parts]) for name in switch.signals})


def _teacher(switch: Switch, voice: Voice, request: Request, known: Iterable[Predictions], cache: Cache) -> Predictions:
    mark = str(getattr(switch.teacher, "fingerprint", ""))
    for found in known:
        if mark and found.fingerprint == mark and np.array_equal(found.ids, request.ids):
            return found
    teacher = Voice(Member(f"{voice.title}: teacher", "other"), switch.teacher)
    return teacher.answer(request.ids, request.texts, cache)


def _cost(switch: Switch, texts: Sequence[str]) -> float | None:
    """The student's seconds over the teacher's, the best of some rounds in turn."""
    some = texts[:TIMED]
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for at, score in enumerate((switch.look, switch.teacher.predict_logits)):
            start = time.perf_counter()
            score(some)
            best[at] = min(best[at], time.perf_counter() - start)
    return best[0] / best[1] if best[1] > 0 else None
