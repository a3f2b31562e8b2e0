"""What is read is what was written, in every format."""

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angelshare.data import Columns, Table, read, read_scores, require_classes
from angelshare.data.tables import hashed
from angelshare.data.values import without_surrogates
from angelshare.errors import DataError

ROWS = [
    {"id": "a1", "text": 'He said "no",\nand left', "label": "joy", "x": 0.25, "male": None, "t": "k", "w": 2.0},
    {"id": "a2", "text": "naïve 😀 tab\there", "label": "anger", "x": 1.0, "male": 0.5, "t": "l", "w": 0.0},
    {"id": "a3", "text": "  plain ", "label": "joy", "x": 0.0, "male": 1.0, "t": "k", "w": 1.5},
]
FORMATS = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet")


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    out = io.StringIO(newline="")
    if ".jsonl" in path.name:
        out.write("".join(json.dumps(row) + "\n" for row in rows))
    else:
        writer = csv.DictWriter(out, list(rows[0]), delimiter="\t" if ".tsv" in path.name else ",", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    data = out.getvalue().encode("utf-8")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats_agree(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"rows{suffix}", ROWS)
    columns = Columns(label="label", identities=("male",), id="id", cluster="t", weight="w")
    table = read(path, columns)
    assert table.name == "rows"
    assert list(table.ids) == ["a1", "a2", "a3"]
    assert table.texts == [row["text"] for row in ROWS]
    assert table.labels == ("anger", "joy")
    assert table.classes.tolist() == [1, 0, 1]
    assert table.targets is not None
    assert table.targets.dtype == np.float32
    np.testing.assert_array_equal(table.identities["male"], np.array([np.nan, 0.5, 1], dtype=np.float32))
    assert table.clusters is not None
    assert table.clusters.tolist() == [0, 1, 0]
    assert table.weights is not None
    assert table.weights.tolist() == [2, 0, 1.5]
    toxicity = read(path, Columns(toxicity="x"))
    assert toxicity.multilabel
    assert toxicity.labels == ("x",)
    assert toxicity.targets is not None
    assert toxicity.targets[:, 0].tolist() == [0.25, 1, 0]
    assert toxicity.ids.tolist() == ["0", "1", "2"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_scores_are_never_rounded(suffix: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 2))
    rows = [{"id": str(i), "b": float(v[1]), "a": float(v[0]), "note": ""} for i, v in enumerate(values)]
    ids, scores = read_scores(write(tmp_path / f"s{suffix}", rows), ["a", "b"])
    assert ids.tolist() == [str(i) for i in range(50)]
    np.testing.assert_array_equal(scores, values)


def _table(tmp_path: Path, content: str | bytes, columns: Columns, **options: object) -> Table:
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, columns, **options)  # type: ignore[arg-type]


def test_integers_keep_their_order(tmp_path: Path) -> None:
    table = _table(tmp_path, "text,y\na,10\nb,2\nc,2.0\n", Columns(label="y"))
    assert table.labels == ("2", "10")
    assert table.classes.tolist() == [1, 0, 0]


def test_names_order_labels_and_are_indexed_by_integers(tmp_path: Path) -> None:
    table = _table(tmp_path, "text,y\na,sad\nb,glad\n", Columns(label="y"), names=("sad", "glad", "mad"))
    assert table.labels == ("sad", "glad", "mad")
    assert table.classes.tolist() == [0, 1]
    table = _table(tmp_path, "text,y\na,2\nb,0\n", Columns(label="y"), names=("sad", "glad", "mad"))
    assert table.classes.tolist() == [2, 0]
    table = _table(tmp_path, "text,p,q\na,1,0\n", Columns(labels=("p", "q")), names=("q", "x", "p"))
    assert table.labels == ("q", "p")
    assert table.targets is not None
    assert table.targets.tolist() == [[0, 1]]


def test_spellings_of_truth(tmp_path: Path) -> None:
    table = _table(tmp_path, "text,y\na,true\nb,False\nc,1\nd,0.5\ne,TRUE\n", Columns(labels=("y",)))
    assert table.targets is not None
    assert table.targets[:, 0].tolist() == [1, 0, 1, 0.5, 1]
    require_classes(table)


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbftext,y\r\na,1\r\n"b\r\nc",2\r\n',
        b'text,y\n\na,1\n\n"b\r\nc",2',
    ],
)
def test_marks_line_ends_and_blank_lines_are_accepted(content: bytes, tmp_path: Path) -> None:
    table = _table(tmp_path, content, Columns(label="y"))
    assert table.texts == ["a", "b\r\nc"]


