"""The study in seconds: a tiny encoder, made-up sets in their publishers' formats, a dozen rows of everything."""

import gzip
import os
from pathlib import Path

import numpy as np
from collect.official import all_sets
from small import tiny_encoder

from angelshare.recipes.lost_in_distillation.schema import Scale
from angelshare.recipes.lost_in_distillation.study import reproduce
from angelshare.recipes.papers import read_recipe

SETTINGS = {"epochs": 1, "max_length": 16}
SCALE = Scale(
    about="a test",
    encoder="package",
    pool=(),
    passages=60,
    chosen=20,
    sizes=(20, 60),
    golden_sizes=(30,),
    ratio_rows=20,
    rows={"madlibs-short": 60, "madlibs-long": 40},
    draws=100,
    seeds={"student": 2, "more": 1},
    teacher=SETTINGS | {"epochs": 20, "learning_rate": 3e-3},
    pretrain=SETTINGS,
    bow=SETTINGS,
    cnn=SETTINGS | {"filters": 4, "vocabulary": 40},
    cnn_more=SETTINGS | {"filters": 4, "vocabulary": 40},
    transformer=SETTINGS | {"layers": 1},
)


class Scorer:
    """A third opinion that is alarmed by everything."""

    labels, multilabel, fingerprint = ("toxic",), True, "always alarmed"

    def predict_logits(self, texts):
        return np.array([[3.0]] * len(texts), dtype=np.float32)


def material(directory: Path) -> Path:
    """Public sets at `directory`, with an encoder and a pool of 80 texts, some of them in a suite."""
    all_sets(directory)
    tiny_encoder(directory / "encoder")
    (directory / "corpus").mkdir()
    with gzip.open(directory / "corpus" / "encyclopedia.txt.gz", "wt") as stream:
        stream.writelines(
            f"the film about {who} number {at}\n" for at in range(20) for who in ("women", "muslims", "gay men")
        )
    texts = [f"a {('bad', 'kind')[at % 2]} plot {at} of a woman" for at in range(72)]
    texts += [f"kind words {at}" for at in range(3, 11)]
    (directory / "pool.csv").write_text("text\n" + "".join(f"{text}\n" for text in texts))
    return directory


def study_in(directory: Path | str):
    directory = Path(directory)
    if not (directory / "data" / "pool.csv").exists():
        (directory / "data").mkdir(parents=True)
        material(directory / "data")
    os.environ["ANGELSHARE_DATA"] = str(directory / "data")
    recipe = read_recipe("lost-in-distillation")
    pool, encoder = [str(directory / "data" / "pool.csv")], str(directory / "data" / "encoder")
    return reproduce(recipe, SCALE, directory / "out", encoder=encoder, pool=pool, scorer=Scorer())
