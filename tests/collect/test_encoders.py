"""Audits of encoders and masked models from end to end, and models of another kind than the one asked for."""

import json

import numpy as np
import pytest

from angelshare.collect import audit, export_texts
from angelshare.data.tables import Columns, read
from angelshare.errors import DataError, ModelError
from angelshare.findings import Outcome
from angelshare.result import AuditResult
from angelshare.runs import digest

from .example import COLUMNS, Counting, rows, write, write_scores


class Encoding:
    """Vectors by the hash of text and name; counts the texts it read."""

    def __init__(self, name, broken=False):
        self.name, self.broken, self.read = name, broken, 0
        self.fingerprint = digest("encoding", name)

    def encode(self, texts, pooling):
        self.read += len(texts)
        if self.broken:
            return np.full((len(texts), 4), np.nan)
        seeds = [int(digest(self.name, pooling, text)[:8], 16) for text in texts]
        return np.array([np.random.default_rng(seed).normal(size=4) for seed in seeds], dtype=np.float32)


class Guessing:
    """Cuts a text into words; a word's log probability hangs on its length. Remembers what was hidden."""

    def __init__(self, name, vocabulary="words", worse=0.0):
        self.name, self.vocabulary, self.worse = name, vocabulary, worse
        self.fingerprint = digest("guessing", name)
        self.hidden = {}

    def token_counts(self, texts):
        return np.array([len(text.split()) for text in texts], dtype=np.int64)

    def token_log_probs(self, texts, positions):
        for text, at in zip(texts, positions, strict=True):
            self.hidden[text] = at.tolist()
        words = [text.split()[place] for text, at in zip(texts, positions, strict=True) for place in at]
        return np.array([-len(word) - self.worse for word in words]), np.array([len(word) < 4 for word in words])


class Everything(Counting, Encoding):
    """A classifier that is an encoder too."""

    def __init__(self, name):
        Counting.__init__(self, name)
        self.broken, self.read = False, 0


@pytest.fixture
def tests(tmp_path):
    sides = zip(("targ1", "targ2", "attr1", "attr2"), "XYAB", strict=True)
    found = {key: {"category": side, "examples": [f"{side} {at}" for at in range(5)]} for key, side in sides}
    (tmp_path / "mine.jsonl").write_text(json.dumps(found))
    return [str(tmp_path / "mine.jsonl")]


def seat(tests, out=None, **models):
    return audit(suites=["seat"], tests=tests, draws=100, out=out, **models)


def test_seat_needs_no_data_and_reads_each_text_once_a_pooling(tests, tmp_path):
    models = {"reference": Encoding("t"), "student": Encoding("s")}
    first = seat(tests, tmp_path / "out", **models)
    assert [model.read for model in models.values()] == [40, 40]
    metrics = {f.metric for f in first.findings if f.model == "student"}
    assert metrics == {
        f"{metric}@{pooling}"
        for metric in ("effect_size", "permutation_p", "mean_effect", "mean_effect_size")
        for pooling in ("cls", "mean")
    }
    assert first.outcome("seat") in Outcome
    assert seat(tests, tmp_path / "out", **models).findings == first.findings
    assert [model.read for model in models.values()] == [40, 40]
    again = AuditResult.load(tmp_path / "out")
    assert again.findings == list(first.summary.findings)
    assert {found.values.shape for found in again.predictions.values()} == {(20, 4)}
    assert "Associations" in (tmp_path / "out" / "report.html").read_text()


def test_the_pooling_is_a_setting(tests):
    result = audit(
        suites=["seat"], tests=tests, draws=100, pooling=["first-word"], reference=Encoding("t"), s=Encoding("s")
    )
    assert {f.metric.partition("@")[2] for f in result.findings} == {"first-word"}
    with pytest.raises(DataError, match="Got 'max' instead"):
        audit(suites=["seat"], tests=tests, pooling=["max"], reference=Encoding("t"))


def test_a_student_of_another_kind_is_not_applicable(tests):
    result = seat(tests, reference=Encoding("t"), student=Encoding("s"), other=Counting("o"))
    (found,) = [f for f in result.findings if f.model == "other"]
    assert found.outcome is Outcome.NOT_APPLICABLE
    assert found.note == "Counting is no encoder: it has no encode. Give an object that has it."
    assert any(f.model == "student" and f.value for f in result.findings)


