"""Whatever fits can be taught from and audited: a directory, a hub model, a Python object, a predictions file."""

import importlib.util
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from angelshare import runs
from angelshare.data.readers import is_table
from angelshare.errors import DamagedFile, MissingPart, ModelError, WrongKind
from angelshare.models.card import CARD
from angelshare.models.objects import READS, from_module, imported, wrap, wrap_as
from angelshare.models.predictions import PredictionsFile
from angelshare.models.switched import SETTINGS as SWITCH
from angelshare.models.switched import Switch
from angelshare.models.tfidf import SETTINGS as TFIDF
from angelshare.models.tfidf import Tfidf
from angelshare.types import Classifier, Scale, Sort

if TYPE_CHECKING:
    from angelshare.models.classifier import TorchClassifier

__all__ = ["PredictionsFile", "load", "load_as", "verify_model", "wrap", "wrap_as"]

PICKLES = (".pkl", ".pickle", ".joblib", ".bin", ".pt", ".pth", ".ckpt")
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")

_MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def load(
    spec: str | Path,
    *,
    labels: Sequence[str] | None = None,
    multilabel: bool | None = None,
    allow_code: bool = False,
    scores: Scale = "probabilities",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    max_length: int | None = None,
    revision: str | None = None,
) -> Classifier | PredictionsFile:
    """Load what `spec` names: a directory, a hub id, `module:object`, or a predictions file.

    The directory of a switch holds two models, to which `allow_code`, `precision` and `max_length` go on.

    Parameters
    ----------
    labels, multilabel : override what the model says of itself.
    allow_code : let `module:object` run its module.
    scores : what a predictions file's columns hold.
    precision, max_length : see `TorchClassifier`.
    revision : of a hub model.

    Raises
    ------
    DamagedFile : a file differs from the manifest beside it.
    ModelError : it cannot be loaded, or scores no texts.
    DataError : a predictions file is broken.
    MissingPart : torch is needed and not installed.

    Examples
    --------
    >>> teacher = load("unitary/toxic-bert")  # doctest: +SKIP
    """
    text, path = str(spec), Path(spec)
    if is_table(text):
        return PredictionsFile(text, labels=labels, multilabel=multilabel, scores=scores)
    if _is_module(text, allow_code=allow_code):
        return from_module(text, labels=labels, multilabel=multilabel)
    settings: dict[str, Any] = {"precision": precision, "max_length": max_length}
    if not path.is_dir():
        return _hub(text, revision, labels=labels, multilabel=multilabel, **settings)
    verify_model(path)
    if (path / TFIDF).is_file():
        return Tfidf.load(path)
    if (path / SWITCH).is_file():
        return Switch.load(path, partial(load, allow_code=allow_code, **settings))
    _check_directory(path)
    return _torch(text, None, labels=labels, multilabel=multilabel, **settings)


def load_as(sort: Sort, spec: str | Path, *, allow_code: bool = False) -> Any:
    """An `Encoder` or a `MaskedModel`, by its sort: a directory, a hub id or `module:object`.

    Raises
    ------
    WrongKind : it is something else.
    DamagedFile, ModelError, MissingPart : as `load` does.
    """
    text, path = str(spec), Path(spec)
    if is_table(text):
        raise WrongKind(f"{text} is a predictions file, no {sort}. Give a model.")
    if _is_module(text, allow_code=allow_code):
        return wrap_as(sort, imported(text, (READS[sort],)), text)
    if path.is_dir():
        verify_model(path)
        if (path / TFIDF).is_file() or (path / SWITCH).is_file():
            raise WrongKind(f"'{text}' is a {'tf-idf model' if (path / TFIDF).is_file() else 'switch'}, no {sort}.")
        _check_directory(path)
    else:
        _check_hub_id(text)
    _check_parts(text)
    from angelshare.models.encoder import load_encoder
    from angelshare.models.language import load_masked

    return load_encoder(text) if sort == "encoder" else load_masked(text)


def _is_module(text: str, *, allow_code: bool) -> bool:
    """Whether it names an object; raises ModelError for files that are no models, and where code may not run."""
    path = Path(text)
    if path.suffix.lower() in PICKLES:
        raise ModelError(
            f"{text} is a pickle, which can run code when it is read. Give a directory with safetensors, or name "
            "the object as MODULE:OBJECT with --allow-code."
        )
    if path.is_file():
        raise ModelError(f"{text} is a file, not a model directory. Give a directory, a hub id or a predictions file.")
    if path.exists() or not _MODULE.fullmatch(text):
        return False
    if not allow_code:
        raise ModelError(f"'{text}' runs the code of its module. Say --allow-code if you trust it.")
    return True


def verify_model(directory: Path) -> None:
    """Compare a model's own files with its manifest, if it has one; the card may be edited, subfolders stand alone.

    Raises
    ------
    DamagedFile : a file is missing or differs.
    """
    if not (directory / runs.MANIFEST).is_file():
        return
    for name, expected in runs.read_manifest(directory)["files"].items():
        if name == CARD or "/" in name:
            continue
        file = directory / name
        if not file.is_file():
            raise DamagedFile(f"{file} is missing, though the manifest beside it names it. Make the model again.")
        if runs.sha256(file) != expected:
            raise DamagedFile(f"{file} differs from its manifest (sha256). Restore it, or make the model again.")


def _check_directory(path: Path) -> None:
    if not (path / "config.json").is_file():
        raise ModelError(f"{path} has no config.json, so it is no model directory. Give what save_pretrained wrote.")
    if not list(path.glob("*.safetensors")):
        if any(file.suffix in PICKLES for file in path.iterdir()):
            raise ModelError(
                f"{path} has its weights as a pickle, which can run code when it is read. Load it where you trust it, "
                "and save it again with save_pretrained: that writes safetensors."
            )
        raise ModelError(f"{path} has no weights (model.safetensors). Give what save_pretrained wrote.")
    if not any((path / name).is_file() for name in TOKENIZERS):
        raise ModelError(f"{path} has no tokenizer (tokenizer.json). Save the model's tokenizer beside it.")


def _hub(spec: str, revision: str | None, **settings: Any) -> "TorchClassifier":
    _check_hub_id(spec)
    return _torch(spec, revision, **settings)


def _check_hub_id(spec: str) -> None:
    if spec.startswith((".", "/", "~")) or spec.count("/") > 1 or not re.fullmatch(r"[\w./-]+", spec):
        raise ModelError(
            f"'{spec}' does not exist, and is no hub id. Give a directory, OWNER/NAME or a predictions file."
        )


def _check_parts(spec: str) -> None:
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPart(f"Loading '{spec}' needs {' and '.join(missing)}: pip install 'angelshare[train]'.")


def _torch(spec: str, revision: str | None, **settings: Any) -> "TorchClassifier":
    _check_parts(spec)
    from angelshare.models.pretrained import load_pretrained

    return load_pretrained(spec, revision=revision, **settings)
