"""Committed shards: a directory of Parquet files that survives SIGKILL, full disks and flipped bytes.

A shard is written aside, synced, hashed and renamed; then its marker is, the same way. Only a shard with a marker
counts, so a run that was killed and started again ends with the same bytes. `finish` folds the markers into a manifest.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from angelshare.errors import DamagedFile, DataError
from angelshare.runs import MANIFEST, atomic_file, digest, full_disk, read_manifest, sha256, write_json

SEAL = "seal"
"""Key of the manifest's own sha256, without which a flipped byte in its facts would pass."""

_FACTS = b"angelshare"
_MARKER = re.compile(r"shard-(\d{5,})\.json")


@dataclass(frozen=True)
class Marker:
    """What was committed: the file's name, sha256, and number of rows."""

    file: str
    sha256: str
    rows: int


def shard_name(index: int) -> str:
    return f"shard-{index:05d}.parquet"


def marker_name(index: int) -> str:
    return f"shard-{index:05d}.json"


def commit(directory: Path, index: int, table: pa.Table, facts: Any = None) -> Marker:
    """Write one shard so that it is either wholly there or not at all; `facts` (JSON) are kept in the same file.

    Raises
    ------
    DataError
        When the disk refuses; committed shards still stand.
    """
    file = directory / shard_name(index)
    plain = table.replace_schema_metadata(None if facts is None else {_FACTS: json.dumps(facts, sort_keys=True)})
    with atomic_file(file) as aside:
        pq.write_table(plain, aside, compression="zstd", write_page_checksum=True)
        marker = Marker(file.name, sha256(aside), len(table))
    write_json(directory / marker_name(index), asdict(marker))
    return marker


def committed(directory: Path) -> dict[int, Marker]:
    """The shards that count, by index; each is compared with its marker, or with the manifest of a finished set.

    Raises
    ------
    DamagedFile
        Naming the shard, marker or manifest that is not as it was written.
    """
    if (directory / MANIFEST).exists():
        found = dict(enumerate(_of_manifest(sealed_manifest(directory))))
    else:
        names = sorted(p.name for p in directory.iterdir()) if directory.is_dir() else []
        found = {
            int(match[1]): _read_marker(directory / match[0]) for name in names if (match := _MARKER.fullmatch(name))
        }
    for marker in found.values():
        check(directory / marker.file, marker.sha256)
    return found


def _read_marker(path: Path) -> Marker:
    try:
        found = Marker(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DamagedFile(f"{path} is damaged: {error}. Remove it, and run again to make its shard anew.") from error
    if found.file != path.with_suffix(".parquet").name or not isinstance(found.rows, int):
        raise DamagedFile(
            f"{path} is damaged: it names another shard. Remove it, and run again to make its shard anew."
        )
    return found


def check(file: Path, expected: str) -> None:
    if not file.is_file():
        raise DamagedFile(f"{file} is missing, though it was committed. Restore it, or make the directory again.")
    if sha256(file) != expected:
        raise DamagedFile(f"{file} differs from what was committed (sha256). Restore it, or make the directory again.")


def clean(directory: Path) -> None:
    """Remove what a killed run left half written. Only for the one process that drives a directory."""
    with full_disk(directory):
        for stray in directory.glob(".*.partial"):
            stray.unlink(missing_ok=True)


def finish(directory: Path, **facts: Any) -> dict[str, Any]:
    """Fold the markers into a sealed manifest that also records `facts`, and return it.

    Raises
    ------
    DataError
        When a shard between the first and the last is not there yet.
    """
    markers = committed(directory)
    lacking = sorted(set(range(max(markers, default=-1) + 1)) - set(markers))
    if not markers or lacking:
        which = f"shard {lacking[0]} is" if lacking else "all shards are"
        raise DataError(f"{directory} cannot be finished: {which} still to be made. Run again to go on.")
    ordered = [markers[index] for index in range(len(markers))]
    manifest = {
        **facts,
        "files": {marker.file: marker.sha256 for marker in ordered},
        "rows": {marker.file: marker.rows for marker in ordered},
        "count": sum(marker.rows for marker in ordered),
    }
    write_json(directory / MANIFEST, {**manifest, SEAL: _seal(manifest)})
    with full_disk(directory):
        for index in markers:
            (directory / marker_name(index)).unlink(missing_ok=True)
    clean(directory)
    return manifest


def _seal(manifest: dict[str, Any]) -> str:
    return digest(json.dumps(manifest, sort_keys=True))


def sealed_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a finished set; raises DamagedFile when it is not as it was written."""
    manifest = read_manifest(directory)
    if manifest.pop(SEAL, None) != _seal(manifest):
        raise DamagedFile(f"{directory / MANIFEST} differs from what was written (sha256). Make the directory again.")
    return manifest


def _of_manifest(manifest: dict[str, Any]) -> list[Marker]:
    files, rows = manifest["files"], manifest["rows"]
    return [Marker(name, files[name], rows[name]) for name in map(shard_name, range(len(files)))]


def read_shards(directory: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield the shards of a finished set in order, each verified before it is decoded."""
    for marker in _of_manifest(sealed_manifest(directory)):
        check(directory / marker.file, marker.sha256)
        yield _decoded(directory / marker.file, columns)


def read_committed(directory: Path, index: int) -> tuple[pa.Table, Any]:
    """One shard of a set that is not finished yet, verified, and the facts it was committed with."""
    marker = _read_marker(directory / marker_name(index))
    check(directory / marker.file, marker.sha256)
    table = _decoded(directory / marker.file, None)
    facts = (table.schema.metadata or {}).get(_FACTS)
    return table, None if facts is None else json.loads(facts)


def _decoded(file: Path, columns: Sequence[str] | None) -> pa.Table:
    try:
        return pq.read_table(file, columns=columns, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise DamagedFile(f"{file} cannot be decoded: {error}. Restore it, or make the directory again.") from error