NONE_FITS = [
    {"reference": Counting("t"), "s": Encoding("s")},
    {"reference": Encoding("t"), "s": Counting("s")},
]


@pytest.mark.parametrize("models", NONE_FITS)
def test_where_none_fits_it_is_an_error(tests, models):
    with pytest.raises(ModelError, match="Counting is no encoder") as caught:
        seat(tests, **models)
    assert "\n" not in str(caught.value)


def test_a_predictions_file_is_no_encoder(tests, tmp_path):
    path = write_scores(tmp_path / "scores.csv", rows(10))
    with pytest.raises(ModelError, match=r"scores\.csv is a predictions file, no encoder"):
        seat(tests, reference=Encoding("t"), student=path)


def test_one_model_may_be_both(tests, tmp_path):
    data = write(tmp_path / "data.csv", rows(60))
    models = {"reference": Everything("t"), "both": Everything("b"), "plain": Counting("p"), "vectors": Encoding("v")}
    result = audit(suites=["quality", "seat"], tests=tests, data=data, columns=COLUMNS, draws=100, **models)
    judged = {(f.audit, f.model) for f in result.findings if f.value is not None}
    assert {("quality", "both"), ("quality", "plain"), ("seat", "both"), ("seat", "vectors")} <= judged
    apart = {(f.audit, f.model) for f in result.findings if f.outcome is Outcome.NOT_APPLICABLE}
    assert apart == {("quality", "vectors"), ("seat", "plain")}


def test_a_broken_encoder_is_a_finding(tests):
    result = seat(tests, reference=Encoding("t"), student=Encoding("s"), bad=Encoding("b", broken=True))
    (found,) = [f for f in result.findings if f.model == "bad"]
    assert found.outcome is Outcome.FAILED and "not finite" in found.note


def test_masked_models_have_the_same_tokens_hidden(tmp_path):
    data = write(tmp_path / "data.csv", [{"id": f"{at}", "text": "word " * at} for at in range(1, 40)])
    models = {"reference": Guessing("t"), "student": Guessing("s", worse=1.0), "other": Guessing("o", "letters")}
    given = {"suites": ["mlm"], "data": data, "columns": Columns(id="id"), "draws": 100, **models}
    result = audit(**given)
    assert models["reference"].hidden == models["student"].hidden
    hidden = {text.count("word"): places for text, places in models["reference"].hidden.items()}
    assert {count: len(places) for count, places in hidden.items()} == {at: -(-at * 15 // 100) for at in range(1, 40)}
    assert all(places == sorted(set(places)) and max(places) < n for n, places in hidden.items())
    assert len({tuple(places) for places in hidden.values()}) > 20
    surprise = next(f for f in result.findings if (f.model, f.metric) == ("student", "pseudo_perplexity"))
    assert surprise.value.value == pytest.approx(np.exp(5))
    assert surprise.delta.value == pytest.approx(np.exp(4) - np.exp(5))
    apart = [f for f in result.findings if f.model == "other"]
    assert {f.outcome for f in apart} == {Outcome.NOT_APPLICABLE} and all(f.value for f in apart)
    before = dict(models["reference"].hidden)
    audit(**given, seed=1)
    assert models["reference"].hidden != before


def test_one_row_and_none(tmp_path):
    one = write(tmp_path / "one.csv", [{"id": "1", "text": "\ud7ff " + "long " * 1000}])
    models = {"reference": Guessing("t"), "student": Guessing("s")}
    result = audit(suites=["mlm"], data=one, columns=Columns(id="id"), draws=100, **models)
    assert any(f.value for f in result.findings)
    with pytest.raises(DataError, match="need data"):
        audit(suites=["mlm"], **models)


def test_exported_texts_are_those_to_score(tests, tmp_path):
    data = write(tmp_path / "data.csv", rows(20))
    export_texts(tmp_path / "texts.csv", data=data, suites=["quality", "mlm"], columns=COLUMNS)
    assert len(read(tmp_path / "texts.csv", Columns(id="id"))) == 20
