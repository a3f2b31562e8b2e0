"""The tokenizer of `bow` and `bilstm`: the commonest lowercase words and single marks of the transfer set."""

from collections.abc import Sequence

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from angelshare.models.batching import CHARACTERS_A_TOKEN, clean

PAD, UNKNOWN = "[PAD]", "[UNK]"

WORD = r"\w+(?:'\w+)*|[^\w\s]"
"""A word, its apostrophes inside ("don't"), or one other mark."""


def word_tokenizer(texts: Sequence[str], *, vocabulary: int, max_length: int) -> PreTrainedTokenizerFast:
    """A WordLevel tokenizer of at most `vocabulary` entries, padding and unknown word among them.

    The commonest words are kept; equal counts are decided by the alphabet, so the same texts give the same ids.
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("\u2019", "'"), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(WORD), behavior="isolated")]
    )
    trainer = trainers.WordLevelTrainer(vocab_size=vocabulary, special_tokens=[PAD, UNKNOWN], show_progress=False)
    limit = max_length * CHARACTERS_A_TOKEN
    tokenizer.train_from_iterator((clean(text, limit) for text in texts), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNKNOWN,
        pad_token=PAD,
        model_max_length=max_length,
        padding_side="right",
        model_input_names=["input_ids", "attention_mask"],
    )
