"""Augmentation of files: what is kept, what is dropped, in which format, and every mistake as one sentence."""

import csv
import gc
import json
import sys
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from augmenting import Guesser, Writer, sentences, table
from tiny_nltk import tiny_nltk
from typer.testing import CliRunner

from angelshare.cli import augment as command
from angelshare.data.augmentation import METHODS, AugmentOptions, augment, methods, wordnet
from angelshare.data.augmentation.methods import Sample, Traits
from angelshare.data.augmentation.words import Protected, words
from angelshare.data.likeness import normalised
from angelshare.data.stream import open_sources, stream
from angelshare.data.tables import Columns, Table, read
from angelshare.errors import AbsentSet, AngelshareError, DamagedFile, DataError, MissingPart, ModelError

app = typer.Typer()
app.command()(command.command)


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, AngelshareError):
        raise result.exception
    return result


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def masked(**others: Any) -> AugmentOptions:
    return AugmentOptions(method="masked", **others)


@contextmanager
def files_left_open() -> Iterator[None]:
    """nltk leaves the files of a reader that is given up to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def forget() -> None:
    with files_left_open():
        wordnet._wordnet.cache_clear()
        wordnet._tagger.cache_clear()


@pytest.fixture
def nltk_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The tiny WordNet and tagger as the only ones that nltk knows."""
    nltk = pytest.importorskip("nltk")
    monkeypatch.setattr(nltk.data, "path", [])
    monkeypatch.setenv("ANGELSHARE_DATA", str(tiny_nltk(tmp_path / "data")))
    forget()
    yield tmp_path
    forget()


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, traits in METHODS.items():
        monkeypatch.setitem(METHODS, name, Traits(7, traits.sample, traits.model, traits.labelled))


def test_copies_depend_on_the_text_alone(tmp_path: Path, small_shards: None) -> None:
    texts = sentences(60)
    whole = {}
    for name, given in (("a", texts), ("b", texts[::-1]), ("c", texts[20:40])):
        augment(table(given), tmp_path / f"{name}.csv", options=masked(per_text=2), model=Guesser())
        found = rows(tmp_path / f"{name}.csv")
        of = {f"pool-{at}": text for at, text in enumerate(given)}
        whole[name] = {(of[row["origin"]], row["id"].split(":")[0]): row["text"] for row in found}
    assert whole["a"] == whole["b"]
    assert whole["c"] == {key: text for key, text in whole["a"].items() if key[0] in texts[20:40]}
    augment(table(texts), tmp_path / "d.csv", options=masked(per_text=4), model=Guesser())
    more = {(row["origin"], row["id"].split(":")[0]): row["text"] for row in rows(tmp_path / "d.csv")}
    assert {text for _, text in whole["a"].items()} <= set(more.values())


def test_no_copy_equals_a_text_or_a_copy(tmp_path: Path, small_shards: None) -> None:
    texts = ["one good film", "the good story", "ONE story film!", "gay", "one good film"]
    facts = augment(table(texts), tmp_path / "a.csv", options=masked(per_text=9), model=Guesser(("film", "story")))
    found = rows(tmp_path / "a.csv")
    tidy = [normalised(row["text"]) for row in found]
    assert len(set(tidy)) == len(tidy) and not set(tidy) & {normalised(text) for text in texts}
    assert facts["texts"] == 5 and facts["rows"] == len(found) == sum(facts["operations"].values())
    assert facts["rows"] + sum(facts["dropped"].values()) == 9 * 5
    assert facts["dropped"]["same_as_a_text"] and facts["dropped"]["same_as_a_copy"]


