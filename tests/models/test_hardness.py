"""How hard texts look: by hand, against scipy and scikit-learn, and never depending on other texts."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.special import expit, softmax
from scipy.stats import entropy
from sklearn.linear_model import LogisticRegression

from angelshare.errors import ModelError
from angelshare.models.hardness import (
    CONFIDENCES,
    Confidence,
    Shuffle,
    View,
    clues,
    doubts,
    read_signal,
    shuffled,
)
from angelshare.switch.fitting import SHRINKAGE, Moments, _fitted


def view(logits, features=None, multilabel=False, texts=None, again=None):
    logits = np.asarray(logits, dtype=np.float64)
    width = np.zeros((len(logits), 0)) if features is None else np.asarray(features, dtype=np.float64)
    texts = [str(at) for at in range(len(logits))] if texts is None else texts
    return View(texts, logits, width, multilabel, again or (lambda found: np.zeros((len(found), logits.shape[1]))))


LOGITS = np.array([[2.0, 0.5, -1.0], [0.1, 0.0, 0.05], [-3.0, 4.0, 3.9]])


def test_doubts_of_one_label_by_hand():
    shares = softmax(LOGITS, axis=1)
    found = doubts(view(LOGITS))
    np.testing.assert_allclose(found[0], 1 - shares.max(axis=1))
    np.testing.assert_allclose(found[1], [1 - (row[-1] - row[-2]) for row in np.sort(shares, axis=1)])
    np.testing.assert_allclose(found[2], [entropy(row) for row in shares])
    np.testing.assert_allclose(found[3], -np.log(np.exp(LOGITS).sum(axis=1)))


def test_doubts_of_several_labels_by_hand():
    yes = expit(LOGITS)
    found = doubts(view(LOGITS, multilabel=True))
    np.testing.assert_allclose(found[0], np.minimum(yes, 1 - yes).max(axis=1))
    np.testing.assert_allclose(found[2], [sum(entropy([p, 1 - p]) for p in row) for row in yes])
    np.testing.assert_allclose(found[3], -np.log(np.exp(LOGITS / 2) + np.exp(-LOGITS / 2)).sum(axis=1))


def test_with_one_score_all_doubts_order_alike():
    one = view(np.random.default_rng(0).normal(size=(50, 1)) * 3, multilabel=True)
    for found in doubts(one):
        np.testing.assert_array_equal(np.argsort(found), np.argsort(-np.abs(one.logits[:, 0])))


def test_certain_answers_are_finite_and_a_temperature_changes_no_decision():
    found = doubts(view([[1e4, -1e4], [0.0, 0.0]]))
    assert np.isfinite(found).all() and (found[:, 0] < found[:, 1]).all()
    hot = view(LOGITS, again=lambda texts: np.ones((len(texts), 3))).at(4.0)
    np.testing.assert_array_equal(hot.logits.argmax(axis=1), LOGITS.argmax(axis=1))
    np.testing.assert_array_equal(hot.again(["x"]), np.full((1, 3), 0.25))


def test_distance_is_the_least_mahalanobis_distance():
    draw = np.random.default_rng(1)
    logits, features = draw.normal(size=(200, 2)), draw.normal(size=(200, 4)) * (1, 2, 3, 0.1)
    features += 3 * (logits.argmax(axis=1) == 1)[:, None]
    moments = Moments()
    for part in np.array_split(np.arange(200), 7):
        moments.add(view(logits[part], features[part]))
    found = moments.distance().hardness(view(logits, features))
    codes = logits.argmax(axis=1)
    means = [features[codes == at].mean(axis=0) for at in (0, 1)]
    centred = features - np.array(means)[codes]
    covariance = centred.T @ centred / 200
    inverse = np.linalg.inv(covariance + SHRINKAGE * np.trace(covariance) / 4 * np.eye(4))
    expected = [min(mahalanobis(row, mean, inverse) for mean in means) for row in features]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("features", [np.zeros((30, 0)), np.ones((30, 3)), np.ones((2, 3))])
def test_features_that_do_not_vary_have_no_distance(features):
    moments = Moments()
    moments.add(view(np.zeros((len(features), 2)), features))
    assert moments.distance() is None


def test_the_predictor_is_scikit_learns_and_comes_back_from_its_tensors():
    draw = np.random.default_rng(2)
    seen = view(draw.normal(size=(300, 2)), draw.normal(size=(300, 5)))
    inputs, differs = clues(seen), draw.random(300) < expit(seen.features[:, 0])
    signal = _fitted(inputs, differs, 0.1)
    standard = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    peer = LogisticRegression(C=0.1, max_iter=2000, tol=1e-5).fit(standard, differs)
    np.testing.assert_allclose(signal.hardness(seen), peer.decision_function(standard), atol=1e-4)
    again = read_signal("predictor", signal.tensors())
    np.testing.assert_array_equal(again.hardness(seen), signal.hardness(seen))


def test_shuffling_moves_words_and_nothing_else():
    text = "one two three four five six seven eight nine ten"
    assert sorted(shuffled(text, 0).split()) == sorted(text.split())
    assert shuffled(text, 0) == shuffled(text, 0) != shuffled(text, 1)
    assert shuffled("", 0) == "" and shuffled("one", 3) == "one"
    assert shuffled("a \ud800 b", 0).count("\ud800") == 1
    assert len(shuffled("word " * 400_000, 0)) < 20_000


def test_shuffle_measures_how_far_answers_move():
    def first_word(texts):
        return np.array([[2.0, 0.0] if text.startswith("good") else [0.0, 2.0] for text in texts])

    texts = ["good a b c d e f g h i", "good", "x y z"]
    signal = Shuffle(rounds=8)
    moved = signal.hardness(view(first_word(texts), texts=texts, again=first_word))
    assert moved[0] > 0.5 * np.tanh(1) and moved[1] == moved[2] == 0
    some = signal.hardness(view(first_word(texts[:1]), texts=texts[:1], again=first_word))
    assert some[0] == moved[0], "no other text may change it"


def test_names_are_read_back():
    assert [read_signal(name, {}).name for name in (*CONFIDENCES, "shuffle")] == [*CONFIDENCES, "shuffle"]
    assert read_signal("margin", {}) == Confidence("margin")
    with pytest.raises(ModelError, match="Got 'luck' instead"):
        read_signal("luck", {})
