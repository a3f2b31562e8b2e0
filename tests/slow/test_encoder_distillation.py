"""Masked distillation in several processes, and memory that does not grow with the corpus."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small import corpus_file, tiny_masked

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[1] / "training"

DISTIL = """
import sys
from small import encoder_options
from angelshare.training.masked_distillation import distil_encoder
teacher, corpus, out, accumulate = sys.argv[1:]
training = {"batch_size": 8, "epochs": 2, "accumulate": int(accumulate), "checkpoint_steps": 3}
distil_encoder(teacher, corpus, out=out, options=encoder_options(layers=2, dropout=0.0, training=training))
"""

STORE = """
import sys
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM
from angelshare.data.stream import open_sources
from angelshare.data.tokens import StoreOptions, tokenise
from angelshare.training.corpus import tokeniser
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = BertForMaskedLM(BertConfig.from_pretrained(sys.argv[1]))
store = tokenise(open_sources([sys.argv[2]]), __import__("pathlib").Path(sys.argv[3]), tokeniser(model, tokenizer),
                 StoreOptions(max_length=32))
# A process begins with its parent's ru_maxrss, and that one wrote the corpus.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(len(store.train), peak / 1024)
"""

TRAIN = """
import sys, threading, time
from dataclasses import replace
from small import encoder_options
from angelshare.data.tokens import StoreOptions
from angelshare.training.masked_distillation import distil_encoder
peak = 0.0
def watch():
    global peak
    while True:
        for line in open("/proc/self/status"):
            if line.startswith("RssAnon"):  # what is mapped from the store is the kernel's to take back
                peak = max(peak, int(line.split()[1]) / 1024)
        time.sleep(0.05)
threading.Thread(target=watch, daemon=True).start()
options = encoder_options(layers=1, steps=60, corpus=StoreOptions(max_length=32), training={"batch_size": 8})
distil_encoder(*sys.argv[1:3], out=sys.argv[3], options=options)
print(peak)
"""


def environment() -> dict[str, str]:
    source = Path(__file__).parents[2] / "src"
    paths = f"{source}{os.pathsep}{TESTS}"
    return os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def ran(code: str, *arguments: object, before: tuple[str, ...] = ()) -> str:
    command = (
        [sys.executable, *before, *map(str, arguments)]
        if before
        else [sys.executable, "-c", code, *map(str, arguments)]
    )
    return subprocess.run(command, env=environment(), check=True, stdout=subprocess.PIPE, text=True).stdout


def curve(out: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "loss" in line]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_learn_what_one_does(accumulate: int, tmp_path: Path) -> None:
    teacher, corpus = tiny_masked(tmp_path / "teacher"), corpus_file(tmp_path / "corpus.txt", 81)
    (tmp_path / "distil.py").write_text(DISTIL)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    ran(DISTIL, teacher, corpus, tmp_path / "one" / "out", accumulate)
    spread = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", str(tmp_path / "distil.py"))
    ran(DISTIL, teacher, corpus, tmp_path / "two" / "out", accumulate, before=spread)
    one, two = (curve(tmp_path / name / "out") for name in ("one", "two"))
    assert len(one) == len(two) > 10
    for single, shared in zip(one, two, strict=True):
        assert shared == pytest.approx(single, rel=1e-3)
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["out", "out.tokens"]


def test_memory_is_flat_in_the_length_of_the_corpus(tmp_path: Path) -> None:
    """180,000 more texts are 27 MB as a file, and 9 MB of token ids."""
    teacher = tiny_masked(tmp_path / "teacher")
    peaks: dict[str, list[float]] = {"store": [], "training": []}
    for rows in (20_000, 200_000):
        corpus, place = corpus_file(tmp_path / f"{rows}.txt", rows), tmp_path / str(rows)
        sequences, peak = map(float, ran(STORE, teacher, corpus, place / "store").split())
        assert sequences > 0.9 * rows
        peaks["store"].append(peak)
        peaks["training"].append(float(ran(TRAIN, teacher, place / "store", place / "student").split()[-1]))
    for before, after in peaks.values():
        assert after < before + 30
