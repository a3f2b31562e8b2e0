"""The black-box example, on made-up weights: its answers are those of the plain formula, and it can teach."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from small import distil_options, pool

from angelshare.errors import ModelError
from angelshare.models.loading import load
from angelshare.training.classifier import distil
from angelshare.training.label import label, teacher_fingerprint

SPEC = "examples.toxic_bilstm:ToxicBilstm"


@pytest.fixture
def scorer(tmp_path, monkeypatch):
    """Weights of a scorer of 20 words at `tmp_path / "toxic-bilstm"`, found through the environment."""
    rng = np.random.default_rng(0)
    shapes = {"embedding.weight": (20, 4), "hidden.weight": (5, 6), "hidden.bias": (5,), "output.weight": (6, 5)}
    shapes |= {"output.bias": (6,)}
    for way in ("", "_reverse"):
        shapes |= {f"lstm.weight_ih_l0{way}": (12, 4), f"lstm.weight_hh_l0{way}": (12, 3)}
        shapes |= {f"lstm.bias_ih_l0{way}": (12,), f"lstm.bias_hh_l0{way}": (12,)}
    directory = tmp_path / "models" / "toxic-bilstm"
    directory.mkdir(parents=True)
    weights = {name: torch.from_numpy(rng.normal(size=shape).astype(np.float32)) for name, shape in shapes.items()}
    save_file(weights, directory / "model.safetensors")
    words = {
        word: at
        for at, word in enumerate(["the", "film", "was", "grand", "bad", "dull", "fine", "a", "plot", "it"], start=1)
    }
    (directory / "vocabulary.json").write_text(json.dumps({"filters": "!.,\n", "words": words}))
    monkeypatch.setenv("ANGELSHARE_MODELS", str(directory.parent))
    monkeypatch.chdir(Path(__file__).parents[2])
    return directory


def one_way(ids, weights, way):
    """States of an LSTM in plain arithmetic (gates: input, forget, cell, output)."""
    w_in, w_own, b_in, b_own = (
        weights[f"lstm.{part}_l0{way}"].numpy().astype(np.float64)
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    state, cell, found = np.zeros(3), np.zeros(3), []
    for word in ids if not way else ids[::-1]:
        i, f, g, o = np.split(w_in @ weights["embedding.weight"][word].numpy() + b_in + w_own @ state + b_own, 4)
        cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        state = np.tanh(cell) / (1 + np.exp(-o))
        found.append(state)
    return np.array(found if not way else found[::-1])


def test_it_answers_as_the_plain_formula(scorer):
    from safetensors.torch import load_file

    weights = load_file(scorer / "model.safetensors")
    words = json.loads((scorer / "vocabulary.json").read_text())["words"]
    texts = ["The film was GRAND!", "", "bad,unheard dull", "a plot " * 80]
    logits = load(SPEC, allow_code=True).predict_logits(texts)
    for text, found in zip(texts, logits, strict=True):
        spaced = text.lower()
        for mark in "!.,\n":
            spaced = spaced.replace(mark, " ")
        known = [words[word] for word in spaced.split() if word in words][-100:]
        ids = [0] * (100 - len(known)) + known
        states = np.concatenate([one_way(ids, weights, ""), one_way(ids, weights, "_reverse")], axis=1).max(axis=0)
        plain = {name: tensor.numpy().astype(np.float64) for name, tensor in weights.items()}
        hidden = np.maximum(plain["hidden.weight"] @ states + plain["hidden.bias"], 0)
        np.testing.assert_allclose(found, plain["output.weight"] @ hidden + plain["output.bias"], atol=1e-5)


def test_it_labels_and_teaches(scorer, tmp_path):
    teacher = load(SPEC, allow_code=True)
    transfer = label(teacher, pool(40), tmp_path / "transfer")
    assert transfer.labels[0] == "toxic" and transfer.multilabel and len(transfer.labels) == 6
    assert transfer.teacher == teacher_fingerprint(load(SPEC, allow_code=True))
    student = distil("bow", teacher=teacher, texts=transfer.directory, out=tmp_path / "s", options=distil_options())
    assert student.labels == transfer.labels


def test_without_leave_or_weights_it_is_one_sentence(scorer, monkeypatch):
    with pytest.raises(ModelError, match="--allow-code"):
        load(SPEC)
    monkeypatch.setenv("ANGELSHARE_MODELS", "nowhere")
    with pytest.raises(ModelError, match="ANGELSHARE_MODELS"):
        load(SPEC, allow_code=True)
