"""A transfer set survives SIGKILL, a full disk and flipped bytes."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from angelshare.data import TransferRows, TransferWriter, open_transfer, shards
from angelshare.errors import DamagedFile, DataError
from angelshare.runs import MANIFEST

LABELS = ("a", "b", "c")
SHARDS = 6

FILL = """
import sys
import numpy as np
from angelshare.data import TransferRows, TransferWriter
writer = TransferWriter(sys.argv[1], labels=("a", "b", "c"), multilabel=False, teacher="T", plan_digest="P")
for index in range(6):
    if index not in writer.done:
        logits = np.random.default_rng(index).normal(size=(40, 3)).astype(np.float32)
        ids = [f"{index}-{i}" for i in range(40)]
        writer.commit(index, TransferRows.of(ids, [f"text {i} é" for i in ids], logits, source="s"))
writer.finish()
"""

KILLED = """
import os, signal, sys
from angelshare import runs
count, real = int(sys.argv[2]), os.{call}
def call(*arguments, **options):
    global count
    count -= 1
    if count == {before}:
        os.kill(os.getpid(), signal.SIGKILL)
    result = real(*arguments, **options)
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
os.{call} = call
"""


def rows(index: int, n: int = 40) -> TransferRows:
    logits = np.random.default_rng(index).normal(size=(n, 3)).astype(np.float32)
    ids = [f"{index}-{i}" for i in range(n)]
    return TransferRows.of(ids, [f"text {i} é" for i in ids], logits, source="s")


def writer(directory: Path, **changes: object) -> TransferWriter:
    options: dict[str, object] = {"labels": LABELS, "multilabel": False, "teacher": "T", "plan_digest": "P"}
    return TransferWriter(directory, **(options | changes))  # type: ignore[arg-type]


def fill(directory: Path) -> None:
    made = writer(directory)
    for index in range(SHARDS):
        if index not in made.done:
            made.commit(index, rows(index))
    made.finish()


def bytes_of(directory: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(directory.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shards") / "whole"
    fill(directory)
    return directory


def test_rows_come_back_in_order(whole: Path) -> None:
    found = open_transfer(whole)
    assert (found.labels, found.multilabel, found.teacher, found.count) == (LABELS, False, "T", 240)
    back = found.read()
    expected = [rows(index) for index in range(SHARDS)]
    assert back.ids.tolist() == [name for part in expected for name in part.ids]
    assert back.texts == [text for part in expected for text in part.texts]
    np.testing.assert_array_equal(back.logits, np.concatenate([part.logits for part in expected]))
    assert back.logits.dtype == np.float32
    assert set(back.source) == {"s"}
    assert set(back.split) == {"train"}
    assert back.weight.tolist() == [1.0] * 240
    assert sum(len(part) for part in found.chunks()) == 240
    assert back.take(np.array([3, 1])).ids.tolist() == ["0-3", "0-1"]


def test_only_shards_and_manifest_remain(whole: Path) -> None:
    assert sorted(bytes_of(whole)) == [MANIFEST, *(f"shard-{i:05d}.parquet" for i in range(SHARDS))]


def test_shards_carry_page_checksums(whole: Path, tmp_path: Path) -> None:
    content = bytearray((whole / "shard-00000.parquet").read_bytes())
    content[40] ^= 1
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(tmp_path / "x.parquet", page_checksum_verification=True)


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("before", [0, -1])
def test_killed_anywhere_ends_with_the_same_bytes(call: str, before: int, whole: Path, tmp_path: Path) -> None:
    """Kill just before (count passes 0 on the way in) or just after the n-th rename or sync, again and again."""
    script = KILLED.format(call=call, before=0 if before == 0 else -999) + FILL
    directory = tmp_path / "killed"
    rng = np.random.default_rng([call == "fsync", -before])
    kills = 0
    for _ in range(5):
        count = int(rng.integers(1, 9))
        done = subprocess.run(
            [sys.executable, "-c", script, str(directory), str(count)], check=False, env=_environment()
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        kills += 1
    assert kills
    (directory / ".shard-00003.parquet.zzz.partial").write_bytes(b"half")
    fill(directory)
    assert bytes_of(directory) == bytes_of(whole)


def _environment() -> dict[str, str]:
    source = str(Path(shards.__file__).parents[2])
    return os.environ | {"PYTHONPATH": source}


def test_a_finished_set_is_left_alone(whole: Path) -> None:
    before = bytes_of(whole)
    again = writer(whole)
    assert again.done == set(range(SHARDS))
    assert again.finish().count == 240
    assert bytes_of(whole) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"teacher": "U"}, "another teacher"),
        ({"plan_digest": "Q"}, "other texts"),
        ({"labels": ("a", "b", "d")}, "other labels"),
        ({"multilabel": True}, "another kind of labels"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_resuming_into_something_else_is_refused(
    change: dict[str, object], words: str, finished: bool, whole: Path, tmp_path: Path
) -> None:
    directory = whole
    if not finished:
        directory = tmp_path / "part"
        writer(directory).commit(0, rows(0))
    before = bytes_of(directory)
    with pytest.raises(DataError, match=words):
        writer(directory, **change)
    assert bytes_of(directory) == before


def test_strangers_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="nothing is written over"):
        writer(tmp_path)
    with pytest.raises(DataError, match="is a file"):
        writer(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "mine"


def _copy(source: Path, target: Path) -> Path:
    target.mkdir()
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


@pytest.mark.parametrize("name", ["shard-00002.parquet", MANIFEST])
def test_a_flipped_byte_anywhere_is_refused_by_name(name: str, whole: Path, tmp_path: Path) -> None:
    directory = _copy(whole, tmp_path / "x")
    content = (directory / name).read_bytes()
    for at in [*range(0, len(content), max(len(content) // 60, 1)), len(content) - 2]:
        damaged = bytearray(content)
        damaged[at] ^= 1
        (directory / name).write_bytes(damaged)
        with pytest.raises(DamagedFile, match=name if name != MANIFEST else r"manifest\.json|shard-\d+"):
            open_transfer(directory).read()


def test_a_flipped_byte_before_the_end_is_refused_on_resuming(tmp_path: Path) -> None:
    for name in ("shard-00001.parquet", "shard-00001.json"):
        directory = tmp_path / name
        made = writer(directory)
        for index in range(3):
            made.commit(index, rows(index))
        damaged = bytearray((directory / name).read_bytes())
        damaged[20] ^= 4
        (directory / name).write_bytes(damaged)
        with pytest.raises(DamagedFile, match="shard-00001"):
            writer(directory)


def test_missing_shards(whole: Path, tmp_path: Path) -> None:
    directory = _copy(whole, tmp_path / "x")
    (directory / "shard-00004.parquet").unlink()
    with pytest.raises(DamagedFile, match=r"shard-00004\.parquet is missing"):
        open_transfer(directory)
    made = writer(tmp_path / "y")
    made.commit(0, rows(0))
    made.commit(2, rows(2))
    with pytest.raises(DataError, match="shard 1 is still to be made"):
        made.finish()
    with pytest.raises(DataError, match="unfinished"):
        open_transfer(tmp_path / "y")
    with pytest.raises(DataError, match="no transfer set"):
        open_transfer(tmp_path / "nowhere")


def test_many_shards_keep_their_order(tmp_path: Path) -> None:
    """Names of more than five digits sort before shorter ones as text."""
    for index in range(3):
        shards.commit(tmp_path, index, pa.table({"i": [index]}))
    shards.finish(tmp_path)
    assert [table.column("i").to_pylist() for table in shards.read_shards(tmp_path)] == [[0], [1], [2]]
    names = [shards.shard_name(index) for index in range(100_002)]
    manifest = {"files": dict.fromkeys(sorted(names), ""), "rows": dict.fromkeys(names, 1)}
    assert [marker.file for marker in shards._of_manifest(manifest)] == names


def test_logits_must_be_finite(tmp_path: Path) -> None:
    bad = rows(0)
    bad.logits[7, 1] = np.nan
    with pytest.raises(DataError, match="Row '0-7'"):
        writer(tmp_path / "x").commit(0, bad)
    assert writer(tmp_path / "x").done == set()


FULL = """
import resource, sys
from angelshare.errors import DataError
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
"""


def test_a_full_disk_is_one_sentence_and_the_shards_before_stand(tmp_path: Path) -> None:
    directory = tmp_path / "x"
    writer(directory).commit(0, rows(0))
    before = bytes_of(directory)
    big = (
        "made = TransferRows.of([str(i) for i in range(4000)], ['t'] * 4000, "
        "np.random.default_rng(0).normal(size=(4000, 3)))"
    )
    attempt = "\ntry:\n    writer.commit(1, made)\nexcept DataError as error:\n    sys.exit(str(error))"
    script = FULL + FILL.split("for index")[0] + big + attempt
    done = subprocess.run(
        [sys.executable, "-c", script, str(directory)], check=False, env=_environment(), capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "Could not write" in done.stderr
    assert "shard-00001.parquet" in done.stderr
    assert done.stderr.count("\n") == 1
    assert bytes_of(directory) == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20000
