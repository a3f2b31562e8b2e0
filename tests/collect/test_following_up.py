"""An audit that asks again: each member is asked about rows of its own, by what it answered first."""

import numpy as np
import pytest

from angelshare.audits import registry
from angelshare.audits.base import Judgement, Request, ask_rows
from angelshare.collect import audit, export_texts
from angelshare.data.tables import Columns, read
from angelshare.findings import Exhibit, Outcome

from .example import COLUMNS, Counting, rows, write, write_scores


class Echo:
    """Asks again about the rows that a member calls bad; leaves out who calls none so."""

    code = "echo"
    own_rows = False

    def inapplicable(self, data):
        return ""

    def ask(self, data):
        return ask_rows(data)

    def follow(self, data, first):
        table = data.table
        if first is None:
            return [[self.request(table, np.arange(len(table)))]]
        called = [np.flatnonzero(found.probabilities[:, 0] >= 0.5) for found in first.predictions["rows"]]
        return [[self.request(table, at)] if len(at) else [] for at in called]

    def request(self, table, at):
        ids = np.array([f"{table.ids[i]}/again" for i in at], dtype=object)
        return Request("again", ids, [f"{table.texts[i]} again" for i in at])

    def judge(self, data, answers):
        pairs = zip(answers.members, answers.predictions["rows"], answers.predictions["again"], strict=True)
        rows = [{"model": member.model, "first": len(one), "again": list(two.ids)} for member, one, two in pairs]
        return Judgement(exhibits=[Exhibit(data.suite, self.code, "echo", rows)])


class Silent(Counting):
    def predict_logits(self, texts):
        return super().predict_logits(texts) - 100


class Tired(Counting):
    def predict_logits(self, texts):
        if any(text.endswith("again") for text in texts):
            raise RuntimeError("enough")
        return super().predict_logits(texts)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "AUDITS", {**registry.AUDITS, "echo": Echo()})
    return write(tmp_path / "data.csv", rows(40))


def run(data, out=None, **models):
    result = audit(data=data, columns=COLUMNS, suites=["echo"], out=out, draws=100, **models)
    return result, {row["model"]: row for exhibit in result.exhibits for row in exhibit.rows}


def test_each_member_answers_for_its_own_rows_once(data, tmp_path):
    models = {"reference": Counting("t"), "sure": Counting("s", 3.0), "quiet": Silent("q")}
    _, told = run(data, tmp_path / "out", **models)
    assert set(told) == {"reference", "sure"}
    assert told["reference"]["first"] == 40
    assert told["reference"]["again"] != told["sure"]["again"] != []
    scored = [model.scored for model in models.values()]
    assert run(data, tmp_path / "out", **models)[1] == told
    assert [model.scored for model in models.values()] == scored


def test_who_fails_the_second_time_is_a_finding_and_the_others_go_on(data):
    result, told = run(data, reference=Counting("t"), tired=Tired("s"), other=Counting("o", 2.0))
    assert set(told) == {"reference", "other"}
    (failed,) = result.findings
    assert (failed.model, failed.outcome, failed.note) == ("tired", Outcome.FAILED, "RuntimeError: enough")


def test_a_predictions_file_answers_where_it_holds_all_that_was_exported(data, tmp_path):
    files = {name: write_scores(tmp_path / f"{name}.csv", rows(40)) for name in ("reference", "student")}
    result, told = run(data, **files)
    assert not told
    assert {finding.outcome for finding in result.findings} == {Outcome.NOT_APPLICABLE}
    assert export_texts(tmp_path / "texts.csv", data=data, suites=["echo"], columns=COLUMNS) == 80
    exported = read(tmp_path / "texts.csv", Columns(id="id"))
    found = [{"id": i, "text": text} for i, text in zip(exported.ids, exported.texts, strict=True)]
    _, told = run(data, **{name: write_scores(path, found) for name, path in files.items()})
    assert set(told) == {"reference", "student"}


def test_a_model_may_be_asked_nothing():
    from angelshare.audits.base import Member
    from angelshare.collect.cache import Cache
    from angelshare.collect.loaded import Voice

    model = Counting("t", broken=True)
    found = Voice(Member("t", "reference"), model).answer(np.array([], dtype=object), [], Cache(None))
    assert found.scores.shape == (0, 1)
