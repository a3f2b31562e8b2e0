import pytest
from small import FILLERS, WORDS


@pytest.fixture
def encoder(tmp_path):
    """A tiny BERT that knows the sentences' words, at `tmp_path / "encoder"`."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    directory = tmp_path / "encoder"
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
