import errno
import json

import numpy as np
import pytest
import torch
from small import golden, quick

from angelshare import losses, runs
from angelshare.errors import DataError, TrainingError
from angelshare.models.batching import encode
from angelshare.models.students import StudentOptions, build
from angelshare.training import checkpoint
from angelshare.training.engine import LOG, Run
from angelshare.training.selection import DevScore, against_gold, against_teacher

TABLE = golden(40)


def started(work, seed=0, **options):
    model, tokenizer = build(
        "bow",
        labels=TABLE.labels,
        multilabel=False,
        texts=TABLE.texts,
        options=StudentOptions(vocabulary=60),
        seed=seed,
    )
    texts = encode(tokenizer, TABLE.texts, 32)
    run = Run(model, lengths=texts.lengths, ids=TABLE.ids, options=quick(**options), seed=seed, work=work, title="bow")
    return run, texts


def trained(run, texts, stop=None, spoil=None):
    """The loop as training files have it; leaves it before step `stop`."""
    targets = torch.from_numpy(TABLE.targets)
    for batch in run.batches():
        if run.step == stop:
            return run
        with run.forward():
            logits = run.model(**texts.batch(batch, run.device)).logits
            loss = losses.golden_cross_entropy(logits, targets[batch])
        run.descend(batch, {"golden": loss * float("nan") if run.step == spoil else loss})
        if run.evaluation_due:
            run.assess(against_gold(run.score(texts), TABLE.targets, False))
    run.restore_best()
    return run


