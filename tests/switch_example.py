"""A student that is unsure where a text says "not", a teacher that is not, and rows to calibrate and audit on."""

import csv

import numpy as np

from angelshare.data.tables import Columns
from angelshare.runs import digest

LABELS = ("bad", "good")
COLUMNS = Columns(label="label", id="id")
WORDS = ("film", "plot", "scene", "actor", "music", "story")


class Counting:
    """Counts the texts it scored, a list a call."""

    kind, multilabel, parameters, size_bytes = "counting", False, 3, 12

    def __init__(self, labels=LABELS):
        self.labels = tuple(labels)
        self.calls = []
        self.fingerprint = digest(type(self).__name__, *self.labels)

    @property
    def scored(self):
        return sum(map(len, self.calls))

    def predict_logits(self, texts):
        self.calls.append(list(texts))
        scores = np.array([self.score(text) for text in texts], dtype=np.float32).reshape(len(texts))
        columns = {"good": scores / 2, "bad": -scores / 2}
        return np.stack([columns[label] for label in self.labels], axis=1)


def chance(text, name):
    """A number in [-1, 1) that the text decides."""
    return int(digest(name, text)[:8], 16) / 2**31 - 1


class Student(Counting):
    """Blind to word order: it guesses where a text says "not"."""

    def score(self, text):
        words = sorted(text.split())
        value = 2.0 * (words.count("grand") - words.count("dull"))
        noise = chance(" ".join(words), "student")
        return 0.4 * noise if "not" in words else value + 1.5 * noise

    def features(self, texts):
        self.calls.append(list(texts))
        return self._features(texts)

    def _features(self, texts):
        rows = [[text.split().count(word) for word in ("grand", "dull", "not")] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), 3)

    def logits_and_features(self, texts):
        return self.predict_logits(texts), self._features(texts)


class Teacher(Counting):
    """Reads "not" as it is meant, and errs now and then."""

    def score(self, text):
        words = text.split()
        value = 4.0 * (words.count("grand") - words.count("dull"))
        return (-value if "not" in words else value) + 4.4 * chance(text, "teacher")


class Toxicity:
    """The same two as one score of "toxic"."""

    labels, multilabel, kind = ("toxic",), True, "counting"

    def __init__(self, inner):
        self.inner = inner
        self.fingerprint = digest("toxicity", inner.fingerprint)

    def predict_logits(self, texts):
        return self.inner.predict_logits(texts)[:, :1] * 2


def rows(count=600, seed=0, label=True):
    """Half say grand and half dull; 30 % say "not", of those about women 60 %."""
    draw = np.random.default_rng(seed)
    found = []
    for at in range(count):
        grand, woman = draw.random() < 0.5, draw.random() < 0.3
        negated = draw.random() < (0.6 if woman else 0.2)
        words = [*draw.choice(WORDS, 3), "not" if negated else "so", "grand" if grand else "dull"]
        words += ["woman"] if woman else []
        row = {"id": f"s{seed}-{at}", "text": f"{' '.join(words)} {seed} {at}", "female": int(woman)}
        if label:
            row["label"] = "good" if grand != negated else "bad"
        found.append(row)
    return found


def write(path, found):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    return path


def switch_in(directory):
    """Make a switch out of rows.csv beside `directory`; for tests that kill it."""
    from pathlib import Path

    from angelshare.collect.switching import switch

    names = ("switch_example:Student", "switch_example:Teacher")
    table, out = Path(directory).parent / "rows.csv", Path(directory) / "made"
    switch(*names, table, target="deferred=0.2", columns=COLUMNS, out=out, allow_code=True)
