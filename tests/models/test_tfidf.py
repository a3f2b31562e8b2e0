import numpy as np
import pytest
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from angelshare.errors import DamagedFile, ModelError
from angelshare.models.loading import load
from angelshare.models.tfidf import Tfidf
from angelshare.types import Classifier

WORDS = ["good", "fine", "bad", "poor", "sad", "odd", "film", "it's"]
rng = np.random.default_rng(0)
TEXTS = [" ".join(rng.choice(WORDS, 6)) for _ in range(90)]
CLASSES = rng.integers(0, 3, 90)
LABELS = ("a", "b", "c")


def fit(classes, k=3, **settings) -> Tfidf:
    targets = np.eye(k, dtype=np.float32)[classes]
    return Tfidf.fit(TEXTS, targets, labels=[f"l{at}" for at in range(k)], multilabel=False, **settings)


@pytest.mark.parametrize("k", [2, 3])
def test_it_is_scikit_learns_model(k) -> None:
    classes = CLASSES % k
    model = fit(classes, k)
    assert isinstance(model, Classifier)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"(?u)\w+(?:'\w+)*")
    rows = vectorizer.fit_transform(TEXTS)
    expected = LogisticRegression(C=5, max_iter=2_000).fit(rows, classes).predict_proba(rows)
    np.testing.assert_allclose(softmax(model.predict_logits(TEXTS), axis=1), expected, atol=1e-5)


def test_it_reloads_bit_for_bit_and_repeats_itself(tmp_path) -> None:
    model = fit(CLASSES)
    model.save(tmp_path / "one")
    loaded = load(tmp_path / "one")
    assert isinstance(loaded, Tfidf) and loaded.kind == "tfidf"
    np.testing.assert_array_equal(loaded.predict_logits(TEXTS), model.predict_logits(TEXTS))
    assert loaded.fingerprint == model.fingerprint == fit(CLASSES).fingerprint
    assert loaded.parameters == model.parameters == 3 * len(model.vocabulary) + 3
    assert loaded.size_bytes == model.size_bytes
    assert fit(CLASSES, strength=1.0).fingerprint != model.fingerprint
    assert model.predict_logits([]).shape == (0, 3)
    assert np.isfinite(model.predict_logits(["", "\ud800\x00", "unseen", "x" * 10**6])).all()
    content = bytearray((tmp_path / "one" / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "one" / "model.safetensors").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"model\.safetensors"):
        load(tmp_path / "one")


def test_multilabel_and_labels_of_one_class() -> None:
    targets = rng.random((90, 3)).astype(np.float32)
    targets[:, 1] = 0.1
    targets[:, 2] = 1
    model = Tfidf.fit(TEXTS, targets, labels=LABELS, multilabel=True)
    logits = model.predict_logits(TEXTS)
    assert (logits[:, 1] < -4).all() and (logits[:, 2] > 4).all()
    assert np.ptp(logits[:, 0]) > 0.1
    missing = fit(CLASSES % 2, 3)
    assert (missing.predict_logits(TEXTS).argmax(1) < 2).all()
    assert (fit(np.zeros(90, dtype=int), 3).predict_logits(TEXTS).argmax(1) == 0).all()


def test_weights_count_rows() -> None:
    doubled = Tfidf.fit(
        TEXTS, np.eye(3)[CLASSES], labels=LABELS, multilabel=False, weights=np.where(CLASSES == 0, 9.0, 1.0)
    )
    plain = Tfidf.fit(TEXTS, np.eye(3)[CLASSES], labels=LABELS, multilabel=False)
    assert (doubled.predict_logits(TEXTS).argmax(1) == 0).mean() > (plain.predict_logits(TEXTS).argmax(1) == 0).mean()


def test_no_words(tmp_path) -> None:
    with pytest.raises(ModelError, match="has a word"):
        Tfidf.fit(["", "!"], np.eye(2), labels=("a", "b"), multilabel=False)
    fit(CLASSES).save(tmp_path / "one")
    (tmp_path / "one" / "manifest.json").unlink()
    (tmp_path / "one" / "tfidf.json").write_text("{}")
    with pytest.raises(ModelError, match="not a whole tf-idf model"):
        load(tmp_path / "one")
