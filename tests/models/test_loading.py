import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from tiny_models import LABELS, TEXTS

from angelshare.errors import DamagedFile, DataError, ModelError
from angelshare.models.card import CardFacts
from angelshare.models.loading import PredictionsFile, load, wrap
from angelshare.models.saving import save
from angelshare.models.students import build
from angelshare.types import Classifier


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "bow"
    model, tokenizer = build("bow", labels=LABELS, multilabel=False, texts=TEXTS)
    save(model, tokenizer, path, CardFacts("bow", "bow", LABELS), {"training.jsonl": "{}\n"})
    return path


def copy_of(saved, to):
    to.mkdir(parents=True)
    for file in saved.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def one_sentence(caught) -> None:
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_flipped_byte_is_refused_by_name(saved, tmp_path, name) -> None:
    path = copy_of(saved, tmp_path / "copy")
    content = bytearray((path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (path / name).write_bytes(content)
    with pytest.raises(DamagedFile, match=name) as caught:
        load(path)
    one_sentence(caught)
    (path / name).unlink()
    with pytest.raises(DamagedFile, match=f"{name} is missing"):
        load(path)


def test_the_card_may_be_edited_and_subfolders_stand_alone(saved, tmp_path) -> None:
    path = copy_of(saved, tmp_path / "copy")
    (path / "README.md").write_text("mine")
    (path / "controls").mkdir()
    assert load(path).labels == LABELS


def test_broken_directories(saved, encoder, tmp_path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ModelError, match=r"no config\.json") as caught:
        load(empty)
    one_sentence(caught)
    cases = {
        "no weights": (["model.safetensors"], {}, "has no weights"),
        "pickle": (["model.safetensors"], {"pytorch_model.bin": b"x"}, "as a pickle, which can run code"),
        "no tokenizer": (["tokenizer.json"], {}, "has no tokenizer"),
        "config": ([], {"config.json": b"{"}, "cannot be loaded"),
        "unknown": ([], {"config.json": b'{"model_type": "nonesuch"}'}, "cannot be loaded"),
        "weights": ([], {"model.safetensors": b"not safetensors"}, "cannot be loaded"),
        "tokenizer": ([], {"tokenizer.json": b"{}"}, "cannot be loaded"),
    }
    for name, (without, instead, message) in cases.items():
        path = copy_of(saved, tmp_path / name)
        (path / "manifest.json").unlink()
        for file in without:
            (path / file).unlink()
        for file, content in instead.items():
            (path / file).write_bytes(content)
        with pytest.raises(ModelError, match=message) as caught:
            load(path)
        one_sentence(caught)
    with pytest.raises(ModelError, match="finetune") as caught:
        load(encoder)
    one_sentence(caught)


def test_weights_of_another_shape_are_refused(saved, tmp_path) -> None:
    path = copy_of(saved, tmp_path / "copy")
    (path / "manifest.json").unlink()
    config = json.loads((path / "config.json").read_text())
    config["hidden_size"] = 7
    (path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load(path)
    one_sentence(caught)


@pytest.mark.parametrize("spec", ["./nowhere", "nobody/nothing-of-the-kind", "/tmp/a/b/c", "what is this"])
def test_what_is_not_there(spec) -> None:
    with pytest.raises(ModelError, match=r"no hub id|no directory here") as caught:
        load(spec)
    one_sentence(caught)


def test_pickles_and_stray_files_are_refused(tmp_path) -> None:
    with pytest.raises(ModelError, match="pickle"):
        load(tmp_path / "model.joblib")
    (tmp_path / "model.txt").write_text("x")
    with pytest.raises(ModelError, match="is a file"):
        load(tmp_path / "model.txt")


def test_a_module_needs_permission(tmp_path, monkeypatch) -> None:
    (tmp_path / "scorer_of_mine.py").write_text(
        "import numpy as np\n"
        "class Scorer:\n"
        "    classes_ = ['no', 'yes']\n"
        "    def predict_proba(self, texts):\n"
        "        return np.array([[.25, .75]] * len(texts))\n"
        "ready = Scorer()\n"
        "broken = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="--allow-code"):
        load("scorer_of_mine:ready")
    assert "scorer_of_mine" not in sys.modules
    for spec in ("scorer_of_mine:ready", "scorer_of_mine:Scorer"):
        model = load(spec, allow_code=True)
        np.testing.assert_allclose(model.predict_logits(["a", "b"]), np.log([[0.25, 0.75]] * 2), rtol=1e-6)
    assert str(tmp_path) not in sys.path
    for spec in ("scorer_of_mine:broken", "scorer_of_mine:nothing", "no_module_here:x"):
        with pytest.raises(ModelError, match="cannot be loaded") as caught:
            load(spec, allow_code=True)
        assert "\n" not in str(caught.value)


def test_scikit_learn_is_wrapped() -> None:
    texts, classes = ["good", "bad", "good good", "bad bad"], ["pos", "neg", "pos", "neg"]
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, classes)
    model = wrap(pipeline)
    assert isinstance(model, Classifier) and model.labels == ("neg", "pos") and not model.multilabel
    np.testing.assert_allclose(model.predict_logits(texts), np.log(pipeline.predict_proba(texts)), rtol=1e-5)
    assert model.predict_logits([]).shape == (0, 2)
    assert wrap(pipeline).fingerprint == model.fingerprint
    other = make_pipeline(CountVectorizer(), LogisticRegression(C=2)).fit(texts, classes)
    assert wrap(other).fingerprint != model.fingerprint
    assert wrap(model) is model

    several = make_pipeline(CountVectorizer(), OneVsRestClassifier(LogisticRegression()))
    several.fit(texts, np.array([[1, 0], [0, 1], [1, 0], [0, 1]]))
    found = wrap(several, labels=["good", "bad"])
    assert found.multilabel
    p = several.predict_proba(texts)
    np.testing.assert_allclose(found.predict_logits(texts), np.log(p / (1 - p)), rtol=1e-4)


def test_wrapped_objects_are_checked_and_clips_counted() -> None:
    class Odd:
        def __init__(self, answer):
            self.answer = np.asarray(answer, dtype=float)

        def predict_proba(self, texts):
            return self.answer

    certain = wrap(Odd([[0.0, 1.0]]), labels=["a", "b"])
    logits = certain.predict_logits(["x"])
    assert logits[0, 0] == pytest.approx(np.log(1e-6)) and certain.clipped == 2
    with pytest.raises(ModelError, match="1 rows x 3 labels"):
        wrap(Odd([[0.0, 1.0]]), labels=["a", "b", "c"]).predict_logits(["x"])
    with pytest.raises(ModelError, match=r"outside \[0, 1\]"):
        wrap(Odd([[np.nan, 1.0]]), labels=["a", "b"]).predict_logits(["x"])
    with pytest.raises(ModelError, match="classes_"):
        wrap(Odd([[0.0, 1.0]]))
    with pytest.raises(ModelError, match="neither predict_logits nor predict_proba"):
        wrap(3)
    only = wrap(Odd([[0.25, 0.75]]), labels=["toxic"])
    assert only.multilabel and only.predict_logits(["x"])[0, 0] == pytest.approx(np.log(3))


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_predictions_files(tmp_path) -> None:
    path = write(tmp_path / "scores.csv", "id,no,yes\na,0.25,0.75\nb,0.5,0.5\nc,1,0\n")
    file = load(path)
    assert isinstance(file, PredictionsFile)
    assert file.labels == ("no", "yes") and not file.multilabel and len(file) == 3
    found = file.predictions(["c", "a"])
    assert found.ids.tolist() == ["c", "a"] and found.model == "scores" and found.scale == "probabilities"
    np.testing.assert_array_equal(found.scores, [[1, 0], [0.25, 0.75]])
    assert file.predictions([]).scores.shape == (0, 2)
    with pytest.raises(DataError, match=r"no row with the id 'd' \(1 of 2 rows are missing\)"):
        file.predictions(["a", "d"])
    only = load(path, labels=["yes"])
    assert only.labels == ("yes",) and only.multilabel and only.fingerprint != file.fingerprint
    logits = load(write(tmp_path / "l.tsv", "id\ttext\ta\tb\n1\tx\t-3\t9\n"), scores="logits")
    assert logits.labels == ("a", "b") and not logits.multilabel and logits.predictions(["1"]).scale == "logits"
    several = load(write(tmp_path / "m.jsonl", '{"id": "1", "a": 0.9, "b": 0.8}\n'))
    assert several.multilabel


def test_broken_predictions_files(tmp_path) -> None:
    cases = {
        "range": ("id,a,b\nx,2,0\n", r"id 'x', column 'a': .* Got 2 instead; say --scores logits"),
        "no labels": ("id\nx\n", "no label column"),
        "no rows": ("id,a\n", "no rows"),
        "duplicate": ("id,a\nx,.1\nx,.2\n", "x"),
        "nan": ("id,a\nx,\n", "a"),
    }
    for name, (text, message) in cases.items():
        with pytest.raises(DataError, match=message) as caught:
            load(write(tmp_path / f"{name}.csv", text))
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError):
        load(tmp_path / "nowhere.csv")
    with pytest.raises(DataError):
        load(write(tmp_path / "x.parquet", "not parquet"))


def test_what_needs_no_torch_does_not_import_it(tmp_path) -> None:
    path = write(tmp_path / "scores.csv", "id,a,b\n1,0.5,0.5\n")
    script = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "found = PathFinder.find_spec\n"
        "gone = ('torch', 'transformers', 'tokenizers', 'accelerate')\n"
        "PathFinder.find_spec = lambda name, *rest: None if name in gone else found(name, *rest)\n"
        "import angelshare.models.tfidf, angelshare.models.card\n"
        "from angelshare.models.loading import load\n"
        "load(sys.argv[1]).predictions(['1'])\n"
        "from angelshare.errors import MissingPart\n"
        "try:\n"
        "    load('some/model')\n"
        "except MissingPart as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "pip install 'angelshare[train]'" in run.stdout


def test_a_hub_shaped_name_reads_no_remote_code(saved, tmp_path) -> None:
    path = copy_of(saved, tmp_path / "copy")
    (path / "manifest.json").unlink()
    config = json.loads((path / "config.json").read_text())
    config |= {
        "model_type": "mine",
        "auto_map": {"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.M"},
    }
    (path / "config.json").write_text(json.dumps(config))
    (path / "evil.py").write_text("raise SystemExit('remote code ran')\n")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load(path)
    one_sentence(caught)
