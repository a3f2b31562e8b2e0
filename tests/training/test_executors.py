"""Who scores does not matter: not to the bytes, not when a worker or the command itself is killed."""

import multiprocessing
import os
import signal
import time

import pytest
from small import CountingTeacher, bytes_below, pool

from angelshare.data.sampling import Selection
from angelshare.errors import ModelError
from angelshare.training.executors import ExecutorOptions, InOrder, Named
from angelshare.training.label import LabelOptions, label


def by_name(name):
    return Named(f"teachers:{name}", allow_code=True)


def spread(workers, **others):
    return LabelOptions(shard_rows=20, executor=ExecutorOptions(kind="processes", workers=workers, **others))


def in_this_process(place):
    label(CountingTeacher(), pool(200), place, options=LabelOptions(shard_rows=20))
    return bytes_below(place)


def test_one_and_four_workers_end_with_the_same_bytes(tmp_path):
    expected = in_this_process(tmp_path / "0" / "t")
    for workers in (1, 4):
        label(by_name("CountingTeacher"), pool(200), tmp_path / str(workers) / "t", options=spread(workers))
        assert bytes_below(tmp_path / str(workers) / "t") == expected


def test_a_killed_workers_shard_is_scored_by_another(tmp_path, monkeypatch):
    (tmp_path / "deaths").write_text("xx")
    monkeypatch.setenv("DEATHS", str(tmp_path / "deaths"))
    label(by_name("MortalTeacher"), pool(200), tmp_path / "1" / "t", options=spread(2))
    assert (tmp_path / "deaths").read_text() == ""
    assert bytes_below(tmp_path / "1" / "t") == in_this_process(tmp_path / "0" / "t")


def test_a_shard_that_kills_every_worker_is_given_up(tmp_path, monkeypatch):
    (tmp_path / "deaths").write_text("x" * 100)
    monkeypatch.setenv("DEATHS", str(tmp_path / "deaths"))
    with pytest.raises(ModelError, match="died 3 times on shard 0"):
        label(by_name("MortalTeacher"), pool(20), tmp_path / "t", options=spread(1))


def test_what_cannot_be_spread_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="object in memory"):
        label(CountingTeacher(), pool(20), tmp_path / "t", options=spread(2))
    with pytest.raises(ModelError, match="another model in a worker"):
        label(by_name("OtherTeacher"), pool(20), tmp_path / "t", options=spread(1))
    with pytest.raises(ModelError, match="No worker answered") as caught:
        label(by_name("CountingTeacher"), pool(20), tmp_path / "t", options=spread(1, watchdog=0.05))
    assert "alive" in str(caught.value)
    for wrong in ({"kind": "threads"}, {"workers": 0}, {"workers": 2}, {"address": "auto"}, {"watchdog": 0}):
        with pytest.raises(ModelError):
            ExecutorOptions(**wrong)


def work(place):
    label(by_name("SlowTeacher"), pool(400), place, options=spread(2))


def test_the_killed_command_takes_its_workers_along_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    command = multiprocessing.get_context("spawn").Process(target=work, args=(str(tmp_path / "1" / "t"),))
    command.start()
    until(lambda: (tmp_path / "1" / "t" / "shard-00002.json").exists())
    os.kill(command.pid, signal.SIGKILL)
    command.join()
    assert not (tmp_path / "1" / "t" / "manifest.json").exists()
    workers = {int(line) for line in (tmp_path / "asked").read_text().split()}
    assert len(workers) == 2
    until(lambda: not any(alive(worker) for worker in workers))
    found = label(by_name("SlowTeacher"), pool(400), tmp_path / "1" / "t", options=spread(2)).read()
    assert list(found.ids) == list(pool(400).ids)
    label(CountingTeacher(), pool(400), tmp_path / "0" / "t", options=LabelOptions(shard_rows=20))
    assert bytes_below(tmp_path / "1" / "t") == bytes_below(tmp_path / "0" / "t")


def choose(place):
    options = LabelOptions(
        shard_rows=20, selection=Selection(count=200), executor=ExecutorOptions(kind="processes", workers=2)
    )
    label(by_name("SlowTeacher"), pool(2000), place, options=options)


def test_choosing_with_processes_killed_and_run_again_ends_with_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    command = multiprocessing.get_context("spawn").Process(target=choose, args=(str(tmp_path / "1" / "t"),))
    command.start()
    until(lambda: (tmp_path / "1" / ".t.scored" / "shard-00001.json").exists())
    os.kill(command.pid, signal.SIGKILL)
    command.join()
    assert not (tmp_path / "1" / "t" / "manifest.json").exists()
    choose(tmp_path / "1" / "t")
    assert sorted(path.name for path in (tmp_path / "1").iterdir()) == ["t"]
    options = LabelOptions(shard_rows=20, selection=Selection(count=200))
    found = label(CountingTeacher(), pool(2000), tmp_path / "0" / "t", options=options)
    assert found.count == 200
    assert bytes_below(tmp_path / "1" / "t") == bytes_below(tmp_path / "0" / "t")


def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path):
    pytest.importorskip("ray")
    ray = ExecutorOptions(kind="ray", address="127.0.0.1:1")
    with pytest.raises(ModelError, match=r"Ray cannot be reached at 127\.0\.0\.1:1: .*refused"):
        label(by_name("CountingTeacher"), pool(20), tmp_path / "t", options=LabelOptions(executor=ray))
    assert not list(tmp_path.glob("t/shard*"))


def until(true, seconds=60):
    """Wait for another process; a test that waits in vain fails."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_answers_come_back_in_order_however_they_arrive():
    order = InOrder(([str(at)] for at in range(10)), room=4)
    waiting, given = [], []
    while True:
        while (task := order.next()) is not None:
            waiting.append(task)
        assert len(waiting) <= 4
        if not waiting:
            break
        number, texts = waiting.pop()  # the last one first
        if number == 3 and 3 not in order._deaths:
            order.died(number)
            continue
        order.answered(number, texts)
        given += order.ready()
    assert given == [[str(at)] for at in range(10)]
