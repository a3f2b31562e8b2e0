"""Tiny models with real tokenizers, made once."""

import string

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from angelshare.models.base import label_settings, seeded
from angelshare.models.classifier import TorchClassifier

TEXTS = [
    "The movie wasn't good, at all!",
    "I loved it; don't you?",
    "",
    "bad",
    "the cat sat on the mat and the dog sat on the cat",
    "Good good GOOD movie.",
    "a dog, a cat: what a movie",
    "you are bad and the movie is bad " * 6,
]
LABELS = ("anger", "joy", "fear")


def wordpiece() -> PreTrainedTokenizerFast:
    words = ["the", "movie", "good", "bad", "cat", "dog", "sat", "on", "mat", "and", "you", "are", "is", "what", "love"]
    letters = [*string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase), *".,:;!?'"]
    vocabulary = {piece: at for at, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *letters])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=48,
    )


def bert_config(**settings) -> BertConfig:
    sizes = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 48}
    return BertConfig(**sizes, vocab_size=len(wordpiece()), max_position_embeddings=48, **settings)


def make_teacher(labels=LABELS, multilabel=False, **settings) -> TorchClassifier:
    config = bert_config(**label_settings(labels, multilabel), initializer_range=0.3)
    return TorchClassifier(seeded(5, "t", make=lambda: BertForSequenceClassification(config)), wordpiece(), **settings)