def test_a_long_text_is_accepted_and_the_limit_restored(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    table = _table(tmp_path, "text,y\n" + "word " * 300_000 + ",1\nb,2\n", Columns(label="y"))
    assert len(table.texts[0]) == 1_500_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("labels", [["nan", "null", "inf"], ["NaN", "b", "a"], ["null", "null", "x"]])
def test_where_types_are_known_any_name_is_a_class(labels: list[str], tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": list("abc"), "y": labels}), path)
    table = read(path, Columns(label="y"))
    assert [table.labels[at] for at in table.classes] == labels
    pq.write_table(pa.table({"text": list("abc"), "y": [labels[0], None, labels[2]]}), path)
    with pytest.raises(DataError, match="row 2, column 'y': the label is missing"):
        read(path, Columns(label="y"))
    (tmp_path / "t.csv").write_text("text,y\n" + "".join(f"a,{label}\n" for label in labels))
    with pytest.raises(DataError, match="the label is missing"):
        read(tmp_path / "t.csv", Columns(label="y"))


def test_lone_surrogates_are_replaced_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"id": "\\udcff", "text": "a \\ud800 b \\ud83d\\ude00"}\n', encoding="utf-8")
    table = read(path, Columns(id="id"))
    assert table.texts == ["a \ufffd b 😀"]
    assert table.ids.tolist() == ["\ufffd"]
    assert "t.jsonl: 1 text with lone surrogates, which UTF-8 cannot spell" in capsys.readouterr().err


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.characters(codec=None), max_size=8), max_size=8))
def test_texts_without_surrogates_always_encode(values: list[str]) -> None:
    cleaned = without_surrogates(values)
    "".join(cleaned).encode()
    assert [len(value) for value in cleaned] == [len(value) for value in values]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
            st.floats(0, 1, width=32),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_csv_that_python_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]) -> None:
    path = tmp_path_factory.mktemp("any") / "t.csv"
    kept = [("x" + text, value) for text, value in rows]
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)  # a bare CR must be quoted
        writer.writerow(["text", "y"])
        writer.writerows(kept)
    table = read(path, Columns(toxicity="y"))
    assert table.texts == [text for text, _ in kept]
    assert table.targets is not None
    assert table.targets[:, 0].tolist() == [value for _, value in kept]


@pytest.mark.parametrize("careful", [False, True])
def test_quick_and_careful_numbers_agree(careful: bool, tmp_path: Path) -> None:
    values = ["0.1", "", "1", "0", "1e-3", "0.123456789012345678"] + (["true", " 0.5 "] if careful else [])
    expected = [0.1, np.nan, 1, 0, 1e-3, 0.123456789012345678] + ([1, 0.5] if careful else [])
    table = _table(tmp_path, "text,g\n" + "".join(f"a,{v}\n" for v in values), Columns(identities=("g",)))
    np.testing.assert_array_equal(table.identities["g"], np.array(expected, dtype=np.float32))


def _numbered(n: int, clusters: np.ndarray | None = None) -> Table:
    texts = [f"text {i}" for i in range(n)]
    return Table("t", "t.csv", np.array([f"id{i}" for i in range(n)], dtype=object), texts, clusters=clusters)


def test_split_depends_on_ids_alone() -> None:
    table = _numbered(500)
    rest, held = table.split(0.2, seed=3)
    assert len(held) == 100
    assert sorted([*rest.ids, *held.ids]) == sorted(table.ids)
    shuffled = table.take(np.random.default_rng(0).permutation(500))
    assert set(shuffled.split(0.2, seed=3)[1].ids) == set(held.ids)
    assert set(table.split(0.2, seed=4)[1].ids) != set(held.ids)


def test_split_keeps_clusters_together() -> None:
    clusters = np.arange(200) // 5
    rest, held = _numbered(200, clusters).split(0.25)
    assert rest.clusters is not None
    assert held.clusters is not None
    assert not set(rest.clusters) & set(held.clusters)
    assert len(held) == 50


