"""Made-up answers to GLUE's tasks."""

import numpy as np

from angelshare.audits.base import AuditData, Member, Settings
from angelshare.audits.classifier.identities import finder
from angelshare.data.glue import PART, TASKS
from angelshare.data.tables import Table
from angelshare.types import Predictions

LABELS = {"cola": ("unacceptable", "acceptable"), "mrpc": ("not_equivalent", "equivalent"), "mnli": ("e", "n", "c")}


def gold(task, rows=300, seed=0):
    rng = np.random.default_rng([seed, *task.encode()])
    parts = np.array([list(TASKS[task].judged)[at % len(TASKS[task].judged)] for at in range(rows)], dtype=object)
    ids = np.array([f"{part}/{at}" for at, part in enumerate(parts)], dtype=object)
    made = {"name": task, "source": task, "ids": ids, "texts": [""] * rows, "kinds": {PART: parts}}
    if task in ("sts", "stsb"):
        targets = rng.uniform(0, 5, size=(rows, 1)).astype(np.float32)
        return Table(**made, labels=("score",), multilabel=True, regression=True, targets=targets)
    labels = LABELS.get(task, ("no", "yes"))
    return Table(
        **made, labels=labels, targets=np.eye(len(labels), dtype=np.float32)[rng.integers(len(labels), size=rows)]
    )


def said(table, noise, seed=0, model="student"):
    rng = np.random.default_rng([seed, *table.name.encode()])
    scores = table.targets + noise * rng.normal(size=table.targets.shape)
    return Predictions(model, table.ids, table.labels, table.multilabel, scores.astype(np.float32), fingerprint=model)


def data_of(tasks, **settings):
    ids = np.array([name for table in tasks.values() for name in table.ids], dtype=object)
    rows = Table("glue", "GLUE", ids, [""] * len(ids))
    chosen = Settings(**{"draws": 200, **settings})
    return AuditData("glue", rows, (), False, None, chosen, finder(None, "all"), tasks=tasks)


def member(name, seed=0):
    return Member(name, "reference" if name == "reference" else "student", seed)
