"""What tests of augmentation share: sentences, synonyms, and language models that are made of rules."""

import zlib

import numpy as np

from angelshare.data.tables import Table

WORDS = (
    "film",
    "plot",
    "dog",
    "good",
    "bad",
    "happy",
    "love",
    "watch",
    "the",
    "a",
    "very",
    "not",
    "gay",
    "Muslim",
    "so",
)


def sentences(rows: int, seed: int = 0, longest: int = 25) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(3, longest))) + f" n{at}" for at in range(rows)]


def table(texts: list[str], name: str = "pool", labels: list[str] | None = None) -> Table:
    ids = np.array([f"{name}-{at}" for at in range(len(texts))], dtype=object)
    if labels is None:
        return Table(name, f"{name}.csv", ids, texts)
    names = tuple(sorted(set(labels)))
    targets = np.array([[label == name for name in names] for label in labels], dtype=np.float32)
    return Table(name, f"{name}.csv", ids, texts, names, False, targets)


class Guesser:
    """Guesses the same words everywhere, the first of them most; knows how many texts it was asked about."""

    fingerprint = "guesser"

    def __init__(self, words: tuple[str, ...] = ("film", "story", "not", "gay", "fine")) -> None:
        self.words, self.asked = words, 0

    def guesses(self, texts, hidden, count):
        self.asked += len(texts)
        found = [(word, 1 / 2**at) for at, word in enumerate(self.words, start=1)][:count]
        return [[found for _ in at] for at in hidden]


class Writer:
    """Writes the prompt's last line in words of its own that the draws decide."""

    fingerprint = "writer"

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def generate(self, prompts, draws):
        self.prompts += prompts
        words = [" ".join(WORDS[int(draw * len(WORDS))] for draw in row[:8]) for row in draws]
        return [f" {text} {zlib.crc32(text.encode()) % 10**6}\nand more" for text in words]
