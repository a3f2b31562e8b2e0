"""The bag of words sees no order: its word-order sensitivity is exactly 0, and that of one with word pairs is not."""

import numpy as np
import pytest
import torch

from angelshare.collect import audit
from angelshare.data.tables import Table
from angelshare.models.classifier import TorchClassifier
from angelshare.models.students import StudentOptions, build

LABELS = ("bad", "kind")
WORDS = ("film", "plot", "scene", "cast", "story", "line", "song", "shot")


def table():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    texts = [" ".join(rng.permutation([LABELS[label], *rng.choice(WORDS, 6)])) + " !" for label in truth]
    ids = np.array([f"r{at}" for at in range(300)], dtype=object)
    return Table("made", "made.csv", ids, texts, LABELS, False, np.eye(2, dtype=np.float32)[truth])


def bow(ngrams):
    """Reads the labels' words, less clearly than its pairs of words where it has some."""
    options = StudentOptions(ngrams=ngrams, buckets=200)
    model, tokenizer = build("bow", labels=LABELS, multilabel=False, texts=table().texts, options=options)
    with torch.no_grad():
        model.embeddings.weight.mul_(0.1)
        for at, label in enumerate(LABELS):
            model.embeddings.weight[tokenizer.convert_tokens_to_ids(label), at] = 4
        model.hidden.weight.zero_()
        model.hidden.weight[:2, :2] = torch.eye(2)
        model.classifier.weight.zero_()
        model.classifier.weight[:2, :2] = torch.eye(2)
        if ngrams > 1:
            model.grams.weight.mul_(20)
    return TorchClassifier(model, tokenizer)


@pytest.mark.parametrize("ngrams", [1, 2])
def test_only_a_bag_of_single_words_is_blind_to_order(ngrams):
    result = audit(reference=bow(ngrams), data=table(), suites=["word-order"], draws=100)
    found = {f.metric: f.value for f in result.findings}
    assert found["wos"].n > 100
    for metric in ("wos", "wos_2", "wos_3"):
        assert (found[metric].value == 0.0) == (ngrams == 1)
