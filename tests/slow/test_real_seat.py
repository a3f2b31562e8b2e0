"""SEAT on a real encoder: all 46 tests against a computation that shares no code with ours."""

import itertools
import math

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

import angelshare as ash
from angelshare.audits.encoder.seat import Stimuli
from angelshare.data.seat import EVERY, read_tests
from angelshare.store import read_answer

pytestmark = pytest.mark.slow

COUNTED = 8
"""Targets a side up to which all partitions are summed one by one."""


@pytest.fixture(scope="module")
def tests(real_data):
    return read_tests(["all"])


@pytest.fixture(scope="module")
def vectors(minilm, tests):
    """By pooling and sentence, each sentence alone and without padding."""
    model, words = AutoModel.from_pretrained(minilm).eval(), AutoTokenizer.from_pretrained(minilm)
    found = {"cls": {}, "mean": {}}
    with torch.inference_mode():
        for sentence in dict.fromkeys(s for test in tests for side in test.sentences for s in side):
            states = model(**words(sentence, return_tensors="pt")).last_hidden_state[0].double()
            found["cls"][sentence], found["mean"][sentence] = states[0].numpy(), states.mean(0).numpy()
    return found


@pytest.fixture(scope="module")
def kept(minilm, real_data, tmp_path_factory):
    """An audit's folder."""
    out = tmp_path_factory.mktemp("seat") / "out"
    ash.audit(reference=minilm, suites=["seat"], tests=["all"], draws=100, out=out)
    return out


@pytest.fixture(scope="module")
def given(kept, tests, vectors):
    """The vectors that the audit read, as `vectors`: batches round otherwise in the last digits of float32."""
    sentences = Stimuli(tests).texts
    found = {}
    for path in (kept / "predictions").glob("*.parquet"):
        read = read_answer(path).values.astype(float)
        apart = {pooling: np.abs(read[0] - each[sentences[0]]).max() for pooling, each in vectors.items()}
        found[min(apart, key=apart.get)] = dict(zip(sentences, read, strict=True))
    return found


@pytest.fixture(scope="module")
def findings(kept):
    return {(finding.metric, finding.slice): finding for finding in ash.AuditResult.load(kept).findings}


def cosines(w, others):
    others = np.array(others)
    return others @ w / np.linalg.norm(others, axis=1) / np.linalg.norm(w)


def scores(test, vectors):
    x, y, a, b = ([vectors[sentence] for sentence in side] for side in test.sentences)
    return np.array([cosines(w, a).mean() - cosines(w, b).mean() for w in (*x, *y)]), len(x)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_all_46_effect_sizes_to_a_millionth(tests, vectors, given, findings, pooling):
    """Of the same vectors; to 1e-5 of those of each sentence read alone."""
    assert len(tests) == len(EVERY) == 46
    for test in tests:
        found = findings[f"effect_size@{pooling}", test.name].value.value
        for each, near in ((given, 1e-6), (vectors, 1e-5)):
            s, first = scores(test, each[pooling])
            d = (s[:first].mean() - s[first:].mean()) / s.std(ddof=1)
            assert found == pytest.approx(d, abs=near), test.name


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_chances_are_exact_where_sizes_allow(tests, vectors, findings, pooling):
    rng = np.random.default_rng(0)
    exact = 0
    for test in tests:
        s, first = scores(test, vectors[pooling])
        found = findings[f"permutation_p@{pooling}", test.name]
        observed = s[:first].sum() - 1e-9
        if first <= COUNTED:
            sums = np.array([sum(part) for part in itertools.combinations(s.tolist(), first)])
            assert found.p == pytest.approx((sums >= observed).mean(), abs=2.5 / len(sums)), test.name
        else:
            drawn = np.array([rng.permutation(s)[:first].sum() for _ in range(10_000)])
            near = (drawn >= observed).mean()
            assert abs(found.p - near) < 5 * math.sqrt((found.p + 1e-4) / 10_000), test.name
        assert (found.value.method == "all partitions") == (len(s) <= 40)
        exact += len(s) <= 40
    assert exact == 25
