"""Findings and predictions as Parquet: one versioned schema, every page with a checksum that is verified on reading."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from angelshare import runs
from angelshare.errors import DamagedFile
from angelshare.findings import ESTIMATE_FIELDS, SCHEMA, Estimate, Finding, Outcome
from angelshare.types import Answer, Predictions, Readings

FACTS = b"angelshare"

_ESTIMATE = pa.struct(
    [
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
        ("method", pa.string()),
        ("level", pa.float64()),
        ("unit", pa.string()),
    ]
)
_COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("suite", "audit", "model", "metric", "slice", "better")),
        ("value", _ESTIMATE),
        ("outcome", pa.string()),
        ("reference", pa.string()),
        ("delta", _ESTIMATE),
        ("family_low", pa.float64()),
        ("family_high", pa.float64()),
        ("family_size", pa.int64()),
        *((name, pa.float64()) for name in ("p", "p_holm", "p_bh", "margin", "target")),
        ("counts", pa.map_(pa.string(), pa.int64())),
        ("seeds", pa.list_(pa.float64())),
        ("seeds_disagree", pa.bool_()),
        ("approximate", pa.bool_()),
        ("note", pa.string()),
    ]
)
assert _COLUMNS.names == [field.name for field in fields(Finding)]
assert [field.name for field in _ESTIMATE] == list(ESTIMATE_FIELDS)


def findings_table(findings: Sequence[Finding]) -> pa.Table:
    """One row a finding; estimates as structs, missing figures as nulls, never as zeros."""
    rows = [_row(finding) for finding in findings]
    return pa.Table.from_pylist(rows, schema=_COLUMNS)


def _row(finding: Finding) -> dict[str, Any]:
    row = {field.name: getattr(finding, field.name) for field in fields(finding)}
    for name in ("value", "delta"):
        row[name] = None if row[name] is None else asdict(row[name])
    return row | {
        "outcome": str(finding.outcome),
        "counts": [(key, int(count)) for key, count in finding.counts.items()],
        "seeds": [float(seed) for seed in finding.seeds],
    }


def write_findings(path: Path, findings: Sequence[Finding]) -> None:
    table = findings_table(findings).replace_schema_metadata({FACTS: json.dumps({"schema": SCHEMA})})
    with runs.atomic_file(path) as aside:
        pq.write_table(table, aside, write_page_checksum=True, compression="zstd")


def read_findings(path: Path) -> list[Finding]:
    """Raises DamagedFile where the file is missing, damaged, or of another schema."""
    try:
        table = pq.read_table(path, page_checksum_verification=True, memory_map=False)
        schema = json.loads((table.schema.metadata or {})[FACTS])["schema"]
        if schema != SCHEMA:
            raise DamagedFile(f"{path} has schema {schema!r}, this angelshare reads {SCHEMA}. Audit again.")
        return [_finding(row) for row in table.to_pylist()]
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DamagedFile(f"{path} cannot be read as findings: {reason}. Audit again.") from error


def _finding(row: Mapping[str, Any]) -> Finding:
    parts = {name: None if row[name] is None else Estimate(**row[name]) for name in ("value", "delta")}
    given = {
        **row,
        **parts,
        "outcome": Outcome(row["outcome"]),
        "counts": dict(row["counts"]),
        "seeds": tuple(row["seeds"]),
    }
    return Finding(**given)


def write_predictions(path: Path, name: str, predictions: Predictions) -> None:
    """One column a label, in the labels' order, beside the ids; what else is known stands in the schema's metadata.

    Parameters
    ----------
    name : what the file is of; `read_answer` asks for it again.
    """
    facts = {
        "key": name,
        "model": predictions.model,
        "labels": predictions.labels,
        "multilabel": predictions.multilabel,
        "scale": predictions.scale,
        "fingerprint": predictions.fingerprint,
    }
    columns = {"id": pa.array([str(i) for i in predictions.ids], pa.string())}
    columns |= {f"score_{at}": pa.array(column) for at, column in enumerate(np.asarray(predictions.scores).T)}
    table = pa.table(columns).replace_schema_metadata({FACTS: json.dumps(facts)})
    with runs.atomic_file(path) as aside:
        pq.write_table(table, aside, write_page_checksum=True, compression="zstd")


def write_readings(path: Path, name: str, readings: Readings) -> None:
    """One column of fixed-size lists beside the ids."""
    facts = {
        "key": name,
        "model": readings.model,
        "columns": readings.columns,
        "fingerprint": readings.fingerprint,
        "vocabulary": readings.vocabulary,
    }
    values = np.ascontiguousarray(readings.values)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    columns = {"id": pa.array([str(i) for i in readings.ids], pa.string()), "values": lists}
    table = pa.table(columns).replace_schema_metadata({FACTS: json.dumps(facts)})
    with runs.atomic_file(path) as aside:
        pq.write_table(table, aside, write_page_checksum=True, compression="zstd")


def write_answer(path: Path, name: str, answer: Answer) -> None:
    """`write_predictions` or `write_readings`, by what it is."""
    if isinstance(answer, Readings):
        write_readings(path, name, answer)
    else:
        write_predictions(path, name, answer)


def read_answer(path: Path, name: str | None = None) -> Answer:
    """What `write_answer` left; raises ValueError, OSError, KeyError or pyarrow's errors for anything else."""
    table = pq.read_table(path, page_checksum_verification=True, memory_map=False)
    facts = json.loads((table.schema.metadata or {})[FACTS])
    if name is not None and facts["key"] != name:
        raise ValueError("it belongs to other texts or another model")
    ids = np.array(table["id"].to_pylist(), dtype=object)
    return _read_readings(table, facts, ids) if "columns" in facts else _read_predictions(table, facts, ids)


def _read_readings(table: pa.Table, facts: Mapping[str, Any], ids: np.ndarray) -> Readings:
    column = table["values"].combine_chunks()
    values = column.flatten().to_numpy().reshape(len(ids), column.type.list_size)
    return Readings(facts["model"], ids, values, tuple(facts["columns"]), facts["fingerprint"], facts["vocabulary"])


def _read_predictions(table: pa.Table, facts: Mapping[str, Any], ids: np.ndarray) -> Predictions:
    labels = tuple(facts["labels"])
    scores = np.stack([table[f"score_{at}"].to_numpy() for at in range(len(labels))], axis=1)
    return Predictions(facts["model"], ids, labels, facts["multilabel"], scores, facts["scale"], facts["fingerprint"])