def test_every_row_says_where_it_comes_from(tmp_path: Path) -> None:
    given = table(sentences(30))
    weights = np.arange(30) / 10
    given = Table(given.name, given.source, given.ids, given.texts, weights=weights)
    augment(given, tmp_path / "a.parquet", options=masked(originals=True), model=Guesser())
    found = pq.read_table(tmp_path / "a.parquet").to_pylist()
    of = {row["id"]: row for row in found if not row["origin"]}
    assert {name: row["text"] for name, row in of.items()} == dict(zip(given.ids, given.texts, strict=True))
    made = [row for row in found if row["origin"]]
    assert len(made) > 20 and len({row["id"] for row in found}) == len(found)
    for row in made:
        assert row["method"] == row["operation"] == "masked" and row["source"] == "pool"
        assert row["weight"] == of[row["origin"]]["weight"]
        assert len(row["text"].split()) == len(of[row["origin"]]["text"].split())


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_format_reads_back(suffix: str, tmp_path: Path) -> None:
    texts = ['say "no", good film', "tab\there good\nline", "naïve good 漢字 🙂", "lone \ud800 good", "nul \0 good x"]
    out = tmp_path / f"a{suffix}"
    augment(table(texts), out, options=masked(), model=Guesser(("fine",)))
    found = read(out, Columns(id="id"))
    assert len(found) == 5 and all("fine" in text and "\0" not in text for text in found.texts)
    before = out.read_bytes()
    augment(table(texts), out, options=masked(), model=Guesser(("fine",)))
    assert out.read_bytes() == before and not list(tmp_path.glob(".*"))


def test_texts_of_audit_sets_are_neither_augmented_nor_made(tmp_path: Path) -> None:
    audit = table(["A good film!", "one fine dog"], "audit")
    texts = ["a good film", "one good dog", "good"]
    options = masked(per_text=6, not_in=[(audit, None)])
    facts = augment(table(texts), tmp_path / "a.csv", options=options, model=Guesser(("fine", "kind")))
    found = [row["text"] for row in rows(tmp_path / "a.csv")]
    assert "one fine dog" not in found and facts["texts"] == 2
    assert facts["dropped"]["in_audit_exactly"] and facts["dropped"]["texts_in_audit_normalised"] == 1
    with pytest.raises(DataError, match="Every text is in an audit set"):
        augment(audit, tmp_path / "b.csv", options=options, model=Guesser())


def test_an_interrupted_run_goes_on(tmp_path: Path, small_shards: None) -> None:
    texts = sentences(60)

    class Dies(Guesser):
        def guesses(self, *given):
            if self.asked > 30:
                raise KeyboardInterrupt
            return super().guesses(*given)

    augment(table(texts), tmp_path / "whole.csv", options=masked(), model=Guesser())
    out = tmp_path / "a.csv"
    with pytest.raises(KeyboardInterrupt):
        augment(table(texts), out, options=masked(), model=Dies())
    assert not out.exists()
    with pytest.raises(DataError, match="unfinished work on other texts or options"):
        augment(table(texts), out, options=masked(seed=1), model=Guesser())
    last = Guesser()
    augment(table(texts), out, options=masked(), model=last)
    assert last.asked < 60 and out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    facts = [json.loads((tmp_path / name).read_text()) for name in ("a.csv.json", "whole.csv.json")]
    assert facts[0] == facts[1]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    out, texts = tmp_path / "a.csv", table(sentences(10))
    out.write_text("mine")
    with pytest.raises(DataError, match="nothing is written over"):
        augment(texts, out, options=masked(), model=Guesser())
    assert out.read_text() == "mine"
    out.unlink()
    augment(texts, out, options=masked(), model=Guesser())
    with pytest.raises(DataError, match="other texts or options"):
        augment(texts, out, options=masked(per_text=2), model=Guesser())
    out.write_text(out.read_text() + "x")
    with pytest.raises(DamagedFile, match="differs"):
        augment(texts, out, options=masked(), model=Guesser())


def test_generated_texts_follow_the_label(tmp_path: Path) -> None:
    texts = sentences(40)
    labels = ["joy" if at % 2 else "fear" for at in range(40)]
    of = dict(zip(texts, labels, strict=True))
    writer = Writer()
    options = AugmentOptions(method="generate", per_text=2)
    augment(table(texts, labels=labels), tmp_path / "a.csv", options=options, model=writer)
    assert len(writer.prompts) == 80
    for prompt in writer.prompts:
        *shots, last = prompt.split("\n")
        label = last.removesuffix(":")
        assert len(shots) == 4 and all(of[shot.removeprefix(f"{label}: ")] == label for shot in shots)
    found = rows(tmp_path / "a.csv")
    assert {row["operation"] for row in found} == {"label: joy", "label: fear"}
    assert not any("more" in row["text"] for row in found)
    path = tmp_path / "labelled.csv"
    path.write_text(
        "text,toxicity,insult\n" + "".join(f"{text},{at % 2},{at % 3 == 0:d}\n" for at, text in enumerate(texts))
    )
    several = list(stream(open_sources([path], Columns(labels=("toxicity", "insult")), labelled=True)))
    assert Counter(several[0].said or ()) == Counter(
        {"insult": 7, "toxicity": 13, "toxicity and insult": 7, "not toxicity or insult": 13}
    )
    with pytest.raises(DataError, match="needs labels"):
        augment(path, tmp_path / "b.csv", options=options, model=writer)
    many = table(texts * 7, labels=[str(at) for at in range(280)])
    with pytest.raises(DataError, match="256"):
        augment(many, tmp_path / "b.csv", options=options, model=writer)


