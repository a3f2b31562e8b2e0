"""The posts' study in seconds: a tiny encoder, made-up sets in their publishers' formats, a few dozen rows of each."""

import gzip
import os
from pathlib import Path

import numpy as np
from collect import official
from collect.example import write
from data.tiny_nltk import tiny_nltk
from small import sentences, tiny_encoder
from teachers import CountingTeacher

from angelshare.recipes.papers import read_recipe
from angelshare.recipes.unreasonable_distillation.schema import Scale
from angelshare.recipes.unreasonable_distillation.study import reproduce

RECIPE = read_recipe("unreasonable-distillation")
SETTINGS = {"epochs": 1}
SIZES = {"train": 60, "test": 40, "max_length": 16}
SCALE = Scale(
    about="a test",
    encoder="package",
    draws=100,
    seeds=2,
    teacher={"epochs": 6, "learning_rate": 3e-3},
    bow=SETTINGS,
    bilstm=SETTINGS,
    transformer=SETTINGS | {"layers": 1},
    sizes={name: SIZES | ({"pool": 30} if name == "imdb" else {"per_text": 1}) for name in RECIPE.datasets},
)
EMOTIONS = ("sadness", "joy", "love", "anger", "fear", "surprise")


def judged(rows, seed):
    """(text, 1 where its good words outweigh the bad)."""
    texts = sentences(rows, seed)
    return [(text, int(row.argmax())) for text, row in zip(texts, CountingTeacher().predict_logits(texts), strict=True)]


def material(directory: Path) -> Path:
    """The sets at `directory`, with an encoder."""
    official.civil_comments(directory)
    official.covert(directory)
    official.toxigen(directory)
    tiny_encoder(directory / "encoder")
    tiny_nltk(directory)
    rng = np.random.default_rng(0)
    for folder in ("emotion", "sst2/clairett", "cola", "imdb", "davidson"):
        (directory / folder).mkdir(parents=True)
    for seed, (name, rows) in enumerate({"train": 100, "val": 40, "test": 60}.items()):
        lines = "".join(f"{text};{EMOTIONS[at % 6]}\n" for at, (text, _) in enumerate(judged(rows, seed)))
        (directory / "emotion" / f"{name}.txt").write_text(lines)
    for seed, (name, rows) in enumerate({"train": 100, "dev": 120, "test": 60}.items(), 10):
        lines = "".join(f"{text}\t{label}\n" for text, label in judged(rows, seed))
        (directory / "sst2" / "clairett" / f"{name}.tsv").write_text(lines)
    (directory / "sst2" / "glue").mkdir()
    for seed, (name, rows) in enumerate({"train": 100, "dev": 60}.items(), 15):
        lines = "".join(f"{text}\t{label}\n" for text, label in judged(rows, seed))
        (directory / "sst2" / "glue" / f"{name}.tsv").write_text(f"sentence\tlabel\n{lines}")
    cola = {"in_domain_train": 100, "in_domain_dev": 40, "out_of_domain_dev": 60}
    for seed, (name, rows) in enumerate(cola.items(), 20):
        lines = "".join(f"x\t{label}\t\t{text}\n" for text, label in judged(rows, seed))
        (directory / "cola" / f"{name}.tsv").write_text(lines)
    for seed, name in enumerate(("train", "test"), 30):
        rows = [f"{at}_{seed},{text},{label},{label}\n" for at, (text, label) in enumerate(judged(120, seed))]
        with gzip.open(directory / "imdb" / f"{name}.csv.gz", "wt") as stream:
            stream.writelines(["id,text,label,rating\n", *rows])
    tweets = [
        {"": at, "tweet": text, "class": label + int(rng.integers(2))}
        for at, (text, label) in enumerate(judged(160, 40))
    ]
    write(directory / "davidson" / "labeled_data.csv", tweets)
    return directory


def posts_in(directory: Path | str):
    directory = Path(directory)
    if not (directory / "data" / "encoder").exists():
        (directory / "data").mkdir(parents=True)
        material(directory / "data")
    os.environ["ANGELSHARE_DATA"] = str(directory / "data")
    return reproduce(RECIPE, SCALE, directory / "out", encoder=str(directory / "data" / "encoder"))
