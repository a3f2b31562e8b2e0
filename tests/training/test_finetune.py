import json
from dataclasses import replace

import numpy as np
import pytest
from small import golden, quick
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
