"""Tiny models with real tokenizers, made once; and a watch over the global random state."""

from pathlib import Path

import pytest
import torch
from tiny_models import bert_config, make_teacher, wordpiece
from transformers import BertModel

from angelshare.models.base import seeded
from angelshare.models.classifier import TorchClassifier


@pytest.fixture(scope="session")
def teacher() -> TorchClassifier:
    return make_teacher()


@pytest.fixture(scope="session")
def encoder(tmp_path_factory) -> Path:
    """A base encoder without a classification head."""
    path = tmp_path_factory.mktemp("encoder")
    seeded(6, "e", make=lambda: BertModel(bert_config())).save_pretrained(path)
    wordpiece().save_pretrained(path)
    return path


@pytest.fixture(autouse=True)
def global_random_state_stays():
    before = torch.random.get_rng_state()
    yield
    assert torch.equal(before, torch.random.get_rng_state()), "the global random state was touched"
