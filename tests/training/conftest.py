import pytest
from small import tiny_encoder


@pytest.fixture
def encoder(tmp_path):
    """A tiny BERT that knows the sentences' words, at `tmp_path / "encoder"`."""
    return tiny_encoder(tmp_path / "encoder")
