import json
from dataclasses import replace

import numpy as np
import pytest
from small import golden, quick, tiny_encoder
from transformers import AutoModelForSequenceClassification

from angelshare.errors import DataError, ModelError
from angelshare.models.loading import load
from angelshare.training.finetune import FinetuneOptions, finetune


def options(**others):
    return FinetuneOptions(training=quick(learning_rate=3e-3, epochs=6), **others)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_teacher_learns_and_loads_again(tmp_path, encoder, pooling):
    teacher = finetune(encoder, golden(60), out=tmp_path / "teacher", options=options(pooling=pooling))
    made = json.loads((tmp_path / "teacher" / "training.json").read_text())["training"]
    assert made["dev"]["value"] >= 0.5 and (made["rows"], made["dev_rows"]) == (54, 6)
    texts = ["the film was grand 1", "bad dull plot 2"]
    np.testing.assert_array_equal(load(tmp_path / "teacher").predict_logits(texts), teacher.predict_logits(texts))
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "teacher")
    assert model.config.id2label == {0: "negative", 1: "positive"}


def test_several_labels_with_fractions_and_weights(tmp_path, encoder):
    table = golden(40, multilabel=True, labels=("kind", "warm"))
    table.targets[0] = (0.4, 0.6)
    teacher = finetune(encoder, table, out=tmp_path / "t", options=options(class_weights=True))
    assert teacher.multilabel and teacher.labels == ("kind", "warm")


def test_toxicity_is_one_label_decided_alone(tmp_path, encoder):
    table = golden(40, multilabel=True, labels=("toxicity",))
    teacher = finetune(encoder, table, dev=table, out=tmp_path / "t", options=options(class_weights=True))
    assert teacher.predict_logits(["bad"]).shape == (1, 1)


def test_one_class_only_is_an_error(tmp_path, encoder):
    table = golden(20)
    alone = replace(table, targets=np.eye(2, dtype=np.float32)[np.zeros(20, dtype=int)])
    with pytest.raises(DataError, match="'negative' only"):
        finetune(encoder, alone, out=tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_an_encoder_that_is_not_there_is_one_sentence(tmp_path):
    for pooling in ("mean", "cls"):
        with pytest.raises(ModelError, match="cannot be loaded"):
            finetune(tmp_path / "nowhere", golden(20), out=tmp_path / "t", options=options(pooling=pooling))


def test_class_weights_give_each_label_the_same_share():
    from angelshare.training.finetune import _class_weights
    from angelshare.training.rows import golden_rows

    table = golden(40)
    weights = _class_weights(golden_rows(table)).numpy()
    np.testing.assert_allclose(weights * table.targets.sum(0), [20, 20], rtol=1e-6)


def paired(rows=60, regression=False):
    """Whether the second text says the same, or how many words longer it is than the first."""
    first = golden(rows)
    other = [text if at % 2 else "dull " + text for at, text in enumerate(first.texts)]
    same = np.array([1.0 if at % 2 else 0.0 for at in range(rows)], dtype=np.float32)
    if regression:
        return replace(
            first, pairs=other, labels=("score",), multilabel=True, regression=True, targets=5 * same[:, None]
        )
    return replace(first, pairs=other, targets=np.stack([1 - same, same], axis=1))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pairs_of_texts(tmp_path, encoder, pooling):
    table = paired()
    model = finetune(encoder, table, dev=table, out=tmp_path / "t", options=options(pooling=pooling))
    with_pairs = model.predict_logits(table.inputs)
    assert with_pairs.shape == (60, 2)
    assert np.abs(with_pairs - model.predict_logits(table.texts)).max() > 1e-4
    other = replace(table, pairs=[text + " dull" for text in table.pairs])
    assert np.abs(with_pairs - model.predict_logits(other.inputs)).max() > 1e-4
    with pytest.raises(DataError, match="made from other data"):
        finetune(encoder, other, dev=table, out=tmp_path / "t", options=options(pooling=pooling))
    with pytest.raises(DataError, match="the same kind"):
        finetune(encoder, table, dev=golden(20), out=tmp_path / "u", options=options())


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_numbers_to_predict(tmp_path, encoder, pooling):
    table = paired(regression=True)
    training = quick(learning_rate=1e-2, epochs=8)
    model = finetune(
        encoder, table, dev=table, out=tmp_path / "t", options=FinetuneOptions(pooling=pooling, training=training)
    )
    made = json.loads((tmp_path / "t" / "training.json").read_text())["training"]
    assert made["dev"]["metric"] == "minus_squared_error"
    error = np.square(model.predict_logits(table.inputs)[:, 0] - table.targets[:, 0]).mean()
    assert made["dev"]["loss"] == pytest.approx(error, rel=1e-3)
    assert error < np.square(table.targets).mean() / 2  # what an untrained head, near 0, has
    again = finetune(
        encoder, table, dev=table, out=tmp_path / "t", options=FinetuneOptions(pooling=pooling, training=training)
    )
    assert (again.predict_logits(table.inputs) == model.predict_logits(table.inputs)).all()
    with pytest.raises(ModelError, match="regression"):
        load(tmp_path / "t")
    with pytest.raises(DataError, match="no classes to weigh"):
        finetune(encoder, table, dev=table, out=tmp_path / "u", options=options(class_weights=True))


def test_a_model_that_knows_no_types_is_not_told_them(tmp_path):
    from transformers import BertTokenizerFast, DistilBertConfig, DistilBertModel

    small = tiny_encoder(tmp_path / "bert")
    made = tmp_path / "distilbert"
    config = DistilBertConfig(vocab_size=90, dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=40)
    DistilBertModel(config).save_pretrained(made)
    BertTokenizerFast.from_pretrained(small).save_pretrained(made)
    model = finetune(made, paired(20), out=tmp_path / "t", options=options(pooling="cls"))
    assert np.isfinite(model.predict_logits([("the film", "the plot")])).all()
