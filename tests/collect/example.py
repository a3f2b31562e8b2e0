"""Models that count their calls, and files to audit."""

import csv

import numpy as np

from angelshare.data.tables import Columns
from angelshare.runs import digest

COLUMNS = Columns(toxicity="toxic", id="id", identities=("female",))


class Counting:
    """Scores a text by its length and its name; counts the texts it scored."""

    labels = ("toxic",)
    multilabel = True
    kind = "counting"
    parameters = 3
    size_bytes = 12

    def __init__(self, name, noise=0.5, labels=None, multilabel=None, broken=False):
        self.name, self.noise, self.broken = name, noise, broken
        self.labels = labels or self.labels
        self.multilabel = self.multilabel if multilabel is None else multilabel
        self.fingerprint = digest("counting", name, str(noise))
        self.scored = 0

    def predict_logits(self, texts):
        if self.broken:
            raise RuntimeError("out of\npatience")
        self.scored += len(texts)
        rows = []
        for text in texts:
            rng = np.random.default_rng(int(digest(self.name, text)[:8], 16))
            rows.append(("bad" in text) * 2 - 1 + self.noise * rng.normal(size=len(self.labels)))
        return np.array(rows, dtype=np.float32).reshape(len(texts), len(self.labels))


def rows(count=300, seed=0):
    rng = np.random.default_rng(seed)
    toxic = rng.random(count) < 0.4
    return [
        {
            "id": f"r{i}",
            "text": f"a {'bad' if toxic[i] else 'kind'} text {i}",
            "toxic": int(toxic[i]),
            "female": i % 3 // 2,
        }
        for i in range(count)
    ]


def write(path, found):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    return path


def write_scores(path, found, noise=0.5, seed=1, column="toxic"):
    rng = np.random.default_rng(seed)
    logits = [("bad" in row["text"]) * 2 - 1 + noise * rng.normal() for row in found]
    return write(path, [{"id": r["id"], column: 1 / (1 + np.exp(-x))} for r, x in zip(found, logits, strict=True)])
