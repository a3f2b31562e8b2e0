"""Teachers that count words: without torch, so that a worker is there in a second."""

import multiprocessing
import os
import signal
import time
import zlib
from pathlib import Path

import numpy as np

WORDS = {"bad": -2.0, "dull": -1.0, "fine": 1.0, "grand": 2.0}
LABELS = ("negative", "positive")


class CountingTeacher:
    """Scores a text by the words in it; knows how often it was asked."""

    fingerprint = "counting"

    def __init__(self, labels=LABELS, multilabel=False):
        self.labels, self.multilabel, self.asked = tuple(labels), multilabel, 0

    def predict_logits(self, texts):
        self.asked += len(texts)
        scores = np.array([sum(WORDS.get(word, 0.0) for word in text.split()) for text in texts], dtype=np.float32)
        if self.multilabel:
            return np.stack([scores - at for at in range(len(self.labels))], axis=1)
        return np.stack([-scores / 2, scores / 2], axis=1)


class MortalTeacher(CountingTeacher):
    """Dies with SIGKILL the first times it is asked about a text with "grand", as often as $DEATHS holds letters."""

    def predict_logits(self, texts):
        place = Path(os.environ["DEATHS"])
        left = place.read_text()
        if left and any("grand" in text for text in texts) and multiprocessing.parent_process() is not None:
            place.write_text(left[1:])
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict_logits(texts)


class SlowTeacher(CountingTeacher):
    """Takes a tenth of a second a task, and writes its process down."""

    def predict_logits(self, texts):
        with open(os.environ["ASKED"], "a") as stream:
            stream.write(f"{os.getpid()}\n")
        time.sleep(0.1)
        return super().predict_logits(texts)


class OtherTeacher(CountingTeacher):
    """Another model in every process."""

    def __init__(self):
        super().__init__()
        self.fingerprint = str(os.getpid())


class RareTeacher:
    """A text is toxic where it ends in "!"; other scores are spread by the text's hash."""

    fingerprint, labels, multilabel = "rare", ("fine", "toxic"), False

    def predict_logits(self, texts):
        spread = np.array([zlib.crc32(text.encode()) % 1000 / 1000 for text in texts])
        toxic = np.array([text.endswith("!") for text in texts])
        odds = np.where(toxic, 0.01 + 4 * spread, -4 * spread - 0.01)
        return np.stack([-odds / 2, odds / 2], axis=1).astype(np.float32).reshape(-1, 2)
