"""Rows chosen by score out of a stream: the counts asked for, a uniform sample, the same for any number of workers."""

import numpy as np
import pytest
from small import CountingTeacher, RareTeacher, bytes_below, pool, rare_pool

from angelshare.data.sampling import Sample, Selection, apportioned, probability
from angelshare.data.tables import hashed
from angelshare.errors import DataError, ModelError
from angelshare.training.executors import ExecutorOptions, Named
from angelshare.training.label import LabelOptions, label

ROWS = 500


def chosen(place, selection, table=None, **others):
    options = LabelOptions(shard_rows=ROWS, selection=selection, **others)
    return label(RareTeacher(), rare_pool() if table is None else table, place, options=options)


def toxic(rows):
    return probability(rows.logits, 1, False) >= 0.5


def straightforward(table, wanted):
    """Read shard by shard until both classes have half of `wanted`, then take the smallest hashes of each."""
    bad = toxic_texts = np.array([text.endswith("!") for text in table.texts])
    stop = next(
        end for end in range(ROWS, len(table) + 1, ROWS) if min(bad[:end].sum(), (~bad[:end]).sum()) >= wanted / 2
    )
    hashes = np.array([hashed(name) for name in table.ids])
    kept = set()
    for which in (toxic_texts, ~toxic_texts):
        at = np.flatnonzero(which[:stop])
        kept.update(at[np.argsort(hashes[at])][: wanted // 2].tolist())
    return [table.ids[at] for at in sorted(kept)], stop, int(bad[:stop].sum())


def test_half_a_per_cent_of_positives_gives_the_counts_asked_for(tmp_path):
    made = chosen(tmp_path / "t", Selection(count=60))
    rows = made.read()
    assert (toxic(rows).sum(), (~toxic(rows)).sum()) == (30, 30)
    ids, seen, positive = straightforward(rare_pool(), 60)
    assert rows.ids.tolist() == ids
    pooled = made.manifest["pool"]
    assert (pooled["scored"], pooled["positive"], pooled["rate"]) == (seen, positive, positive / seen)
    assert seen < 20_000 and sum(pooled["histogram"]) == seen
    scores = probability(RareTeacher().predict_logits(rare_pool().texts[:seen]), 1, False)
    assert pooled["histogram"] == np.histogram(scores, bins=100, range=(0, 1))[0].tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t"]


def test_one_and_four_workers_choose_the_same(tmp_path):
    rows = chosen(tmp_path / "0" / "t", Selection(count=60), distinct=True).read()
    assert (toxic(rows).sum(), (~toxic(rows)).sum()) == (30, 30)
    for workers in (1, 4):
        options = LabelOptions(
            shard_rows=ROWS,
            selection=Selection(count=60),
            distinct=True,
            executor=ExecutorOptions(kind="processes", workers=workers),
        )
        label(
            Named("teachers:RareTeacher", allow_code=True), rare_pool(), tmp_path / str(workers) / "t", options=options
        )
        assert bytes_below(tmp_path / str(workers) / "t") == bytes_below(tmp_path / "0" / "t")


def test_a_pool_that_ends_too_early_says_what_is_missing(tmp_path, capsys):
    table = rare_pool(2000)
    bad = sum(text.endswith("!") for text in table.texts)
    made = chosen(tmp_path / "t", Selection(count=400, balance=0.25), table)
    assert toxic(made.read()).sum() == bad and made.count == bad + 300
    assert made.manifest["selection"]["missing"] == {"0.5 to 1": 100 - bad}
    assert f"{100 - bad} rows missing" in capsys.readouterr().err


def test_another_sets_distribution_is_followed(tmp_path):
    follow = label(RareTeacher(), rare_pool(1000, 0.5, seed=9), tmp_path / "follow")
    made = chosen(tmp_path / "t", Selection(count=100, match=follow), rare_pool(6000, 0.3))
    histogram = [
        np.histogram(probability(found.read().logits, 1, False), bins=20, range=(0, 1))[0] for found in (follow, made)
    ]
    np.testing.assert_array_equal(histogram[1], apportioned(100, histogram[0] / 1000))
    with pytest.raises(ModelError, match="another teacher"):
        label(CountingTeacher(("fine", "toxic")), pool(50), tmp_path / "u", options=LabelOptions(
            selection=Selection(count=10, match=follow)))  # fmt: skip


def test_wanted_counts_sum_up():
    rng = np.random.default_rng(0)
    for _ in range(100):
        shares = rng.dirichlet(np.ones(7))
        found = apportioned(int(rng.integers(1, 1000)), shares)
        assert (np.abs(found - found.sum() * shares) < 1).all()


def test_the_label_that_decides_must_be_known():
    with pytest.raises(ModelError, match="--positive"):
        Sample(Selection(count=1), ("a", "b", "c"), True, "t")
    for wrong in ({"count": 0}, {"count": 1, "balance": 2}, {"count": 1, "threshold": 1.0}):
        with pytest.raises(DataError):
            Selection(**wrong)


def test_nothing_to_choose_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="None of the 1 texts"):
        chosen(tmp_path / "t", Selection(count=2, balance=1.0), rare_pool(1, 0.0))
    assert not list(tmp_path.iterdir())  # so that it may be run again with another threshold
