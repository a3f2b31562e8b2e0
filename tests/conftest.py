"""Shared by all tests: shapes in signatures are enforced, one thread, real data and weights where at hand."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
install_import_hook(["angelshare.metrics", "angelshare.stats", "angelshare.losses"], "beartype.beartype")


def _folder(variable: str) -> Path:
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set")
    return Path(os.environ[variable])


@pytest.fixture(scope="session")
def real_data() -> Path:
    return _folder("ANGELSHARE_DATA")


@pytest.fixture(scope="session")
def minilm() -> Path:
    path = _folder("ANGELSHARE_MODELS") / "minilm-l6"
    if not path.is_dir():
        pytest.skip(f"{path} does not exist: run tools/real_models.py")
    return path
