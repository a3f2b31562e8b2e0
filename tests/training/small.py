"""Small things to train with: a teacher that counts words, made-up sentences, runs in a process of their own."""

import hashlib
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from teachers import LABELS, WORDS, CountingTeacher, RareTeacher

from angelshare.data.tables import Table
from angelshare.training.engine import TrainOptions
from angelshare.training.options import DistilOptions

FILLERS = ("the", "film", "was", "and", "a", "plot", "felt", "quite", "so", "it")


def sentences(rows, seed=0):
    rng = np.random.default_rng(seed)
    words = [*WORDS, *FILLERS]
    return [" ".join(rng.choice(words, size=rng.integers(3, 12))) + f" {at}" for at in range(rows)]


def golden(rows=60, seed=0, name="gold", multilabel=False, labels=LABELS):
    texts = sentences(rows, seed)
    logits = CountingTeacher(labels, multilabel).predict_logits(texts)
    targets = (logits > 0) if multilabel else np.eye(2)[logits.argmax(1)]
    ids = np.array([f"{name}-{at}" for at in range(rows)], dtype=object)
    return Table(name, f"{name}.csv", ids, texts, tuple(labels), multilabel, targets.astype(np.float32))


def pool(rows=60, seed=1, name="pool"):
    ids = np.array([f"{name}-{at}" for at in range(rows)], dtype=object)
    return Table(name, f"{name}.csv", ids, sentences(rows, seed))


def written_table(name, texts):
    return Table(name, f"{name}.csv", np.array([f"{name}-{at}" for at in range(len(texts))], dtype=object), list(texts))


def quick(**others):
    settings = {"learning_rate": 1e-2, "batch_size": 8, "epochs": 3, "patience": 9, **others}
    return TrainOptions(**settings)


def distil_options(**others):
    return DistilOptions(training=quick(**others))


def bytes_below(*places):
    """sha256 of every file below some directories, by its path."""
    return {
        f"{place.name}/{file.relative_to(place)}": hashlib.sha256(file.read_bytes()).hexdigest()
        for place in map(Path, places)
        for file in sorted(place.rglob("*"))
        if file.is_file()
    }


def tiny_encoder(directory):
    """A BERT of 2 layers that knows the sentences' words, written to `directory`."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *FILLERS, *map(str, range(60))]
    directory.mkdir()
    (directory / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer = BertTokenizerFast(str(directory / "vocab.txt"), model_max_length=32)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        BertModel(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def tiny_masked(directory):
    """A masked BERT of 4 layers that knows the sentences' words, with a head, and weights large enough to be sure."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    encoder = tiny_encoder(directory)
    config = BertConfig.from_pretrained(encoder, num_hidden_layers=4, initializer_range=0.2)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        BertForMaskedLM(config).save_pretrained(encoder)
    return encoder


def corpus_file(path, rows=80, seed=2):
    """A text a line, of 12 to 40 words."""
    rng = np.random.default_rng(seed)
    words = [*WORDS, *FILLERS]
    lines = (" ".join(rng.choice(words, size=rng.integers(12, 40))) + f" {at}" for at in range(rows))
    Path(path).write_text("\n".join(lines) + "\n")
    return Path(path)


def encoder_options(**others):
    from angelshare.data.tokens import StoreOptions
    from angelshare.training.encoder_options import EncoderOptions

    training = quick(**{"learning_rate": 1e-3, "epochs": 1, "precision": "float32", **others.pop("training", {})})
    store = StoreOptions(max_length=32, dev_share=0.2)
    return EncoderOptions(**{"corpus": store, "dev_tokens": 300, "evaluations": 3, "training": training, **others})


def distil_encoder_in(directory):
    import torch

    from angelshare.training.masked_distillation import distil_encoder

    torch.set_num_threads(1)
    masked = Path(directory).parent / "masked"
    if not masked.exists():
        made = tiny_masked(masked.with_name(f"masked-{os.getpid()}"))
        corpus_file(made / "corpus.txt")
        os.replace(made, masked)
    options = encoder_options(training={"checkpoint_steps": 2})
    distil_encoder(masked, masked / "corpus.txt", out=Path(directory) / "student", options=options)


def distil_in(directory):
    import torch

    from angelshare.training.classifier import distil

    torch.set_num_threads(1)
    distil(
        "bow",
        teacher=CountingTeacher(),
        texts=pool(60),
        gold=golden(40),
        out=Path(directory) / "student",
        options=distil_options(checkpoint_steps=3, epochs=2),
    )


def distil_mixup_in(directory):
    import torch

    from angelshare.mitigate.pairs import open_pairs
    from angelshare.training.classifier import distil
    from angelshare.training.twins import Mixup

    torch.set_num_threads(1)
    options = replace(distil_options(checkpoint_steps=3, epochs=2), mixup=Mixup(open_pairs("identities")))
    texts, out = about(80), Path(directory) / "student"
    distil("bow", teacher=toxicity_teacher(), texts=texts, out=out, options=options, controls=False)


def label_in(directory):
    from angelshare.training.label import LabelOptions, label

    label(CountingTeacher(), pool(600), Path(directory) / "transfer", options=LabelOptions(shard_rows=20))


def finetune_in(directory):
    import torch

    from angelshare.training.finetune import FinetuneOptions, finetune

    torch.set_num_threads(1)
    training = quick(learning_rate=1e-3, checkpoint_steps=2)
    finetune(
        Path(directory).parent / "encoder",
        golden(40),
        out=Path(directory) / "teacher",
        options=FinetuneOptions(training=training),
    )