def test_the_sample_is_the_same_in_any_order() -> None:
    texts = sentences(300)
    found = []
    for order in (np.arange(300), np.random.default_rng(0).permutation(300)):
        sample = Sample(20, 5)
        for part in stream(open_sources([table([texts[at] for at in order])])):
            sample.add(part)
            sample.add(part)
        found.append(sample.texts())
    assert found[0] == found[1] and len(set(found[0])) == 20
    assert set(found[0]) <= {" ".join(text.split()[:5]) for text in texts}


def test_the_commands_with_nltk(nltk_here: Path) -> None:
    pool = nltk_here / "pool.csv"
    pool.write_text("text,name\n" + "".join(f"{text},{at}\n" for at, text in enumerate(sentences(50))))
    for method in ("eda", "tang"):
        out = nltk_here / f"{method}.csv"
        result = run(pool, "--method", method, "--per-text", 3, "--id", "name", "--out", out)
        assert result.exit_code == 0 and result.stdout.strip() == str(out)
        found, protected = rows(out), AugmentOptions().protected
        assert 100 < len(found) <= 150 and {row["method"] for row in found} == {method}
        of = dict(enumerate(sentences(50)))
        for row in found:
            texts = (of[int(row["origin"])], row["text"])
            held = [
                [w for w, stays in zip(part.plain, part.held, strict=True) if stays]
                for part in (words(t, protected) for t in texts)
            ]
            assert held[0] == held[1]
        loose = nltk_here / f"{method}-loose.csv"
        assert run(pool, "--method", method, "--per-text", 3, "--no-protect", "--out", loose).exit_code == 0
        assert {row["text"] for row in rows(loose)} != {row["text"] for row in found}
    (nltk_here / "own.txt").write_text("good\n")
    own = nltk_here / "own.csv"
    assert run(pool, "--no-protect", "--protect", nltk_here / "own.txt", "--out", own).exit_code == 0
    for row in rows(own):
        assert row["text"].split().count("good") == sentences(50)[int(row["origin"])].split().count("good")


def test_wordnet_as_nltk_reads_it(nltk_here: Path) -> None:
    every, safe = wordnet.synonyms_of(Protected()), wordnet.synonyms_of(AugmentOptions().protected)
    assert every("films") == ("film", "movie", "picture show") and every("film") == ("movie", "picture show")
    assert every("happy") == ("gay", "glad") and safe("happy") == ("glad",)
    assert every("bad") == () and every("xyzzy") == () and every("") == ()
    assert wordnet.tags(["the", "good", "xyzzy"]) == ["DT", "JJ", "NN"]
    (nltk_here / "data" / "nltk" / "corpora" / "wordnet" / "index.noun").write_text("broken n x\n")
    forget()
    with files_left_open(), pytest.raises(DamagedFile, match="WordNet cannot be read"):
        wordnet.synonyms_of(Protected())


