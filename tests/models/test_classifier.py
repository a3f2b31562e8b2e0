import time

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import LABELS, TEXTS, bert_config, make_teacher, wordpiece
from transformers import BertForSequenceClassification

from angelshare.errors import ModelError
from angelshare.models import classifier as module
from angelshare.models.base import label_settings, seeded
from angelshare.models.classifier import TorchClassifier, computes_bfloat16
from angelshare.types import Classifier


def bert(**settings) -> BertForSequenceClassification:
    return seeded(0, "b", make=lambda: BertForSequenceClassification(bert_config(**settings)))


def test_it_is_a_classifier_and_scores_as_transformers_does(teacher) -> None:
    assert isinstance(teacher, Classifier)
    scores = teacher.predict_logits(TEXTS)
    assert scores.dtype == np.float32 and scores.shape == (len(TEXTS), 3)
    with torch.inference_mode():
        for text, row in zip(TEXTS, scores, strict=True):
            batch = teacher.tokenizer(text, truncation=True, max_length=48, return_tensors="pt")
            np.testing.assert_allclose(teacher.model(**batch).logits[0].numpy(), row, atol=2e-6)


@given(st.lists(st.text(st.characters(), max_size=60), max_size=12), st.integers(1, 200))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_text_is_scored_whatever_the_batches(teacher, texts, budget) -> None:
    """Lone surrogates, NUL, control and right-to-left characters are among hypothesis's texts."""
    small = TorchClassifier(teacher.model, teacher.tokenizer, max_batch_tokens=budget)
    scores = small.predict_logits(texts)
    assert scores.shape == (len(texts), 3) and np.isfinite(scores).all()
    np.testing.assert_allclose(scores, teacher.predict_logits(texts), atol=3e-6)


def test_hostile_texts(teacher) -> None:
    scores = teacher.predict_logits(["cat \ud800 dog", "cat \ufffd dog", "\x00", "", "\u202e<script>"])
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


def test_a_megabyte_is_capped_before_it_is_tokenised(teacher, monkeypatch) -> None:
    longest = []
    tokenize = type(teacher.tokenizer).__call__

    def spy(self, texts, **settings):
        longest.append(max(map(len, texts)))
        return tokenize(self, texts, **settings)

    monkeypatch.setattr(type(teacher.tokenizer), "__call__", spy)
    start = time.perf_counter()
    scores = teacher.predict_logits(["the cat " * 150_000, "the cat " * 100])
    assert time.perf_counter() - start < 5
    assert max(longest) <= 48 * 32
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


def test_no_texts(teacher) -> None:
    assert teacher.predict_logits([]).shape == (0, 3)


def test_order_is_kept_across_chunks(teacher, monkeypatch) -> None:
    expected = teacher.predict_logits(TEXTS)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 3)
    np.testing.assert_allclose(teacher.predict_logits(TEXTS), expected, atol=2e-6)


def test_dropout_is_off_even_after_training(teacher) -> None:
    expected = teacher.predict_logits(TEXTS)
    teacher.model.train()
    np.testing.assert_array_equal(teacher.predict_logits(TEXTS), expected)
    assert not teacher.model.training


def test_features_are_the_mean_of_the_real_tokens(teacher) -> None:
    features = teacher.features(TEXTS)
    assert features.shape == (len(TEXTS), 32)
    batch = teacher.tokenizer(TEXTS[3], return_tensors="pt")
    with torch.inference_mode():
        last = teacher.model(**batch, output_hidden_states=True).hidden_states[-1]
    np.testing.assert_allclose(features[3], last[0].mean(0).numpy(), atol=2e-6)


def test_labels_and_what_they_mean() -> None:
    one = TorchClassifier(bert(num_labels=1), wordpiece())
    assert one.labels == ("LABEL_0",) and one.multilabel
    several = TorchClassifier(bert(**label_settings(LABELS, True)), wordpiece())
    assert several.labels == LABELS and several.multilabel
    renamed = TorchClassifier(bert(num_labels=2), wordpiece(), labels=["no", "yes"])
    assert renamed.labels == ("no", "yes") and not renamed.multilabel
    with pytest.raises(ModelError, match=r"has 2 labels .* not the 3 given: a, b, c"):
        TorchClassifier(bert(num_labels=2), wordpiece(), labels=["a", "b", "c"])
    with pytest.raises(ModelError, match="regression"):
        TorchClassifier(bert(num_labels=1, problem_type="regression"), wordpiece())
    assert TorchClassifier(bert(num_labels=1, problem_type="regression"), wordpiece(), multilabel=True).multilabel
    with pytest.raises(ModelError, match="single output"):
        TorchClassifier(bert(num_labels=1), wordpiece(), multilabel=False)


def test_bfloat16_only_where_it_is_computed(monkeypatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert not computes_bfloat16(torch.device("cpu"))
    assert make_teacher().precision == "float32"
    with pytest.raises(ModelError, match="neither AMX nor AVX512-BF16"):
        make_teacher(precision="bfloat16")
    expected = make_teacher().predict_logits(TEXTS)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    half = make_teacher()
    assert half.precision == "bfloat16"
    assert make_teacher(precision="float32").precision == "float32"
    assert half.predict_logits(TEXTS).dtype == np.float32
    assert 0 < np.abs(half.predict_logits(TEXTS) - expected).max() < 0.5
    assert half.fingerprint != make_teacher(precision="float32").fingerprint


def test_the_fingerprint_follows_what_decides_the_scores(teacher) -> None:
    base = make_teacher().fingerprint
    assert teacher.fingerprint == base
    teacher.predict_logits(TEXTS)
    again = TorchClassifier(teacher.model, teacher.tokenizer)
    assert again.fingerprint == base
    assert TorchClassifier(teacher.model, teacher.tokenizer, max_length=9).fingerprint != base
    changed = make_teacher()
    with torch.no_grad():
        changed.model.classifier.bias[0] = 1e-45  # the smallest float32: one bit
    assert changed.fingerprint != base
    tokens = make_teacher()
    tokens.tokenizer.backend_tokenizer.normalizer = None
    assert tokens.fingerprint != base
    assert make_teacher(("a", "b", "c")).fingerprint != base


def test_a_tokenizer_without_padding_scores_one_by_one(teacher) -> None:
    tokenizer = wordpiece()
    tokenizer.pad_token = None
    bare = TorchClassifier(teacher.model, tokenizer)
    np.testing.assert_allclose(bare.predict_logits(TEXTS), teacher.predict_logits(TEXTS), atol=2e-6)