def about(rows=200, seed=0, name="pool", bad=0.5):
    """Sentences about Muslims, Christians or films; the first are "bad" more often."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(["Muslim", "Christian", "film"], size=rows)
    share = np.where(groups == "Muslim", bad, 0.1)
    words = np.where(rng.random(rows) < share, "bad", "grand")
    pairs = zip(groups, words, strict=True)
    texts = [f"a {group} people felt {word} {name} {at}" for at, (group, word) in enumerate(pairs)]
    return Table(name, f"{name}.csv", np.array([f"{name}-{at}" for at in range(rows)], dtype=object), texts)


TOXIC = ("positive", "negative")
"""The counting teacher's labels turned round: "bad" makes a text toxic, the second label."""


def toxicity_teacher():
    class Toxicity(CountingTeacher):
        fingerprint = "toxicity"

        def predict_logits(self, texts):
            return super().predict_logits(texts)[:, ::-1].copy()

    return Toxicity(TOXIC)


def balance_in(directory):
    from angelshare.training.balance import balance
    from angelshare.training.label import LabelOptions, label

    directory = Path(directory)
    label(toxicity_teacher(), about(400), directory / "transfer", options=LabelOptions(shard_rows=100))
    pool = about(4000, 1, "more")
    balance(directory / "transfer", pool, teacher=toxicity_teacher(), out=directory / "balanced")


def counterfactual_in(directory):
    from angelshare.training.counterfactual import counterfactual
    from angelshare.training.label import LabelOptions, label

    directory = Path(directory)
    label(toxicity_teacher(), about(400), directory / "transfer", options=LabelOptions(shard_rows=100))
    counterfactual(directory / "transfer", teacher=toxicity_teacher(), out=directory / "swapped")


def pretrain_in(directory):
    import torch

    from angelshare.training.masked import MaskedOptions, pretrain

    torch.set_num_threads(1)
    training = quick(learning_rate=1e-3, checkpoint_steps=2)
    pretrain(
        Path(directory).parent / "encoder",
        pool(60),
        out=Path(directory) / "pretrained",
        options=MaskedOptions(training=training),
    )


def glue_in(directory):
    import torch
    from test_glue import options, written

    from angelshare.training.glue import glue

    torch.set_num_threads(1)
    root = Path(directory).parent / "sets"
    if not root.exists():
        written(root)
    glue(Path(directory).parent / "encoder", out=Path(directory) / "glue", options=options(), root=root)


class Guesser:
    """Guesses two words everywhere; needs neither nltk nor torch."""

    fingerprint = "guesser"

    def guesses(self, texts, hidden, count):
        return [[[("fine", 0.6), ("grand", 0.4)] for _ in at] for at in hidden]


def augment_in(directory):
    from angelshare.data.augmentation import AugmentOptions, augment

    options = AugmentOptions(method="masked", per_text=2, originals=True)
    augment(pool(12_000), Path(directory) / "made" / "more.csv", options=options, model=Guesser())


def nothing_in(directory):
    pass


def killed_and_run_again(work, directory, times, seconds, seed):
    """Kill `work(directory)` with SIGKILL at `times` random moments of its first `seconds`, then let it end.

    Returns how many of the kills came before its end.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["angelshare.training.classifier", "angelshare.training.finetune", "angelshare.training.masked"]
    )
    rng = np.random.default_rng(seed)
    hit = 0
    for _ in range(times):
        process = context.Process(target=work, args=(str(directory),))
        process.start()
        process.join(timeout=float(rng.uniform(0.05, seconds)))
        hit += process.is_alive()
        process.kill()
        process.join()
    last = context.Process(target=work, args=(str(directory),))
    last.start()
    last.join()
    assert last.exitcode == 0
    return hit


def rare_pool(rows=20_000, rate=0.005, seed=3):
    texts = sentences(rows, seed)
    toxic = np.random.default_rng(seed).random(rows) < rate
    ids = np.array([f"p{at}" for at in range(rows)], dtype=object)
    return Table("pool", "pool.csv", ids, [f"{t}!" if bad else t for t, bad in zip(texts, toxic, strict=True)])


def choose_in(directory):
    from angelshare.data.sampling import Selection
    from angelshare.training.label import LabelOptions, label

    options = LabelOptions(shard_rows=40, selection=Selection(count=40), distinct=True, cache=f"{directory}.answers")
    label(RareTeacher(), rare_pool(3000, 0.01), Path(directory) / "chosen", options=options)


def gendered(rows=200, seed=0, name="corpus"):
    """Sentences with "bad" or "grand", the attribute's words, with the target words "film" or "plot", or neither."""
    rng = np.random.default_rng(seed)
    words = [("bad",), ("grand",), ("film", "plot"), ("quite",)]
    rest = ["the", "was", "and", "a", "felt", "so", "it"]
    texts = []
    for at in range(rows):
        own = words[at % 4]
        drawn = list(rng.choice(rest, size=rng.integers(3, 8)))
        drawn.insert(int(rng.integers(len(drawn))), str(rng.choice(own)))
        texts.append(f"{' '.join(drawn)} {at % 60}.")
    return written_table(name, texts)


def debias_in(directory):
    import torch

    from angelshare.mitigate.pairs import PairList
    from angelshare.training.debiasing import DebiasOptions, debias

    torch.set_num_threads(1)
    options = DebiasOptions(dev_fraction=0.2, training=quick(learning_rate=1e-3, checkpoint_steps=2, epochs=2))
    debias(
        Path(directory).parent / "encoder",
        gendered(80),
        out=Path(directory) / "turned",
        pairs=PairList("own", (("bad", "grand"),), {}),
        targets=("film", "plot"),
        options=options,
    )
