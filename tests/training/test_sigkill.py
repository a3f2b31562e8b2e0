"""Killed with SIGKILL at random moments and run again, everything ends with the same bytes."""

import time

import pytest
from small import (
    augment_in,
    balance_in,
    bytes_below,
    choose_in,
    counterfactual_in,
    debias_in,
    distil_encoder_in,
    distil_in,
    distil_mixup_in,
    finetune_in,
    glue_in,
    killed_and_run_again,
    label_in,
    nothing_in,
    pretrain_in,
)


def unbroken(work, directory):
    directory.mkdir()
    killed_and_run_again(nothing_in, directory, times=0, seconds=0, seed=0)  # starts the server that forks
    began = time.monotonic()
    killed_and_run_again(work, directory, times=0, seconds=0, seed=0)
    return bytes_below(*directory.iterdir()), time.monotonic() - began


CASES = {
    "augment": augment_in,
    "distil": distil_in,
    "distil mixup": distil_mixup_in,
    "label": label_in,
    "choose": choose_in,
    "balance": balance_in,
    "counterfactual": counterfactual_in,
}


@pytest.mark.parametrize("name", CASES)
def test_the_bytes_are_the_same_after_kills(name, tmp_path):
    expected, seconds = unbroken(CASES[name], tmp_path / "whole")
    (tmp_path / "broken").mkdir()
    hit = killed_and_run_again(CASES[name], tmp_path / "broken", times=5, seconds=seconds / 2, seed=0)
    assert hit
    assert bytes_below(*(tmp_path / "broken").iterdir()) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_bytes_are_the_same_after_20_kills(name, tmp_path):
    expected, seconds = unbroken(CASES[name], tmp_path / "whole")
    for at in range(20):
        directory = tmp_path / f"broken-{at}"
        directory.mkdir()
        killed_and_run_again(CASES[name], directory, times=1, seconds=seconds, seed=at)
        assert bytes_below(*directory.iterdir()) == expected


@pytest.mark.parametrize("work", [finetune_in, pretrain_in, distil_encoder_in, debias_in, glue_in])
def test_encoders_too(tmp_path, encoder, work):
    expected, seconds = unbroken(work, tmp_path / "whole")
    (tmp_path / "broken").mkdir()
    killed_and_run_again(work, tmp_path / "broken", times=3, seconds=seconds / 2, seed=1)
    assert bytes_below(*(tmp_path / "broken").iterdir()) == expected
