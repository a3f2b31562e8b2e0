"""Small audits: tables, predictions and answers made by hand."""

import numpy as np

from angelshare.audits.base import ROWS, Answers, AuditData, Member, Settings
from angelshare.audits.classifier.identities import finder
from angelshare.data.tables import Table
from angelshare.types import Predictions

NAMES = ("female", "muslim", "rare")


def toxicity(rows=400, seed=0, **changes):
    """A table of one toxicity label and three identities, the last on a handful of rows."""
    rng = np.random.default_rng(seed)
    toxic = rng.random(rows) < 0.4
    shares = {
        "female": (rng.random(rows) < 0.4).astype(np.float32),
        "muslim": (rng.random(rows) < 0.3 + 0.2 * toxic).astype(np.float32),
        "rare": (np.arange(rows) < 9).astype(np.float32),
    }
    parts = {
        "name": "made",
        "source": "made.csv",
        "ids": np.array([f"r{i}" for i in range(rows)], dtype=object),
        "texts": [f"text {i}" for i in range(rows)],
        "labels": ("toxic",),
        "multilabel": True,
        "targets": toxic[:, None].astype(np.float32),
        "identities": shares,
    }
    return Table(**{**parts, **changes})


def scores(table, noise, seed, decimals=None):
    """Log-odds that follow the first label; rounding makes ties."""
    rng = np.random.default_rng(seed)
    found = 2.0 * table.targets[:, 0] - 1 + noise * rng.normal(size=len(table))
    return np.round(found, decimals) if decimals is not None else found


def predictions(table, noise=1.0, seed=1, model="student", decimals=None):
    return Predictions(
        model, table.ids, table.labels, True, scores(table, noise, seed, decimals)[:, None], fingerprint=model
    )


def data_of(table, positive="toxic", suite="made", identities=None, **settings):
    settings = {"draws": 200, **settings}
    chosen = Settings(**settings)
    return AuditData(
        suite, table, table.labels, table.multilabel, positive, chosen, finder(identities, chosen.background)
    )


def answers_of(*found, key=ROWS):
    members, seen = [], {}
    for each in found:
        role = "reference" if each.model == "reference" else "student"
        if ":" in each.model:
            role = "control"
        members.append(Member(each.model, role, seen.get(each.model, 0)))
        seen[each.model] = seen.get(each.model, 0) + 1
    return Answers(members, {key: list(found)})


def pick(findings, model, metric, slice="all"):
    found = [f for f in findings if (f.model, f.metric, f.slice) == (model, metric, slice)]
    assert len(found) == 1, (model, metric, slice, len(found))
    return found[0]
