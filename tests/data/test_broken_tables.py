"""Every broken input ends in one sentence that names file, row and column."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from angelshare.data import Columns, read, read_scores, require_classes
from angelshare.data.stream import open_source
from angelshare.errors import DataError

LABEL = Columns(label="label", id="id")
HEADER = "id,text,label\n"

CASES: dict[str, tuple[str, bytes, Columns, tuple[str, ...]]] = {
    "encoding": ("t.csv", b"id,text,label\n1,good,a\n2,caf\xe9,b\n", LABEL, ("row 3", "byte 6", "0xe9", "UTF-8")),
    "utf-16": ("t.csv", "id,text,label\n1,a,b\n".encode("utf-16"), LABEL, ("row 1", "byte 1", "UTF-8")),
    "short row": ("t.csv", b"id,text,label\n1,good,a\n2,bad\n", LABEL, ("row 3", "3 fields", "Got 2")),
    "long row": ("t.csv", b"id,text,label\n1,good,a\n2,b,c,d\n", LABEL, ("row 3", "3 fields", "Got 4")),
    "long row after a quoted break": (
        "t.csv",
        b'id,text,label\n1,"a\nb",x\n2,b,c,d\n',
        LABEL,
        ("row 3 (line 4)", "Got 4"),
    ),
    "open quote": ("t.csv", b'id,text,label\n1,"good,a\n2,b,c\n', LABEL, ("row 2", "quoted field is not closed")),
    "text after a quote": ("t.csv", b'id,text,label\n1,"good"x,a\n', LABEL, ("row 2", "quoted field")),
    "missing column": ("t.csv", b"id,text,lable\n1,good,a\n", LABEL, ("no column 'label'", "'id', 'text', 'lable'")),
    "wrong delimiter": ("t.csv", b"id;text;label\n1;good;a\n", LABEL, ("no column", "'id;text;label'")),
    "column twice": ("t.csv", b"id,text,label,label\n1,good,a,b\n", LABEL, ("row 1", "'label' appears 2 times")),
    "empty text": ("t.csv", b"id,text,label\n1,good,a\n2, ,b\n", LABEL, ("row 3", "column 'text'", "empty")),
    "NaN label": (
        "t.csv",
        b"id,text,label\n1,good,a\n2,bad,nan\n",
        LABEL,
        ("row 3", "column 'label'", "missing (NaN)"),
    ),
    "blank label": ("t.csv", b"id,text,label\n1,good,1\n2,bad,\n", LABEL, ("row 3", "column 'label'", "missing (NaN)")),
    "mixed kinds": ("t.csv", b"id,text,label\n1,good,1\n2,bad,joy\n", LABEL, ("row 3", "'label'", "names", "'joy'")),
    "mixed kinds, names first": ("t.csv", b"id,text,label\n1,a,joy\n2,b,7\n", LABEL, ("row 3", "'label'", "'7'")),
    "fraction as label": ("t.csv", b"id,text,label\n1,good,0.25\n", LABEL, ("row 2", "'label'", "'0.25'", "toxicity")),
    "duplicate id": ("t.csv", b"id,text,label\n1,a,x\n2,b,y\n1,c,x\n", LABEL, ("row 4", "column 'id'", "'1'", "row 2")),
    "missing id": ("t.csv", b"id,text,label\n1,a,x\n,b,y\n", LABEL, ("row 3", "column 'id'", "missing")),
    "no rows": ("t.csv", b"id,text,label\n", LABEL, ("no rows",)),
    "no bytes": ("t.csv", b"", LABEL, ("is empty", "column names")),
    "NUL byte": ("t.csv", b"id,text,label\n1,go\0od,a\n", LABEL, ("row 2", "NUL byte")),
    "tsv short row": ("t.tsv", b"id\ttext\tlabel\n1\tgood\n", LABEL, ("row 2", "3 fields")),
    "toxicity over 1": (
        "t.csv",
        b"text,tox\na,0.5\nb,1.5\n",
        Columns(toxicity="tox"),
        ("row 3", "'tox'", "[0, 1]", "1.5"),
    ),
    "toxicity a word": ("t.csv", b"text,tox\na,high\n", Columns(toxicity="tox"), ("row 2", "'tox'", "'high'")),
    "toxicity missing": (
        "t.csv",
        b"text,tox\na,0.5\nb,\n",
        Columns(toxicity="tox"),
        ("row 3", "'tox'", "missing (NaN)"),
    ),
    "multi-label word": ("t.csv", b"text,x,y\na,0,1\nb,1,yes\n", Columns(labels=("x", "y")), ("row 3", "'y'", "'yes'")),
    "identity below 0": (
        "t.csv",
        b"text,gay\na,\nb,-1\n",
        Columns(identities=("gay",)),
        ("row 3", "column 'gay'", "'-1'"),
    ),
    "negative weight": ("t.csv", b"text,w\na,1\nb,-2\n", Columns(weight="w"), ("row 3", "column 'w'", "at least 0")),
    "missing cluster": ("t.csv", b"text,c\na,1\nb,\n", Columns(cluster="c"), ("row 3", "column 'c'", "missing")),
    "not JSON": ("t.jsonl", b'{"id":1,"text":"a","label":"x"}\nnope\n', LABEL, ("row 2", "JSON object")),
    "JSON array": ("t.jsonl", b"[1, 2]\n", LABEL, ("row 1", "JSON object", "list")),
    "JSON number as text": ("t.jsonl", b'{"id":1,"text":5,"label":"x"}\n', LABEL, ("row 1", "column 'text'", "5")),
    "JSON null label": (
        "t.jsonl",
        b'{"id":1,"text":"a","label":"x"}\n{"id":2,"text":"b","label":null}\n',
        LABEL,
        ("row 2", "column 'label'", "missing"),
    ),
    "JSON missing column": ("t.jsonl", b'{"id":1,"text":"a"}\n', LABEL, ("no column 'label'", "'id', 'text'")),
    "JSON blank lines count": (
        "t.jsonl",
        b'\n\n{"id":1,"text":"","label":"x"}\n',
        LABEL,
        ("row 3", "column 'text'", "empty"),
    ),
    "JSON NaN": ("t.jsonl", b'{"text":"a","tox":NaN}\n', Columns(toxicity="tox"), ("row 1", "column 'tox'", "NaN")),
    "JSON huge number": (
        "t.jsonl",
        b'{"text":"a","tox":' + b"9" * 400 + b"}\n",
        Columns(toxicity="tox"),
        ("row 1", "column 'tox'"),
    ),
    "JSON list label": ("t.jsonl", b'{"text":"a","label":["x"]}\n', Columns(label="label"), ("row 1", "'label'")),
    "not gzip": ("t.csv.gz", b"id,text,label\n1,a,b\n", LABEL, ("gzip",)),
    "not Parquet": ("t.parquet", b"id,text,label\n1,a,b\n", LABEL, ("Parquet",)),
    "unknown suffix": ("t.xlsx", b"PK", LABEL, (".csv", "'.xlsx'")),
}


@pytest.mark.parametrize("case", CASES)
def test_broken_input_is_one_sentence(case: str, tmp_path: Path) -> None:
    name, content, columns, expected = CASES[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path, columns)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for part in expected:
        assert part in message, message


def test_unknown_label(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + "1,a,joy\n2,b,rage\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.csv, row 3, column 'label': .*one of joy, anger.*'rage'"):
        read(path, LABEL, names=("joy", "anger"))
    path.write_text(HEADER + "1,a,0\n2,b,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"row 3, column 'label': .*'2'"):
        read(path, LABEL, names=("joy", "anger"))
    with pytest.raises(DataError, match="among joy, anger"):
        read(path, Columns(labels=("joy", "fear")), names=("joy", "anger"))


def test_row_numbers_reach_past_the_first_chunk(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + "".join(f"{i},text {i},a\n" for i in range(5000)) + "x,,a\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"row 5002, column 'text'"):
        read(path, LABEL)


@pytest.mark.parametrize("suffix", [".csv.gz", ".jsonl.gz"])
def test_truncated_gzip(suffix: str, tmp_path: Path) -> None:
    rows = [{"id": i, "text": f"text number {i * 7919}", "label": "a"} for i in range(3000)]
    lines = [f"{r['id']},{r['text']},a" for r in rows] if "csv" in suffix else [json.dumps(r) for r in rows]
    whole = gzip.compress(("id,text,label\n" * ("csv" in suffix) + "\n".join(lines)).encode())
    path = tmp_path / f"t{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"not a whole gzip file"):
        read(path, LABEL)


def _parquet(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), path, write_page_checksum=True, compression="none")
    return path


def test_parquet_errors_name_row_and_column(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "t.parquet", text=["a", "b", "c"], tox=[0.1, None, 0.3])
    with pytest.raises(DataError, match=r"t\.parquet, row 2, column 'tox': .*missing"):
        read(path, Columns(toxicity="tox"))
    with pytest.raises(DataError, match=r"no column 'label'. Its columns: 'text', 'tox'"):
        read(path, Columns(label="label"))
    path = _parquet(tmp_path / "t.parquet", text=["a", None], tox=[0.1, 0.3])
    with pytest.raises(DataError, match=r"row 2, column 'text': the text is missing"):
        read(path, Columns(toxicity="tox"))


def test_parquet_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "t.parquet", text=["abcdefgh" * 50] * 3)
    damaged = path.read_bytes().replace(b"abcdefghabc", b"abcdefghabd", 1)
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="not a whole Parquet file"):
        read(path)


@pytest.mark.parametrize("make", [Path.mkdir, None])
def test_what_is_no_file(make: Callable[[Path], None] | None, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    if make is not None:
        make(path)
    with pytest.raises(DataError, match=r"t\.csv (is a directory|does not exist)"):
        read(path)


def test_one_class_only(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text,label,x\na,joy,1\nb,joy,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.csv holds the label 'joy' only"):
        require_classes(read(path, Columns(label="label")))
    with pytest.raises(DataError, match="holds the label 'joy' only"):
        require_classes(read(path, Columns(label="label"), names=("anger", "joy")))
    with pytest.raises(DataError, match=r"column 'x': there is no negative row"):
        require_classes(read(path, Columns(labels=("x",))))
    with pytest.raises(DataError, match="no labels"):
        require_classes(read(path))


def test_only_one_kind_of_label() -> None:
    with pytest.raises(DataError, match="Only one of label"):
        Columns(label="a", toxicity="b")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,toxic\n1,0.5\n1,0.6\n", ("row 3", "column 'id'", "row 2")),
        ("id,toxic\n1,\n", ("row 2", "column 'toxic'", "missing (NaN)")),
        ("id,toxic\n1,inf\n", ("row 2", "column 'toxic'", "finite", "'inf'")),
        ("id,toxic\n1,high\n", ("row 2", "column 'toxic'", "'high'")),
        ("id,other\n1,0.5\n", ("no column 'toxic'", "'id', 'other'")),
        ("toxic\n0.5\n", ("no column 'id'",)),
        ("id,toxic\n", ("no rows",)),
    ],
)
def test_broken_scores(content: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_scores(path, ["toxic"])
    assert str(path) in str(caught.value)
    for part in expected:
        assert part in str(caught.value)


def test_hub_names_without_network_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("Couldn't reach the Hub\nand more")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(
        DataError, match=r"^hub:owner/name \(train\) cannot be had from the hub: Couldn't reach the Hub\."
    ):
        read("hub:owner/name")


@pytest.mark.parametrize("name", ["hub:", "hub:/", "hub::config"])
def test_a_hub_set_without_a_name_is_one_sentence(name: str) -> None:
    with pytest.raises(DataError, match=f"'{name}' names no set of the hub"):
        read(name)
    with pytest.raises(DataError, match=f"'{name}' names no set of the hub"):
        open_source(name)


@pytest.mark.parametrize("columns", [{"labels": ("a", "a")}, {"label": "text"}, {"identities": ("x", "y", "x")}])
def test_a_column_is_named_for_one_thing(columns):
    with pytest.raises(DataError, match="is named twice"):
        Columns(**columns)


def test_names_and_indices_do_not_mix_where_the_names_are_known(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,text,label\n1,good,pos\n2,bad,1\n")
    with pytest.raises(DataError, match=r"row 3, column 'label': labels must all be names"):
        read(path, LABEL, names=("neg", "pos"))
