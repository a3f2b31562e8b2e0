"""Streams: the rows of many sources, each once, in order."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from angelshare.data.readers import CHUNK, LONGEST
from angelshare.data.sieve import Sieve
from angelshare.data.stream import Texts, cut, open_source, open_sources, stream
from angelshare.data.tables import Columns, Table, read
from angelshare.errors import DataError


def written(path: Path, rows: list[tuple[str, str]]) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text"), *rows])
    return path


def table(name: str, rows: list[tuple[str, str]]) -> Table:
    return Table(name, f"{name}.csv", np.array([i for i, _ in rows], dtype=object), [t for _, t in rows])


def all_rows(*sources: Table | Path, columns: Columns | None = None) -> list[tuple[str, str]]:
    parts = stream(open_sources(sources, columns))
    return [row for part in parts for row in zip(part.ids, part.texts, strict=True)]


def test_a_file_streams_as_it_reads(tmp_path: Path) -> None:
    path = written(tmp_path / "many.csv", [(f"n{at}", f"text {at}, é") for at in range(2 * CHUNK + 7)])
    for columns in (Columns(), Columns(id="id")):
        whole = read(path, columns)
        assert all_rows(path, columns=columns) == list(zip(whole.ids, whole.texts, strict=True))
    assert open_source(path).rows == 2 * CHUNK + 7


def test_rows_of_many_files_keep_apart(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    rows = [("0", "one"), ("1", "two")]
    first, second = written(tmp_path / "p.csv", rows), written(tmp_path / "b" / "p.csv", [("0", "one"), ("1", "three")])
    assert all_rows(first, second) == [("0", "one"), ("1", "two"), ("p-2:1", "three")]
    assert all_rows(first, first) == rows


def test_one_id_for_two_texts_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "p.csv", [("a", "one"), ("a", "one"), ("a", "two")])
    with pytest.raises(DataError, match=r"p\.csv, row 4, column 'id': the id 'a' stands for different texts"):
        all_rows(path, columns=Columns(id="id"))
    with pytest.raises(DataError, match="stands for different texts"):
        all_rows(table("x", [("b:a", "one")]), table("y", [("a", "two")]), table("b", [("a", "three")]))


def test_cut_changes_no_row() -> None:
    rng = np.random.default_rng(0)
    parts = []
    for start in range(0, 400, 40):
        names = [str(at) for at in range(start, start + int(rng.integers(0, 40)))]
        parts.append(Texts(names, names, ["s"] * len(names), np.ones(len(names), np.float32)))
    expected = [name for part in parts for name in part.ids]
    for rows in (1, 7, 40, 1000):
        pieces = list(cut(parts, rows))
        assert [name for piece in pieces for name in piece.ids] == expected
        assert {len(piece) for piece in pieces[:-1]} <= {rows} and 0 < len(pieces[-1]) <= rows


def test_the_guard_counts_what_it_drops() -> None:
    audit = open_source(table("audit", [("0", "You are fine."), ("1", "Good day")]))
    sieve = Sieve([audit], distinct=True)
    rows = [
        ("a", "You are fine."),
        ("b", "you ARE fine"),
        ("c", "quite another text"),
        ("d", "Quite another text!"),
        ("e", "good days"),
    ]
    parts = stream(open_sources([table("pool", rows)]))
    assert [name for part in parts for name in sieve.keep(part).ids] == ["c", "e"]
    assert sieve.counts == {"in_audit_exactly": 1, "in_audit_normalised": 1, "near_duplicate": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "is empty"), ("id,text\n", "has no rows"), ('id,text\n1,"open\n', "not closed"), ("id\n1\n", "no column")],
)
def test_broken_files_are_one_sentence(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        all_rows(tmp_path / "x.csv")
    assert "\n" not in str(caught.value)


def test_an_audit_set_without_rows_guards_nothing_and_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audit.csv").write_text("text\n")
    with pytest.raises(DataError, match=r"audit\.csv has no rows: no text would be kept out"):
        Sieve([open_source(tmp_path / "audit.csv")])


def test_what_is_dropped_or_mended_on_the_way_is_counted(tmp_path: Path) -> None:
    rows = [("a", "one"), ("b", None), ("a", "one"), ("c", " \t"), ("d", "x \ud800"), ("e", ""), ("d", "x \ud800")]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in rows))
    with pytest.raises(DataError, match="row 2, column 'text': the text is missing"):
        all_rows(path)
    counts: dict[str, int] = {}
    sieve = Sieve(empty=True)
    found = [sieve.keep(part) for part in stream(open_sources([path], Columns(id="id"), empty=True), counts)]
    assert [name for part in found for name in part.ids] == ["a", "d"]
    assert counts == {"repeated": 2, "lone_surrogates": 2} and sieve.counts == {"empty": 3}
    with pytest.raises(DataError, match="a text must be a string"):
        path.write_text('{"text": 1}\n')
        list(stream(open_sources([path], empty=True)))


def test_sets_stream_as_they_open(real_data: Path) -> None:
    for name in ("set:davidson", "set:civil_comments_spans"):
        whole = read(name)
        found = all_rows(name)  # type: ignore[arg-type]
        assert found == list(dict(zip(found, found, strict=True))) and [t for _, t in found] == whole.texts


@pytest.mark.parametrize("name", ["some.txt", "some.txt.gz"])
def test_plain_text_is_a_row_a_line(name: str, tmp_path: Path) -> None:
    lines = ["first", '  second, "quoted"  ', "", "   ", "third\r", *(f"line {at}" for at in range(CHUNK))]
    with (gzip.open if name.endswith("gz") else open)(tmp_path / name, "wt", encoding="utf-8", newline="") as file:
        file.write("\n".join(lines))
    found = [text for _, text in all_rows(tmp_path / name, columns=Columns(text="comment"))]
    assert found == ["first", 'second, "quoted"', "third", *lines[5:]]
    with pytest.raises(DataError, match="of one column"):
        all_rows(tmp_path / name, columns=Columns(id="id"))


def test_a_line_without_an_end_is_read_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("word " * 50_000)
    found = [text for _, text in all_rows(tmp_path / "long.txt")]
    assert max(map(len, found)) <= LONGEST and "".join(found).count("word") >= 49_990
    assert read(tmp_path / "long.txt").texts == found