def weights(run):
    return {name: value.clone() for name, value in run.inner.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_loss_falls_and_the_log_says_so(tmp_path):
    run = trained(*started(tmp_path, epochs=8))
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    training = [line["golden"] for line in lines if "golden" in line]
    assert training[-1] < 0.5 * training[0]
    assert [line["step"] for line in lines if "dev" in line] == [5, 10, 15, 20, 25, 30, 35, 40]
    assert run.facts()["dev"]["value"] > 0.9
    assert (
        run.best_step
        == max(lines, key=lambda line: (line.get("dev", {}).get("value", 0), -line.get("dev", {}).get("loss", 9)))[
            "step"
        ]
    )


def test_torch_global_stream_is_left_alone(tmp_path):
    before = torch.random.get_rng_state()
    trained(*started(tmp_path))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("stop", [1, 7, 12])
def test_resumed_anywhere_the_weights_are_the_same(tmp_path, stop, capsys):
    whole = trained(*started(tmp_path / "whole"))
    run, texts = started(tmp_path / "broken", checkpoint_steps=1)
    trained(run, texts, stop=stop)
    again, texts = started(tmp_path / "broken", checkpoint_steps=1)
    assert again.step == stop and f"step {stop} of 15" in capsys.readouterr().err
    assert same(weights(trained(again, texts)), weights(whole))
    assert again.log == whole.log


def test_a_damaged_checkpoint_is_passed_over_with_a_word(tmp_path, capsys):
    whole = trained(*started(tmp_path / "whole"))
    run, texts = started(tmp_path / "broken", checkpoint_steps=3)
    trained(run, texts, stop=10)
    assert [place.name for place in sorted((tmp_path / "broken").glob("step-*"))] == [
        "step-000000006",
        "step-000000009",
    ]
    file = tmp_path / "broken" / "step-000000009" / "optimizer.safetensors"
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    again, texts = started(tmp_path / "broken", checkpoint_steps=3)
    said = capsys.readouterr().err
    assert "Passed over checkpoint step-000000009" in said and "optimizer.safetensors" in said
    assert again.step == 6
    assert same(weights(trained(again, texts)), weights(whole))


def test_with_no_whole_checkpoint_it_begins_anew(tmp_path):
    run, texts = started(tmp_path, checkpoint_steps=3)
    trained(run, texts, stop=4)
    (tmp_path / "step-000000003" / "state.json").write_text("{}")
    assert started(tmp_path)[0].step == 0


def test_a_full_disk_is_one_sentence_and_the_last_checkpoint_stands(tmp_path, monkeypatch):
    run, texts = started(tmp_path, checkpoint_steps=3)
    trained(run, texts, stop=5)
    before = checkpoint.newest(tmp_path)

    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    run, texts = started(tmp_path, checkpoint_steps=3)
    monkeypatch.setattr(runs, "fsync", full)
    with pytest.raises(
        DataError, match=r"^Could not write .*step-000000006.*: No space left on device\. What was there before"
    ):
        trained(run, texts)
    after = checkpoint.newest(tmp_path)
    assert after.state == before.state and same(after.tensors["model"], before.tensors["model"])
    assert [place.name for place in tmp_path.glob("*step*")] == ["step-000000003"]


def test_the_safetensors_error_of_a_full_disk_is_the_same_sentence(tmp_path, monkeypatch):
    from safetensors import SafetensorError

    def full(tensors, path):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(DataError, match="No space left on device"):
        trained(*started(tmp_path, checkpoint_steps=1))


def test_a_loss_that_is_not_finite_stops_with_the_rows(tmp_path):
    run, texts = started(tmp_path)
    with pytest.raises(
        TrainingError, match=r"bow stopped at step 3: the loss \(nan\).*rows gold-\d+, gold-\d+"
    ) as caught:
        trained(run, texts, spoil=2)
    named = str(caught.value).split("rows ")[1].split(". ")[0].split(", ")
    assert len(named) == 8 and set(named) <= set(TABLE.ids)


def test_an_infinite_gradient_of_a_finite_loss_stops_too(tmp_path):
    run, texts = started(tmp_path)
    with pytest.raises(TrainingError, match=r"norm \((inf|nan)\)"):
        for batch in run.batches():
            with run.forward():
                logits = run.model(**texts.batch(batch, run.device)).logits
            run.descend(batch, {"root": (logits.sum() * 0).abs().add(0).sqrt()})


def test_it_stops_when_no_better_score_comes(tmp_path):
    run, texts = started(tmp_path, epochs=9, patience=2)
    seen = 0
    for batch in run.batches():
        with run.forward():
            loss = run.model(**texts.batch(batch, run.device)).logits.square().mean()
        run.descend(batch, {"loss": loss})
        if run.evaluation_due:
            seen += 1
            run.assess(DevScore("made up", 1.0 if seen == 2 else 0.0, 1.0))
    assert seen == 4 and run.best_step == 10


def test_the_rate_warms_up_and_falls_to_nothing(tmp_path):
    run, texts = started(tmp_path, epochs=20, warmup=0.1)
    rates = []
    for batch in run.batches():
        rates.append(run.rate)
        with run.forward():
            loss = run.model(**texts.batch(batch, run.device)).logits.square().mean()
        run.descend(batch, {"loss": loss})
    assert np.argmax(rates) == 9 and rates[9] == pytest.approx(0.01) and rates[0] == pytest.approx(0.001)
    assert 0 < rates[-1] < 2e-4 and all(np.diff(rates[10:]) < 0)


def test_dev_scores_order_by_value_then_loss():
    assert DevScore("accuracy", 0.9, 0.5) > DevScore("accuracy", 0.8, 0.1)
    assert DevScore("accuracy", 0.9, 0.4) > DevScore("accuracy", 0.9, 0.5)
    logits = np.array([[2.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    assert against_gold(logits, np.eye(2), False).value == 1.0
    assert against_teacher(logits, logits[::-1], False).value == 0.0


def test_multilabel_dev_scores_leave_labels_of_one_class_out():
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=np.float32)
    targets = np.array([[1, 0], [0, 0], [1, 0]], dtype=np.float32)
    assert against_gold(logits, targets, True).value == 1.0
    assert against_gold(logits, np.zeros((3, 2)), True).metric == "minus_loss"


def test_the_parts_of_a_step_cover_it(tmp_path):
    run, _ = started(tmp_path, accumulate=2)
    parts = run.parts(7)
    assert [part.rows.tolist() for part in parts] == [[0, 1, 2, 3], [4, 5, 6]]
    assert [part.last for part in parts] == [False, True] and all(part.weight == 1 for part in parts)
    assert [part.rows.tolist() for part in run.parts(3)] == [[0, 1, 2]]
