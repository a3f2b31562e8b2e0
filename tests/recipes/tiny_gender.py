"""The study of gender bias in seconds: a tiny encoder that knows SEAT's words, and a made-up corpus about them."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
from small import FILLERS, WORDS
from training.test_glue import written

from angelshare.data.seat import DEFAULT
from angelshare.mitigate.pairs import open_words
from angelshare.mitigate.targets import stereotypes
from angelshare.recipes.gender_bias_distilbert.schema import Scale
from angelshare.recipes.gender_bias_distilbert.study import reproduce
from angelshare.recipes.papers import read_recipe

RECIPE = read_recipe("gender-bias-distilbert")
SCALE = Scale(
    about="a test",
    encoder="package",
    max_length=32,
    head_steps=4,
    steps=6,
    seeds=2,
    layers=(2,),
    figure=(1, 3),
    ways=("full", "mlm-cosine", "debiased", "mixup", "mixup-output"),
    sentences=60,
    debias_epochs=1,
    read=12,
    glue=("cola", "sts"),
    glue_ways=("full", "mixup"),
    glue_rows=30,
    glue_epochs=1,
    draws=100,
)


WORDS_OF_PAIRS = list(open_words("gender-10").partners)


def seat_in(directory):
    """The six usual tests, each of other sentences."""
    directory.mkdir(parents=True)
    rng = np.random.default_rng(3)
    words = [*WORDS_OF_PAIRS, *WORDS, *FILLERS]
    for name in DEFAULT:
        sides = {
            key: {"category": key, "examples": [" ".join(rng.choice(words, size=4)) for _ in range(8)]}
            for key in ("targ1", "targ2", "attr1", "attr2")
        }
        (directory / f"{name}.jsonl").write_text(json.dumps(sides))


def encoder_in(directory):
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    known = [*WORDS, *FILLERS, *WORDS_OF_PAIRS, *stereotypes(), *map(str, range(60))]
    known = dict.fromkeys(word for word in known if " " not in word)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *known]
    directory.mkdir(parents=True)
    (directory / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        BertModel(config).save_pretrained(directory)
    BertTokenizerFast(str(directory / "vocab.txt"), model_max_length=32).save_pretrained(directory)


def corpus_in(directory):
    rng = np.random.default_rng(1)
    directory.mkdir(parents=True)
    targets = [word for word in stereotypes() if " " not in word]
    for name, rows in (("books", 1500), ("encyclopedia", 100)):
        lines = []
        for at in range(rows):
            told = rng.choice(targets if at % 3 == 0 else WORDS_OF_PAIRS)
            lines.append(" ".join([*rng.choice(FILLERS, size=rng.integers(12, 20)), told, str(at)]) + "\n")
        with gzip.open(directory / f"{name}.txt.gz", "wt") as stream:
            stream.writelines(lines)


def gender_in(directory: Path | str):
    directory = Path(directory)
    data = directory / "data"
    if not data.exists():
        encoder_in(data / "encoder")
        corpus_in(data / "corpus")
        seat_in(data / "seat")
        written(data)
    os.environ["ANGELSHARE_DATA"] = str(data)
    return reproduce(RECIPE, SCALE, directory / "out", encoder=str(data / "encoder"), workers=1)
