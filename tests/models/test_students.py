import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import LABELS, TEXTS, make_teacher
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from angelshare.errors import ModelError
from angelshare.models.base import embedded, seeded
from angelshare.models.batching import encode
from angelshare.models.bilstm import PRESETS, BiLstmConfig, BiLstmForSequenceClassification
from angelshare.models.bow import BowConfig, BowForSequenceClassification, gram_ids
from angelshare.models.card import CardFacts
from angelshare.models.classifier import TorchClassifier
from angelshare.models.cnn import CnnConfig, CnnForSequenceClassification
from angelshare.models.loading import load
from angelshare.models.saving import save, write_model
from angelshare.models.students import StudentOptions, build, commonest_pieces

VARIANTS = {
    "bow": ("bow", StudentOptions()),
    "bow-grams-attention": ("bow", StudentOptions(ngrams=3, buckets=50, attention=True)),
    "bilstm": ("bilstm", StudentOptions(vocabulary=30, embedding=8, hidden=12, preset="0.7M")),
    "cnn": ("cnn", StudentOptions(filters=6)),
    "cnn-cut": ("cnn", StudentOptions(filters=6, vocabulary=20)),
    "transformer": ("transformer", StudentOptions(layers=2)),
}


def make(variant: str, teacher: TorchClassifier, seed: int = 1) -> TorchClassifier:
    kind, options = VARIANTS[variant]
    parts = build(kind, labels=LABELS, multilabel=False, texts=TEXTS, teacher=teacher, options=options, seed=seed)
    return TorchClassifier(*parts)


