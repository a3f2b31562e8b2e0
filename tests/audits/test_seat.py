"""SEAT's findings against a straightforward computation: figures, differences, means, chances and their adjustment."""

import itertools
import json

import numpy as np
import pytest

from angelshare.audits.base import Answers, Member
from angelshare.audits.encoder.seat import Seat, Stimuli
from angelshare.data.seat import read_tests
from angelshare.data.tables import Table
from angelshare.findings import Outcome
from angelshare.types import Readings

from .example import data_of, pick

SETS = {name: [f"{name} {at}." for at in range(count)] for name, count in zip("XYZAB", (5, 5, 4, 6, 7), strict=True)}


def write(folder, name, *sides):
    keys = ("targ1", "targ2", "attr1", "attr2")
    found = {key: {"category": f"Of{side}", "examples": SETS[side]} for key, side in zip(keys, sides, strict=True)}
    path = folder / f"{name}.jsonl"
    path.write_text(json.dumps(found))
    return str(path)


@pytest.fixture
def data(tmp_path):
    tests = (write(tmp_path, "one", *"XYAB"), write(tmp_path, "two", *"XZAB"))
    return data_of(Table("none", "", np.array([], dtype=object), []), None, tests=tests, pooling=("mean",))


def vectors(texts, seed, lean):
    """Random directions; those of X lean towards those of A."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(len(texts), 8)) + np.array([lean * text.startswith(("X", "A")) for text in texts])[:, None]


def answers(data, **leans):
    """A model by its name without the number of its seed."""
    texts = Stimuli(read_tests(data.settings.tests)).texts
    ids = np.array([f"seat/{at}" for at in range(len(texts))], dtype=object)
    members, found = [], []
    for seed, (name, lean) in enumerate(leans.items()):
        model = name.rstrip("0123456789")
        members.append(Member(model, "reference" if model == "reference" else "student", seed))
        found.append(Readings(model, ids, vectors(texts, seed if model != "twin" else 0, lean), fingerprint=name))
    return Answers(members, readings={"seat-mean": found})


def plainly(data, readings):
    """d of each test, and the chance of it over every partition."""
    texts = Stimuli(read_tests(data.settings.tests)).texts
    at = dict(zip(texts, readings.values / np.linalg.norm(readings.values, axis=1, keepdims=True), strict=True))
    out = {}
    for test in read_tests(data.settings.tests):
        x, y, a, b = ([at[sentence] for sentence in side] for side in test.sentences)
        s = [np.mean([w @ c for c in a]) - np.mean([w @ c for c in b]) for w in (*x, *y)]
        sums = [sum(part) for part in itertools.combinations(s, len(x))]
        chance = np.mean(np.array(sums) >= sum(s[: len(x)]) - 1e-9)
        out[test.name] = (np.mean(s[: len(x)]) - np.mean(s[len(x) :])) / np.std(s, ddof=1), chance
    return out


def test_figures_differences_and_chances(data):
    given = answers(data, reference=1.0, student=0.2)
    findings = Seat().judge(data, given).findings
    wanted = [plainly(data, found) for found in given.readings["seat-mean"]]
    assert {finding.suite for finding in findings} == {"seat"}
    for test in ("one", "two"):
        for member, found in zip(given.members, wanted, strict=True):
            d, chance = found[test]
            assert pick(findings, member.model, "effect_size@mean", test).value.value == pytest.approx(d, abs=1e-9)
            luck = pick(findings, member.model, "permutation_p@mean", test)
            assert luck.value.value == luck.p == pytest.approx(chance, abs=1e-12)
            assert luck.outcome is Outcome.NOT_JUDGED
            assert luck.counts["partitions"] == (252 if test == "one" else 126)
        nearer = abs(wanted[0][test][0]) - abs(wanted[1][test][0])
        judged = pick(findings, "student", "effect_size@mean", test)
        assert judged.delta.value == pytest.approx(nearer, abs=1e-9)
        assert judged.delta.low < nearer < judged.delta.high
        assert judged.family_size == 2 and judged.approximate and judged.margin == 0.2
        assert judged.value.n == (23 if test == "one" else 22)
    for member, found in zip(given.members, wanted, strict=True):
        effects = np.array([d for d, _ in found.values()])
        assert pick(findings, member.model, "mean_effect@mean").value.value == pytest.approx(effects.mean(), abs=1e-9)
        size = pick(findings, member.model, "mean_effect_size@mean")
        assert size.value.value == pytest.approx(np.abs(effects).mean(), abs=1e-9)
        smaller, larger = sorted(chance for _, chance in found.values())
        adjusted = sorted(pick(findings, member.model, "permutation_p@mean", test).p_holm for test in ("one", "two"))
        assert adjusted == pytest.approx(sorted([min(2 * smaller, 1), min(max(2 * smaller, larger), 1)]))


def test_a_twin_has_no_difference_at_all(data):
    findings = Seat().judge(data, answers(data, reference=1.0, twin=1.0)).findings
    twin = pick(findings, "twin", "effect_size@mean", "one")
    assert (twin.delta.value, twin.delta.low, twin.delta.high, twin.outcome) == (0, 0, 0, Outcome.NO_LOSS)


def test_seeds_are_averaged_and_share_one_chance(data):
    given = answers(data, reference=1.0, student1=0.2, student2=2.0)
    findings = Seat().judge(data, given).findings
    found = [plainly(data, each)["one"][0] for each in given.readings["seat-mean"][1:]]
    effect = pick(findings, "student", "effect_size@mean", "one")
    assert effect.value.value == pytest.approx(np.mean(found)) and list(effect.seeds) == pytest.approx(found)
    assert 0 < pick(findings, "student", "permutation_p@mean", "one").p <= 1


def test_a_set_in_two_tests_is_drawn_once_and_asked_once(data):
    tests = read_tests(data.settings.tests)
    stimuli = Stimuli(tests)
    assert len(stimuli.strata) == len(stimuli.texts) == sum(map(len, SETS.values()))
    assert stimuli.rows(tests[0])[0] == stimuli.rows(tests[1])[0]
    (request,) = Seat().ask(data)
    assert (request.kind, request.pooling, len(request.texts)) == ("encode", "mean", 27)


def test_vectors_that_are_all_one_have_no_figure(data):
    given = answers(data, reference=1.0, student=1.0)
    flat = given.readings["seat-mean"][1]
    flat.values[:] = 1.0
    findings = Seat().judge(data, given).findings
    for metric in ("effect_size@mean", "permutation_p@mean"):
        found = pick(findings, "student", metric, "one")
        assert found.value is None and found.outcome is Outcome.NOT_ENOUGH_DATA and found.note


def test_intervals_hold_the_effect_of_other_stimuli_often_enough():
    """Sentences drawn anew from one population: the share of intervals that hold its d, at the sizes of C8."""
    from angelshare.metrics.association import associations, effect_size, unit
    from angelshare.stats.resample import Resampling

    def drawn(rng, sizes):
        shifts = (0.12, 0, 0.15, 0)
        return [unit(rng.normal(size=(n, 32)) + shift) for n, shift in zip(sizes, shifts, strict=True)]

    def d(x, y, a, b, *w):
        scores = associations(np.concatenate((x, y)), a, b, *w[2:])
        return effect_size(scores, len(x), np.concatenate(w[:2], axis=1) if w else None)

    rng = np.random.default_rng(8)
    truth, held, rounds = float(d(*drawn(rng, (20_000,) * 4))), 0, 150
    sizes = (56, 56, 80, 80)
    ends = np.cumsum([0, *sizes])
    for turn in range(rounds):
        sets = drawn(rng, sizes)
        weights = Resampling(np.repeat(np.arange(4), sizes), draws=150, seed=turn).weights().astype(float)
        error = np.std(d(*sets, *(weights[:, low:high] for low, high in itertools.pairwise(ends))), ddof=1)
        held += abs(float(d(*sets)) - truth) < 1.96 * error
    assert held / rounds > 0.9
