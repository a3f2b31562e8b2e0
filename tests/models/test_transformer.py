import numpy as np
import pytest
import torch
from tiny_models import LABELS, TEXTS, wordpiece
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from angelshare.errors import ModelError
from angelshare.models.base import label_settings, seeded
from angelshare.models.classifier import TorchClassifier, default_max_length
from angelshare.models.pooled import PooledConfig, PooledForSequenceClassification
from angelshare.models.transformer import from_encoder, kept_layers, truncate

SMALL = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 90}
WIDE = {"initializer_range": 0.3}
"""Weights large enough that each layer moves the scores."""
HEAD = label_settings(LABELS, False)


def models() -> dict[str, torch.nn.Module]:
    distil = DistilBertConfig(dim=16, n_layers=4, n_heads=2, hidden_dim=24, vocab_size=90, **WIDE, **HEAD)
    pooled = PooledConfig(encoder={"model_type": "bert", **SMALL, **WIDE}, **HEAD)
    return {
        "roberta": lambda: RobertaForSequenceClassification(RobertaConfig(**SMALL, **WIDE, **HEAD, pad_token_id=0)),
        "distilbert": lambda: DistilBertForSequenceClassification(distil),
        "pooled": lambda: PooledForSequenceClassification(pooled),
    }


@pytest.mark.parametrize("name", models())
def test_all_layers_kept_is_the_teacher_and_fewer_copy_theirs(name) -> None:
    teacher = seeded(0, name, make=models()[name]).eval()
    whole = TorchClassifier(truncate(teacher, 4), wordpiece(), max_length=32)
    expected = TorchClassifier(teacher, wordpiece(), max_length=32).predict_logits(TEXTS)
    np.testing.assert_array_equal(whole.predict_logits(TEXTS), expected)
    part = truncate(teacher, (1, 3))
    theirs, ours = teacher.state_dict(), part.state_dict()
    stack = "layer."
    for key, tensor in ours.items():
        source = (
            key.replace(f"{stack}0.", f"{stack}1.") if f"{stack}0." in key else key.replace(f"{stack}1.", f"{stack}3.")
        )
        assert torch.equal(tensor, theirs[source]), key
    assert not any(f"{stack}2." in key for key in ours)
    scores = TorchClassifier(part, wordpiece(), max_length=32).predict_logits(TEXTS)
    assert np.abs(scores - expected).max() > 1e-4
    assert all(tensor.data_ptr() != theirs[key].data_ptr() for key, tensor in ours.items() if key in theirs)


def test_truncated_survives_saving(teacher, tmp_path) -> None:
    student = truncate(teacher.model, [0, 2])
    student.save_pretrained(tmp_path)
    again = type(student).from_pretrained(tmp_path)
    assert again.config.num_hidden_layers == 2
    assert all(
        torch.equal(a, b) for a, b in zip(student.state_dict().values(), again.state_dict().values(), strict=True)
    )
    assert teacher.model.config.num_hidden_layers == 4


def test_counts_spread_evenly() -> None:
    assert kept_layers(6, 3) == (0, 2, 4)
    assert kept_layers(12, 6) == (0, 2, 4, 6, 8, 10)
    assert kept_layers(6, (0, 5)) == (0, 5)
    assert kept_layers(4, 1) == (0,)


def test_shared_layers_cannot_be_chosen() -> None:
    config = AlbertConfig(**{**SMALL, "embedding_size": 8, "num_hidden_groups": 1}, **HEAD)
    model = seeded(0, "a", make=lambda: AlbertForSequenceClassification(config))
    with pytest.raises(ModelError, match="albert model has no stack of layers"):
        truncate(model, 2)


def test_an_encoder_gets_a_seeded_head(encoder) -> None:
    one, again, other = (from_encoder(str(encoder), labels=LABELS, multilabel=True, seed=seed)[0] for seed in (0, 0, 1))
    assert torch.equal(one.classifier.weight, again.classifier.weight)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert torch.equal(one.bert.embeddings.word_embeddings.weight, other.bert.embeddings.word_embeddings.weight)
    assert one.config.problem_type == "multi_label_classification"


def test_roberta_reads_two_tokens_less_than_it_has_positions() -> None:
    model = seeded(0, "r", make=models()["roberta"])
    tokenizer = wordpiece()
    tokenizer.model_max_length = 10**30
    assert default_max_length(model, tokenizer) == 510
    scores = TorchClassifier(model, tokenizer).predict_logits(["cat " * 2_000])
    assert np.isfinite(scores).all()