def files(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_scores_do_not_depend_on_the_other_texts(variant, teacher) -> None:
    student = make(variant, teacher)
    together = student.predict_logits(TEXTS)
    alone = np.concatenate([student.predict_logits([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-5


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "transformer"])
@given(
    rows=st.lists(st.lists(st.integers(1, 19), max_size=12), min_size=1, max_size=5),
    pads=st.integers(0, 40),
    filler=st.integers(0, 19),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_padding_and_what_stands_in_it_never_moves_a_score(variant, teacher, rows, pads, filler) -> None:
    model = make(variant, teacher).model
    width = max(max(map(len, rows)), 1) + pads
    ids = torch.full((len(rows), width), filler)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[at, : len(row)] = 1
    with torch.inference_mode():
        padded = model(ids, mask).logits
        alone = torch.cat([model(torch.tensor([row], dtype=torch.long).reshape(1, -1)).logits for row in rows])
    torch.testing.assert_close(padded, alone, atol=2e-6, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_embeddings_in_the_place_of_ids_score_the_same(variant, teacher) -> None:
    student = make(variant, teacher)
    batch = encode(student.tokenizer, TEXTS, 48).batch(np.arange(len(TEXTS)))
    with torch.inference_mode():
        vectors = embedded(student.model, **batch)
        found = student.model(inputs_embeds=vectors, attention_mask=batch["attention_mask"]).logits
        torch.testing.assert_close(found, student.model(**batch).logits)
    if variant != "transformer":
        with pytest.raises(ValueError, match="inputs_embeds"):
            student.model()
        with pytest.raises(ValueError, match="attention_mask"):
            student.model(inputs_embeds=vectors)


@pytest.mark.parametrize("variant", VARIANTS)
def test_reload_is_equal_bit_for_bit_and_saving_twice_gives_the_same_bytes(variant, teacher, tmp_path) -> None:
    student = make(variant, teacher)
    facts = CardFacts("student", variant, LABELS)
    save(student.model, student.tokenizer, tmp_path / "one", facts)
    expected = student.predict_logits(TEXTS)
    save(student.model, student.tokenizer, tmp_path / "two", facts)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    loaded = load(tmp_path / "one")
    assert loaded.labels == LABELS and not loaded.multilabel
    assert loaded.kind == ("bert" if variant == "transformer" else variant.split("-")[0])
    assert loaded.max_length == student.max_length == 48
    np.testing.assert_array_equal(loaded.predict_logits(TEXTS), expected)
    np.testing.assert_array_equal(loaded.features(TEXTS), student.features(TEXTS))
    assert loaded.fingerprint == student.fingerprint
    assert loaded.parameters == student.parameters
    assert loaded.size_bytes >= (tmp_path / "one" / "model.safetensors").stat().st_size
    with torch.inference_mode():
        auto = AutoModelForSequenceClassification.from_pretrained(tmp_path / "one")
        tokens = AutoTokenizer.from_pretrained(tmp_path / "one")(TEXTS[:1], return_tensors="pt")
        np.testing.assert_allclose(auto(**tokens).logits.numpy(), expected[:1], atol=2e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_seed_decides_the_bytes(variant, teacher) -> None:
    first, again, other = (make(variant, teacher, seed=seed).fingerprint for seed in (1, 1, 2))
    assert first == again
    assert (first == other) == (variant == "transformer")  # truncation copies: nothing is drawn


@pytest.fixture
def forked():
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.usefixtures("forked")
def test_parameter_counts() -> None:
    def count(model) -> int:
        return sum(parameter.numel() for parameter in model.parameters())

    two = {"id2label": {0: "a", 1: "b"}, "label2id": {"a": 0, "b": 1}}
    assert count(BowForSequenceClassification(BowConfig(**two))) == 81_218
    assert count(BiLstmForSequenceClassification(BiLstmConfig(**PRESETS["1.7M"], **two))) == 1_693_570
    assert count(BiLstmForSequenceClassification(BiLstmConfig(**PRESETS["0.7M"], **two))) == 702_202
    assert count(CnnForSequenceClassification(CnnConfig(vocab_size=4_400, **two))) == 7_991_702


def test_bilstm_reads_both_ways() -> None:
    """The same as torch's bidirectional LSTM with the same weights on a text without padding."""
    config = BiLstmConfig(vocab_size=30, embedding_size=5, lstm_size=4, hidden_size=6, dropout=0.0)
    model = seeded(0, "x", make=lambda: BiLstmForSequenceClassification(config)).eval()
    both = seeded(0, "y", make=lambda: torch.nn.LSTM(5, 4, batch_first=True, bidirectional=True))
    for name, value in model.forwards.named_parameters():
        getattr(both, name).data.copy_(value)
    for name, value in model.backwards.named_parameters():
        getattr(both, f"{name}_reverse").data.copy_(value)
    ids = torch.arange(1, 10)[None]
    with torch.inference_mode():
        pooled = both(model.embeddings(ids))[0].amax(1)
        expected = model.classifier(torch.relu(model.hidden(pooled)))
        torch.testing.assert_close(model(ids).logits, expected, atol=1e-6, rtol=0)


def test_cnn_by_hand() -> None:
    config = CnnConfig(pieces=9, vocab_size=9, embedding_size=2, filters=1, shortest=2, longest=3, num_labels=2)
    model = seeded(0, "x", make=lambda: CnnForSequenceClassification(config)).eval()
    ids = torch.tensor([[3, 4, 5, 6]])
    vectors = model.embeddings.weight[ids[0]]
    pooled = []
    for convolution in model.convolutions:
        width = convolution.kernel_size[0]
        windows = [(convolution.weight[0].T * vectors[at : at + width]).sum() for at in range(4 - width + 1)]
        pooled.append(torch.relu(max(windows) + convolution.bias[0]))
    expected = model.classifier(torch.stack(pooled)[None])
    torch.testing.assert_close(model(ids).logits, expected)


def test_bow_is_a_mean_and_grams_follow_the_order() -> None:
    config = BowConfig(vocab_size=9, embedding_size=4, hidden_size=3, num_labels=2)
    model = seeded(0, "x", make=lambda: BowForSequenceClassification(config)).eval()
    mean = model.embeddings.weight[[3, 4, 4]].mean(0, keepdim=True)
    expected = model.classifier(torch.relu(model.hidden(mean)))
    torch.testing.assert_close(model(torch.tensor([[4, 3, 4]])).logits, expected)
    mask = torch.tensor([[True, True, True, False]])
    ids, there = gram_ids(torch.tensor([[1, 2, 3, 4]]), mask, 3, 10_000)
    assert ids.shape == there.shape == (1, 5)
    assert there.tolist() == [[True, True, False, True, False]]
    swapped, _ = gram_ids(torch.tensor([[2, 1, 3, 4]]), mask, 3, 10_000)
    assert ids[0, 0] != swapped[0, 0] and ids[0, 3] != swapped[0, 3]
    assert ids[0, 2] == swapped[0, 2]
    assert gram_ids(torch.tensor([[1]]), mask[:, :1], 3, 10)[0].shape == (1, 0)


def test_gram_ids_spread_over_the_buckets() -> None:
    ids = torch.arange(20_000)[None] % 5_000
    found, _ = gram_ids(ids, torch.ones_like(ids, dtype=torch.bool), 2, 512)
    counts = torch.bincount(found[0, :5_000], minlength=512)
    assert counts.min() >= 0 and counts.max() < 40 and (counts == 0).sum() < 10


def test_students_take_a_loss_from_transformers_users(teacher) -> None:
    for multilabel, target in ((False, torch.tensor([0, 2])), (True, torch.tensor([[0.0, 1, 0.5], [1, 0, 0]]))):
        model, tokenizer = build("bow", labels=LABELS, multilabel=multilabel, texts=TEXTS)
        batch = tokenizer(TEXTS[:2], return_tensors="pt", padding=True)
        model.eval()(**batch, labels=target).loss.backward()
        assert model.embeddings.weight.grad.abs().sum() > 0


def test_cnn_copies_the_teachers_embeddings_and_cuts_them(teacher) -> None:
    whole, cut = make("cnn", teacher), make("cnn-cut", teacher)
    embeddings = teacher.model.get_input_embeddings().weight
    assert torch.equal(whole.model.embeddings.weight, embeddings)
    kept = commonest_pieces(teacher.tokenizer, TEXTS, 20, 48)
    assert len(kept) == 20 and set(teacher.tokenizer.all_special_ids) <= set(kept.tolist())
    assert torch.equal(cut.model.embeddings.weight, embeddings[torch.from_numpy(kept)])
    dropped = [piece for piece in range(len(teacher.tokenizer)) if piece not in kept]
    unknown = kept.tolist().index(teacher.tokenizer.unk_token_id)
    assert (cut.model.kept[dropped] == unknown).all()
    assert (cut.model.kept[torch.from_numpy(kept)] == torch.arange(20)).all()
    pieces = teacher.tokenizer(TEXTS, truncation=True, max_length=48)["input_ids"]
    counts = np.bincount(np.concatenate(pieces), minlength=len(teacher.tokenizer))
    assert counts[np.setdiff1d(kept, teacher.tokenizer.all_special_ids)].min() >= counts[dropped].max()


def test_cnn_without_embeddings_warns_and_takes_an_encoders(encoder) -> None:
    class Scores:
        labels, multilabel = LABELS, False

        def predict_logits(self, texts):
            return np.zeros((len(texts), 3), dtype=np.float32)

    settings = {"labels": LABELS, "multilabel": False, "texts": TEXTS, "teacher": Scores()}
    with pytest.warns(UserWarning, match="--embeddings"):
        model, tokenizer = build("cnn", **settings)
    assert TorchClassifier(model, tokenizer).predict_logits(TEXTS).shape == (8, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, tokenizer = build("cnn", **settings, options=StudentOptions(embeddings=str(encoder)))
    assert model.config.embedding_size == 32 and tokenizer.cls_token == "[CLS]"


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("gru", StudentOptions(), "must be one of bow, cnn, bilstm, transformer. Got 'gru'"),
        ("bilstm", StudentOptions(preset="2M"), "preset must be one of 1.7M, 0.7M. Got '2M'"),
        ("cnn", StudentOptions(vocabulary=3), "4 special tokens and more. Got 3"),
        ("cnn", StudentOptions(embeddings="/nowhere"), "embeddings of '/nowhere' cannot be loaded"),
        ("transformer", StudentOptions(layers=9), "between 1 and the teacher's 4. Got 9"),
        ("transformer", StudentOptions(layers=(2, 1)), "rising numbers from 0 to 3"),
        ("transformer", StudentOptions(encoder="/nowhere"), "encoder '/nowhere' cannot be loaded"),
    ],
)
def test_what_cannot_be_built_says_so_in_one_sentence(kind, options, message, teacher) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        build(kind, labels=LABELS, multilabel=False, texts=TEXTS, teacher=teacher, options=options)
    assert "\n" not in str(caught.value)


def test_word_tokenizer_splits_words_and_marks(teacher) -> None:
    _, tokenizer = build("bow", labels=LABELS, multilabel=False, texts=TEXTS, teacher=teacher)
    assert tokenizer.tokenize("Wasn’t it GOOD?!") == ["wasn't", "it", "good", "?", "!"]
    assert tokenizer.pad_token_id == 0 and tokenizer.unk_token_id == 1
    small, again = (
        build("bow", labels=LABELS, multilabel=False, texts=TEXTS, options=StudentOptions(vocabulary=8))[1]
        for _ in range(2)
    )
    assert len(small) == 8 and small.get_vocab() == again.get_vocab()


def test_transformers_alone_loads_the_students(teacher, tmp_path) -> None:
    """In a fresh process: importing angelshare is enough, in either order."""
    names = ["bow", "bilstm", "cnn-cut", "transformer"]
    for name in names:
        student = make(name, teacher)
        write_model(student.model, student.tokenizer, tmp_path / name, CardFacts(name, name, LABELS))
    script = (
        "import sys, logging\n"
        "from transformers import pipeline, AutoModelForSequenceClassification\n"
        "import angelshare.models\n"
        "import angelshare\n"
        "for path in sys.argv[1:]:\n"
        "    scores = pipeline('text-classification', model=path, top_k=None)(['the movie', ''])\n"
        "    assert {score['label'] for score in scores[1]} == {'anger', 'joy', 'fear'}, scores\n"
        "    print(type(AutoModelForSequenceClassification.from_pretrained(path)).__name__)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *(str(tmp_path / name) for name in names)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "not supported" not in run.stderr
    assert run.stdout.split() == [
        "BowForSequenceClassification",
        "BiLstmForSequenceClassification",
        "CnnForSequenceClassification",
        "BertForSequenceClassification",
    ]


def test_a_multilabel_student_keeps_its_words(tmp_path) -> None:
    model, tokenizer = build("bow", labels=("toxic",), multilabel=True, texts=TEXTS)
    save(model, tokenizer, tmp_path / "out", CardFacts("x", "bow", ("toxic",), True))
    loaded = load(tmp_path / "out")
    assert loaded.labels == ("toxic",) and loaded.multilabel
    assert loaded.predict_logits(TEXTS).shape == (8, 1)
    other = make_teacher(("toxic",), True)
    student, _ = build("transformer", labels=("toxic",), multilabel=True, texts=[], teacher=other)
    assert student.config.problem_type == "multi_label_classification"
