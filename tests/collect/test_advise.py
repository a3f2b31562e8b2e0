"""Word order from end to end, and `angelshare advise`: what is kept, what a killed run leaves, what a slip says."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import angelshare as ash
from angelshare import collect
from angelshare.cli.main import app
from angelshare.data.tables import Columns, read
from angelshare.errors import AngelshareError, DataError
from angelshare.findings import Outcome
from angelshare.runs import digest

from .example import Counting, write

COLUMNS = Columns(label="label", id="id")
LABELS = ("bad", "kind")
WORDS = ("film", "plot", "scene", "cast", "story", "line", "song", "shot")


def rows(count=240):
    rng = np.random.default_rng(0)
    found = []
    for i in range(count):
        label = LABELS[int(rng.random() < 0.6)]
        text = " ".join(rng.permutation([label, *rng.choice(WORDS, 6)]))
        found.append({"id": f"r{i}", "text": f"{text}.", "label": label})
    return found


class Ordered(Counting):
    """Reads the label's word, and errs by the whole text, as often as `noise` says."""

    labels, multilabel = LABELS, False

    def predict_logits(self, texts):
        self.scored += len(texts)
        out = np.zeros((len(texts), 2), dtype=np.float32)
        for row, text in enumerate(texts):
            wrong = int(digest(self.name, text)[:4], 16) / 65536 < self.noise
            out[row, int(("kind" in text) ^ wrong)] = 2.0
        return out


class Killed(Ordered):
    def predict_logits(self, texts):
        if self.scored > 3_000:
            raise KeyboardInterrupt
        return super().predict_logits(texts)


@pytest.fixture
def data(tmp_path):
    return write(tmp_path / "data.csv", rows())


def run(data, out=None, **models):
    return collect.audit(data=data, columns=COLUMNS, suites=["word-order"], draws=100, out=out, **models)


def scored(path, ids, kind):
    return write(path, [{"id": i, "bad": 1 - k, "kind": int(k)} for i, k in zip(ids, kind, strict=True)])


def value(result, model, metric):
    return next(f.value.value for f in result.findings if (f.model, f.metric, f.slice) == (model, metric, "all"))