def test_split_refuses_what_cannot_be_split() -> None:
    with pytest.raises(DataError, match="too few rows"):
        _numbered(1).split(0.5)
    with pytest.raises(DataError, match=r"in \(0, 1\)"):
        _numbered(9).split(1.5)


def test_hash_is_the_same_everywhere() -> None:
    assert hashed("a", 0) == 0.8247287007468613


def test_take_carries_every_column(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", ROWS)
    table = read(path, Columns(label="label", identities=("male",), id="id", cluster="t", weight="w"))
    for index in (np.array([2, 0]), np.array([False, True, True])):
        taken = table.take(index)
        at = np.arange(3)[index]
        assert taken.texts == [table.texts[i] for i in at]
        assert taken.ids.tolist() == table.ids[at].tolist()
        np.testing.assert_array_equal(taken.identities["male"], table.identities["male"][at])
        assert taken.classes.tolist() == table.classes[at].tolist()


def test_hub_sets_come_with_the_names_of_their_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    made = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, 1]}, features=features)
    asked = []

    def load(name: str, config: str | None, split: str) -> object:
        asked.append((name, config, split))
        return made

    monkeypatch.setattr(datasets, "load_dataset", load)
    table = read("hub:owner/name:config", Columns(label="label"), split="test")
    assert asked == [("owner/name", "config", "test")]
    assert table.labels == ("neg", "pos")
    assert table.classes.tolist() == [1, 0, 1]
    assert table.name == "name:config"


def test_parquet_types_of_other_tools(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {
        "a.text": pa.array(["x", "y"], pa.large_string()),
        "y": pa.array(["p", "q"]).dictionary_encode(),
        "g": pa.array([True, None]),
        "f": pa.array([0.5, 1], pa.float16()),
        "id": pa.array([7, 8], pa.int32()),
        "nested": pa.array([{"k": 1}, None]),
    }
    pq.write_table(pa.table(columns), path)
    table = read(path, Columns(text="a.text", label="y", identities=("g", "f"), id="id"))
    assert table.texts == ["x", "y"]
    assert table.labels == ("p", "q")
    assert table.ids.tolist() == ["7", "8"]
    np.testing.assert_array_equal(table.identities["g"], np.array([1, np.nan], dtype=np.float32))
    assert table.identities["f"].tolist() == [0.5, 1]
    with pytest.raises(DataError, match=r"row 1, column 'nested'"):
        read(path, Columns(text="a.text", toxicity="nested"))
    with pytest.raises(DataError, match=r"row 1, column 'nested'"):
        read(path, Columns(text="a.text", label="nested"))


def test_pairs_and_numbers_to_predict(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("text,other,score\na,b,-1.5\nc,d,40\n", encoding="utf-8")
    columns = Columns(pair="other", regression="score")
    with pytest.raises(DataError, match="pairs of texts, which only finetune and glue take"):
        read(path, columns)
    with pytest.raises(DataError, match="texts with numbers to predict"):
        read(path, Columns(regression="score"))
    table = read(path, columns, pairs=True)
    assert table.inputs == [("a", "b"), ("c", "d")] and table.take([1]).inputs == [("c", "d")]
    assert table.regression and table.multilabel and table.targets is not None
    assert table.targets[:, 0].tolist() == [-1.5, 40]
    require_classes(table)
    with pytest.raises(DataError, match="one number only: 40"):
        require_classes(table.take([1]))


@pytest.mark.parametrize(
    ("content", "columns", "words"),
    [
        ("text,other\na,\n", Columns(pair="other"), "row 2, column 'other': the text is empty"),
        ("text,score\na,high\n", Columns(regression="score"), "must be a finite number. Got 'high'"),
        ("text,score\na,inf\n", Columns(regression="score"), "must be a finite number"),
        ("text\na\n", Columns(pair="other"), "no column 'other'"),
    ],
)
def test_broken_pairs_and_numbers(tmp_path: Path, content: str, columns: Columns, words: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read(path, columns, pairs=True)


def test_a_column_is_one_thing() -> None:
    with pytest.raises(DataError, match="Only one of label, labels, toxicity and regression"):
        Columns(label="a", regression="b")
    with pytest.raises(DataError, match="'text' is named twice"):
        Columns(pair="text")
