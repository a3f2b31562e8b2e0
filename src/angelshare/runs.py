"""What makes a run repeatable and safe to interrupt: seeds, provenance, manifests, files that appear whole."""

import glob
import hashlib
import json
import os
import platform
import re
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from angelshare.errors import DamagedFile, DataError

MANIFEST = "manifest.json"


def rng(seed: int, *path: str | int) -> np.random.Generator:
    """A random stream of its own for each `path` under one seed, the same on every machine."""
    words = hashlib.sha256("/".join(map(str, (seed, *path))).encode()).digest()
    return np.random.default_rng(np.frombuffer(words, dtype=np.uint32))


def sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest(*parts: str | bytes) -> str:
    """A sha256 of the parts that no other split of the same bytes has."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into one sentence."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"Could not write {path}: {error.strerror or error}. What was there before still stands."
        ) from error


_OWNER = re.compile(r"\.(\d+)@([^@]*)\.[^.]*\.partial")


def _aside(path: Path) -> str:
    """How names beside `path` begin while it is written; what processes that were killed left there is removed."""
    host = socket.gethostname()
    for stale in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        owner = _OWNER.search(stale.name)
        if owner and owner[2] == host and not _runs(int(owner[1])):
            shutil.rmtree(stale, ignore_errors=True) if stale.is_dir() else stale.unlink(missing_ok=True)
    return f".{path.name}.{os.getpid()}@{host}."


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Write beside `path` and rename: after a crash either the old file or the whole new one is there."""
    path = Path(path)
    with full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_aside(path), suffix=".partial")
        os.close(handle)
        aside = Path(name)
        try:
            yield aside
            aside.chmod(0o644)
            fsync(aside)
            os.replace(aside, path)
            fsync(path.parent)
        finally:
            aside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    with atomic_file(path) as aside:
        aside.write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Fill a directory aside, with a manifest of its files, and rename it into place; replaces what stood there."""
    path = Path(path)
    with full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=_aside(path), suffix=".partial"))
        try:
            yield aside
            aside.chmod(0o755)
            write_manifest(aside)
            for file in sorted(aside.rglob("*")):
                fsync(file)
            fsync(aside)
            if path.exists():
                old = aside.with_suffix(".old")
                os.replace(path, old)
                os.replace(aside, path)
                shutil.rmtree(old)
            else:
                os.replace(aside, path)
            fsync(path.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def files_below(directory: Path) -> Iterable[Path]:
    return (f for f in sorted(directory.rglob("*")) if f.is_file() and f.name != MANIFEST)


def write_manifest(directory: Path, **facts: Any) -> None:
    """Record the sha256 of every file below `directory`, and `facts`, in its manifest."""
    hashes = {str(f.relative_to(directory)): sha256(f) for f in files_below(directory)}
    write_json(directory / MANIFEST, {**facts, "files": hashes})


def read_manifest(directory: Path) -> dict[str, Any]:
    try:
        found = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{directory / MANIFEST} cannot be read: {error}. Make the directory again.") from error
    if not isinstance(found, dict) or not isinstance(found.get("files"), dict):
        raise DamagedFile(f"{directory / MANIFEST} is not a manifest. Make the directory again.")
    return found


def verify(directory: Path) -> dict[str, Any]:
    """Read the manifest and compare every file it names; raises DamagedFile naming the first that differs."""
    manifest = read_manifest(directory)
    for name, expected in manifest["files"].items():
        file = directory / name
        if not file.is_file():
            raise DamagedFile(f"{file} is missing, though the manifest beside it names it. Make the directory again.")
        if sha256(file) != expected:
            raise DamagedFile(f"{file} differs from its manifest (sha256). Restore it, or make the directory again.")
    return manifest


def provenance(**facts: Any) -> dict[str, Any]:
    """What a reader needs to run this again: versions, platform and the facts given."""
    packages = ("angelshare", "numpy", "torch", "transformers")
    versions: dict[str, str] = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "machine": platform.machine(), "packages": versions, **facts}


def fingerprint(files: Mapping[str, str]) -> str:
    """One sha256 over a manifest's files."""
    return digest(*(part for name in sorted(files) for part in (name, files[name])))