def test_a_killed_run_goes_on_where_it_stopped_and_a_second_scores_nothing(data, tmp_path):
    whole, killed = Ordered("t", 0.1), Killed("t", 0.1)
    first = run(data, tmp_path / "whole", reference=whole, student=Ordered("s", 0.3))
    with pytest.raises(KeyboardInterrupt):
        run(data, tmp_path / "again", reference=killed, student=Ordered("s", 0.3))
    rest = Ordered("t", 0.1)
    run(data, tmp_path / "again", reference=rest, student=Ordered("s", 0.3))
    assert 0 < rest.scored < whole.scored
    for name in ("findings.parquet", "summary.json", "report.html", "manifest.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    before = rest.scored
    assert run(data, tmp_path / "again", reference=rest, student=Ordered("s", 0.3)).findings == first.findings
    assert rest.scored == before
    assert 0 < value(first, "reference", "wos") < value(first, "student", "wos")


def test_exported_shuffles_scored_elsewhere_come_back(data, tmp_path):
    collect.export_texts(tmp_path / "texts.jsonl", data=data, suites=["word-order"], columns=COLUMNS)
    exported = read(tmp_path / "texts.jsonl", Columns(id="id"))
    assert len(exported) > 5_000
    files = {}
    for name, noise in (("reference", 0.1), ("student", 0.3)):
        kind = np.argmax(Ordered(name, noise).predict_logits(exported.texts), axis=1)
        files[name] = scored(tmp_path / f"{name}.csv", exported.ids, kind)
    filed = run(data, **files)
    models = run(data, reference=Ordered("reference", 0.1), student=Ordered("student", 0.3))
    for model in ("reference", "student"):
        assert value(filed, model, "wos") == pytest.approx(value(models, model, "wos"))
    short = scored(tmp_path / "short.csv", exported.ids[:240], [row["label"] == "kind" for row in rows()])
    lacking = run(data, reference=files["reference"], student=short)
    (left,) = [f for f in lacking.findings if f.model == "student"]
    assert left.outcome is Outcome.NOT_APPLICABLE and "no row with the id" in left.note


def test_it_is_no_usual_audit(data):
    result = collect.audit(data=data, columns=COLUMNS, reference=Ordered("t", 0.1), student=Ordered("s"), draws=100)
    assert not [f for f in result.findings if f.audit == "word-order"]


def test_advice_from_the_teacher_alone_and_again_from_what_was_kept(data, tmp_path):
    found = ash.advise(data, teacher=Ordered("t", 0.05), columns=COLUMNS, out=tmp_path / "out")
    (each,) = found.advice
    assert each.student == "bow" and each.teacher == "reference" and not found.choices
    said = str(found)
    assert said.startswith("The reference on data: bow is likely enough")
    assert "word-order sensitivity" in said and "Not sure: Fewer than 1,000 rows" in said
    again = ash.advise(tmp_path / "out")
    assert str(again) == said
    assert "Which student is likely enough" in (tmp_path / "out" / "report.html").read_text()


def test_students_stand_side_by_side(data):
    models = {"good": Ordered("a", 0.1), "worse": Ordered("b", 0.4)}
    found = ash.advise(data, teacher=Ordered("t", 0.05), students=models, columns=COLUMNS, rows=200)
    assert {each.model for each in found.choices} == {"reference", "good", "worse"}
    last = str(found).splitlines()[-3:]
    assert [line.split()[0] for line in last] == ["reference", "good", "worse"]
    assert found.advice[0].evidence[3].value == "240"


def advise(*arguments):
    found = CliRunner().invoke(app, ["advise", *map(str, arguments)])
    if isinstance(found.exception, AngelshareError):
        return 2, found.output, str(found.exception)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.output, ""


def test_the_command_prints_the_advice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "data.csv", rows())
    collect.export_texts(tmp_path / "texts.csv", data="data.csv", suites=["word-order"], columns=COLUMNS)
    exported = read(tmp_path / "texts.csv", Columns(id="id"))
    scored(tmp_path / "teacher.csv", exported.ids, ["kind" in text for text in exported.texts])
    named = ["--label", "label", "--id", "id"]
    code, output, sentence = advise("data.csv", "--teacher", "teacher.csv", *named, "--out", "o")
    assert (code, sentence) == (0, "")
    assert "bow is likely enough" in output and "0.000" in output
    assert output.splitlines()[-1] == "Report: o/report.html"
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["subjects"]
    assert "bow is likely enough" in advise("o")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.csv", "--teacher", "t.csv", "--label", "label"], "none.csv"),
        (["data.csv", "--label", "label"], "needs a teacher"),
        (["data.csv", "--teacher", "t.csv"], "--label COLUMN"),
        (["data.csv", "--teacher", "none.csv", "--label", "label"], "none.csv"),
        (["data.csv", "--teacher", "t.csv", "--label", "mood"], "mood"),
        (["data.csv", "--teacher", "t.csv", "--label", "label", "--id", "id"], "no row with the id"),
        (["data.csv", "--teacher", "t.csv", "--label", "label", "--student", "bow"], "NAME=MODEL"),
        (["empty.csv", "--teacher", "t.csv", "--label", "label"], "empty.csv"),
        (["header.csv", "--teacher", "t.csv", "--label", "label"], "header.csv"),
        (["."], "holds no audit"),
        (["kept"], "word-order,cost"),
        (["kept", "--teacher", "t.csv"], "Leave teacher and students out"),
    ],
)
def test_a_slip_is_one_sentence(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    found = rows(60)
    write(tmp_path / "data.csv", found)
    scored(tmp_path / "t.csv", [r["id"] for r in found], [r["label"] == "kind" for r in found])
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("id,text,label\n")
    collect.audit(
        data="data.csv", columns=COLUMNS, suites=["quality"], reference="t.csv", student="t.csv", draws=100, out="kept"
    )
    code, _, sentence = advise(*arguments)
    assert code == 2 and says in sentence and "\n" not in sentence


def test_one_row_is_too_few_and_says_so(tmp_path):
    data = write(tmp_path / "one.csv", [*rows(1), {"id": "x", "text": "short", "label": "bad"}][:2])
    found = ash.advise(data, teacher=Ordered("t", 0.0), columns=COLUMNS)
    assert found.advice[0].student == "" and "cannot be told" in str(found)
    with pytest.raises(DataError, match="--label COLUMN"):
        ash.advise(data, teacher=Ordered("t", 0.0))