@pytest.mark.slow
def test_the_real_wordnet(real_data: Path) -> None:
    pytest.importorskip("nltk")
    forget()
    every, safe = wordnet.synonyms_of(Protected()), wordnet.synonyms_of(AugmentOptions().protected)
    assert {"glad", "felicitous"} <= set(every("happy")) and "queer" in every("gay")
    assert "black person" in every("black") and not {"black person", "pitch black"} & set(safe("black"))
    assert not any(any(letter.isdigit() for letter in word) for word in every("no"))
    assert wordnet.tags(["I", "do", "not", "like", "cats"]) == ["PRP", "VBP", "RB", "IN", "NNS"]
    forget()


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = tmp_path / "pool.csv"
    pool.write_text("text\na good film\n")
    forget()
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "nltk", None)
        for method in ("eda", "tang"):
            with pytest.raises(MissingPart, match=r"package nltk, which is missing: pip install 'angelshare\[train\]'"):
                run(pool, "--method", method, "--out", tmp_path / "a.csv")
    nltk = pytest.importorskip("nltk")
    monkeypatch.setattr(nltk.data, "path", [])
    monkeypatch.setenv("ANGELSHARE_DATA", str(tmp_path))
    for method, name in (("eda", "wordnet"), ("tang", "averaged_perceptron_tagger_eng")):
        with pytest.raises(AbsentSet, match=rf"nltk\.download\('{name}'\)") as caught:
            run(pool, "--method", method, "--out", tmp_path / "a.csv")
        assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pool.csv"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", (), "is empty"),
        ("text\n", (), "has no rows"),
        ("words\na\n", (), "no column 'text'"),
        ('text\n"open\n', (), "not closed"),
        ("text\na\n", ("--method", "synonyms"), "method must be one of eda, tang, masked, generate"),
        ("text\na\n", ("--method", "masked"), "needs a masked model"),
        ("text\na\n", ("--method", "generate", "--label", "verdict"), "needs a causal language model"),
        ("text\na\n", ("--language-model", "x"), "needs no model"),
        ("text\na\n", ("--method", "tang", "--mask", "a b"), "mask must be one word"),
        ("text\na\n", ("--protect", "nowhere.txt"), "nowhere.txt cannot be read"),
        ("text\na\n", ("--not-in", "nowhere.csv"), "nowhere.csv does not exist"),
    ],
)
def test_mistakes_are_one_sentence(content: str, options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    pool = tmp_path / "pool.csv"
    pool.write_text(content)
    with pytest.raises(AngelshareError, match=message) as caught:
        run(pool, *options, "--out", tmp_path / "a.csv")
    assert "\n" not in str(caught.value) and [path.name for path in tmp_path.iterdir()] == ["pool.csv"]


def test_a_text_that_gives_nothing(nltk_here: Path) -> None:
    pool = nltk_here / "pool.csv"
    pool.write_text("text\nxyzzy\n")
    with pytest.raises(DataError, match=r"No text gave a copy that is new \(same as a text: 2\)"):
        run(pool, "--per-text", 2, "--out", nltk_here / "a.csv")
    assert sorted(path.name for path in nltk_here.iterdir()) == ["data", "pool.csv"]
    pool.write_text("text\na good film\n")
    assert run(pool, "--per-text", 5, "--out", nltk_here / "a.csv").exit_code == 0
    with pytest.raises(DataError, match=r"must end in \.csv, \.tsv, \.jsonl, \.parquet"):
        run(pool, "--out", nltk_here / "a.txt")
    with pytest.raises(DataError, match="at least 1"):
        AugmentOptions(per_text=0)
    with pytest.raises(ModelError, match="needs a masked model"):
        augment(pool, nltk_here / "b.csv", options=masked(), model=Writer())
    with pytest.raises(DataError, match="no words to protect"):
        AugmentOptions(method="generate", words=("x",))


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """8,000 more texts are 8 MB; of each, three hashes and a few more in passing are held."""
    monkeypatch.setattr(wordnet, "synonyms_of", lambda protected: lambda word: ("movie",) if word == "film" else ())
    monkeypatch.setitem(methods.METHODS, "eda", Traits(256))
    peaks = []
    for count in (2_000, 10_000):
        pool = tmp_path / f"{count}.csv"
        with open(pool, "w") as file:
            file.write("text\n")
            file.writelines(f"a film {at} of {'on' * 500}\n" for at in range(count))
        tracemalloc.start()
        augment(pool, tmp_path / f"{count}.parquet", options=AugmentOptions())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2_000_000


def test_parquet_keeps_its_checksums(tmp_path: Path) -> None:
    augment(table(sentences(30)), tmp_path / "a.parquet", options=masked(), model=Guesser())
    found = pq.read_table(tmp_path / "a.parquet", page_checksum_verification=True)
    assert found.column_names == ["id", "text", "origin", "source", "method", "operation", "weight"]
    assert found.schema.field("weight").type == pa.float32()
