"""Audits from end to end: prediction files, models, seeds, what fails and what is kept."""

import dataclasses

import numpy as np
import pytest

from angelshare import collect
from angelshare.data.tables import Columns, read
from angelshare.errors import DamagedFile, DataError, ModelError
from angelshare.findings import Outcome
from angelshare.result import AuditResult

from .example import COLUMNS, Counting, rows, write, write_scores

ROWS = ["quality", "fidelity", "identity-auc"]


@pytest.fixture
def files(tmp_path):
    found = rows()
    return {
        "data": write(tmp_path / "data.csv", found),
        "reference": write_scores(tmp_path / "teacher.csv", found, 0.5, 1),
        "student": write_scores(tmp_path / "student.csv", found, 2.0, 2),
        "out": tmp_path / "out",
    }


def run(files, **changes):
    given = {**files, "columns": COLUMNS, "suites": ROWS, "draws": 200, **changes}
    return collect.audit(**given)


def test_prediction_files_alone_make_an_audit_that_reads_back_as_it_was(files):
    result = run(files)
    assert result.outcome("quality") is Outcome.LOSS
    names = {path.name for path in files["out"].iterdir()}
    assert names == {
        "findings.parquet", "predictions", "summary.json", "report.html", "report.md", "junit.xml", "manifest.json",
    }  # fmt: skip
    again = AuditResult.load(files["out"])
    assert again.findings == list(result.summary.findings)
    assert again.frame().height == len(result.findings)
    assert again.to_markdown() == result.to_markdown()
    assert set(again.predictions) == {name[:32] for name in result.predictions}
    (line,) = result.verdicts()
    assert line.startswith("student: within budget? no.")


def test_the_same_seed_gives_the_same_bytes(files, tmp_path):
    run(files)
    run({**files, "out": tmp_path / "again"})
    for name in ("findings.parquet", "summary.json", "report.html"):
        assert (files["out"] / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_flipped_byte_of_an_audit_is_refused_by_name(files):
    run(files)
    path = files["out"] / "findings.parquet"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"findings\.parquet differs"):
        AuditResult.load(files["out"])


def test_other_things_in_the_folder_are_none_of_the_audits(files):
    (files["out"] / "models").mkdir(parents=True)
    other = files["out"] / "models" / "notes.txt"
    other.write_text("before")
    run(files)
    other.write_text("after")
    assert AuditResult.load(files["out"]).findings


def test_missing_ids_are_one_sentence(files, tmp_path):
    found = rows()[:-3]
    short = write_scores(tmp_path / "short.csv", found)
    with pytest.raises(DataError, match=r"short\.csv has no row with the id 'r297' \(3 of 300"):
        run(files, student=short)


def test_a_predictions_file_without_the_swaps_is_not_applicable_there(files):
    result = run(files, suites=["quality", "identity-swaps"])
    swaps = [f for f in result.findings if f.audit == "identity-swaps"]
    assert {f.outcome for f in swaps} == {Outcome.NOT_APPLICABLE}
    assert result.outcome("identity-swaps") is Outcome.NOT_APPLICABLE


def test_exported_texts_scored_elsewhere_come_back_with_the_swaps(files, tmp_path):
    suites = ["quality", "identity-swaps"]
    count = collect.export_texts(tmp_path / "texts.csv", data=files["data"], suites=suites, columns=COLUMNS)
    exported = read(tmp_path / "texts.csv", Columns(id="id"))
    assert count == len(exported) > 1000
    found = [{"id": i, "text": text} for i, text in zip(exported.ids, exported.texts, strict=True)]
    scored = {
        name: write_scores(tmp_path / f"{name}.csv", found, 1, at) for at, name in enumerate(("reference", "student"))
    }
    result = run(files, suites=suites, **scored)
    assert {f.suite for f in result.findings} == {"data", "swaps-toxicity"}
    assert any(f.metric == "score_range" and f.value for f in result.findings)


def test_a_second_run_scores_nothing_again(files):
    models = {"reference": Counting("teacher"), "student": Counting("student", 2)}
    first = run(files, suites=["quality", "identity-swaps"], **models)
    scored = {name: model.scored for name, model in models.items()}
    assert min(scored.values()) > 1000
    second = run(files, suites=["quality", "identity-swaps"], **models)
    assert {name: model.scored for name, model in models.items()} == scored
    assert second.findings == first.findings


def test_a_damaged_prediction_is_scored_again(files, capsys):
    models = {"reference": Counting("teacher"), "student": Counting("student", 2)}
    first = run(files, **models)
    path = min((files["out"] / "predictions").iterdir())
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    before = sum(model.scored for model in models.values())
    assert run(files, **models).findings == first.findings
    assert sum(model.scored for model in models.values()) == before + 300
    assert "is damaged" in capsys.readouterr().err


def test_a_model_that_fails_is_a_finding_and_the_others_go_on(files):
    models = {"reference": Counting("teacher"), "student": Counting("student"), "bad": Counting("bad", broken=True)}
    result = run(files, suites=["quality"], **models)
    assert any(f.value is not None for f in result.findings if f.model == "student")
    (failed,) = [f for f in result.findings if f.model == "bad"]
    assert failed.outcome is Outcome.FAILED
    assert failed.note == "RuntimeError: out of"
    assert result.outcome() is Outcome.FAILED


def test_a_reference_that_fails_fails_everyone(files):
    result = run(files, suites=["quality"], reference=Counting("teacher", broken=True), student=Counting("student"))
    assert result.outcome("quality") is Outcome.FAILED


def test_labels_are_aligned_by_name(tmp_path):
    rng = np.random.default_rng(0)
    found = [{"id": str(i), "text": f"text {i}", "label": "abc"[rng.integers(3)]} for i in range(200)]
    data = write(tmp_path / "data.csv", found)
    one = [{"id": r["id"], **{k: 0.8 if k == r["label"] else 0.1 for k in "abc"}} for r in found]
    other = [{"id": r["id"], **{k: r[k] for k in "cab"}} for r in one]
    result = collect.audit(
        reference=write(tmp_path / "one.csv", one), student=write(tmp_path / "other.csv", other), data=data,
        columns=Columns(label="label", id="id"), suites=["quality", "fidelity", "identity-auc"], draws=100,
    )  # fmt: skip
    agreement = next(f for f in result.findings if f.metric == "agreement")
    assert agreement.value.value == 1
    assert {f.value.value for f in result.findings if f.metric == "accuracy"} == {1.0}
    assert result.outcome("identity-auc") is Outcome.NOT_APPLICABLE


def test_other_labels_are_one_sentence(files):
    with pytest.raises(ModelError, match=r"labels of 'student' are anger, joy.*must be the same"):
        run(files, reference=Counting("t"), student=Counting("s", labels=("anger", "joy"), multilabel=False))


def test_one_label_of_several_is_picked_by_positive(files):
    several = Counting("t", labels=("insult", "toxic", "threat"))
    result = run(files, reference=several, student=Counting("s"), positive="toxic", suites=["quality"])
    assert all(f.value is not None for f in result.findings)


@pytest.mark.parametrize("named", ["toxic", "fine"])
@pytest.mark.parametrize("scale", ["probabilities", "logits"])
def test_one_score_tells_both_of_two_labels(tmp_path, named, scale):
    rng = np.random.default_rng(0)
    data, both, one = [], [], []
    for i in range(200):
        toxic, score = i % 3 == 0, rng.random() * 0.98 + 0.01
        data.append({"id": i, "text": f"text {i}", "label": "toxic" if toxic else "fine"})
        shares = {"fine": 1 - score, "toxic": score}
        both.append({"id": i, **(shares if scale == "probabilities" else {k: np.log(p) for k, p in shares.items()})})
        alone = shares[named]
        one.append({"id": i, named: alone if scale == "probabilities" else np.log(alone / (1 - alone))})
    files = [write(tmp_path / f"{name}.csv", found) for name, found in (("data", data), ("both", both), ("one", one))]
    result = collect.audit(
        reference=files[1], student=files[2], data=files[0], columns=Columns(label="label", id="id"),
        positive="toxic", suites=["quality", "fidelity"], scores=scale, draws=100,
    )  # fmt: skip
    quality = [f for f in result.findings if f.audit == "quality" and f.model == "student"]
    assert len(quality) == 7 and all(abs(f.delta.value) < 1e-6 for f in quality)
    assert next(f for f in result.findings if f.metric == "agreement").value.value == 1


def test_a_name_repeated_is_one_model_with_seeds(files):
    result = run(files, reference=Counting("t"), student=[Counting("s1"), Counting("s2", 1)], suites=["quality"])
    assert all(len(f.seeds) == 2 for f in result.findings if f.model == "student")
    subject = next(s for s in result.subjects if s.name == "student")
    assert len(subject.fingerprints) == 2


def test_costs_are_measured_in_turn_and_never_judged(files):
    models = {"reference": Counting("t"), "student": Counting("s")}
    result = run(files, suites=["cost"], **models)
    assert {f.outcome for f in result.findings} <= {Outcome.NOT_JUDGED, Outcome.NOT_APPLICABLE}
    (exhibit,) = result.exhibits
    assert exhibit.rows[1]["texts_per_second_batch"] > 0
    assert exhibit.rows[1]["parameters"] == 3


def test_two_data_sets_are_two_suites_and_ids_must_tell_them_apart(files, tmp_path):
    other = write(tmp_path / "other.csv", rows(seed=1))
    result = run(files, data=[files["data"], other], reference=Counting("t"), student=Counting("s"), suites=["quality"])
    assert {f.suite for f in result.findings} == {"data", "other"}
    with pytest.raises(DataError, match=r"'r\d+' names one text"):
        run(files, data=[files["data"], other])


def test_one_class_is_a_finding_and_no_error(files, tmp_path):
    found = [{**row, "toxic": 0} for row in rows()]
    result = run(files, data=write(tmp_path / "one.csv", found))
    assert any(f.outcome is Outcome.NOT_ENOUGH_DATA for f in result.findings)


def test_data_without_labels_still_shows_fidelity(files):
    result = run(files, columns=Columns(id="id"), suites=["quality", "fidelity"])
    assert result.outcome("quality") is Outcome.NOT_APPLICABLE
    assert next(f for f in result.findings if f.metric == "agreement").value is not None


def test_a_suite_of_the_users_own_joins_by_a_few_lines(files, tmp_path):
    suite = tmp_path / "mine.toml"
    suite.write_text(
        'name = "mine"\ndata = "data.csv"\naudits = ["quality"]\n'
        '[columns]\ntoxicity = "toxic"\nid = "id"\n[margins]\n"quality/*" = 0.9\n'
    )
    result = run(files, data=None, suites=[suite])
    assert {f.suite for f in result.findings} == {"mine"}
    assert {f.margin for f in result.findings if f.model == "student"} == {0.9}
    suite.write_text('name = "mine"\ndata = "data.csv"\naudit = ["quality"]\n')
    with pytest.raises(DataError, match="'audit' is unknown"):
        run(files, data=None, suites=[suite])
    suite.write_text('name = "mine"\ndata = "data.csv"\naudits = ["beauty"]\n')
    with pytest.raises(DataError, match="Got 'beauty' instead"):
        run(files, data=None, suites=[suite])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"suites": ["beauty"]}, "A suite must be an audit"),
        ({"data": None}, "need data"),
        ({"draws": 3}, "at least 100"),
        ({"positive_rate": 1.5}, "between 0 and 1"),
        ({"student": None}, "'student' has no model"),
        ({"student": "nowhere/at/all"}, "nowhere/at/all"),
        ({"identities": ["male"]}, "no identity column 'male'"),
    ],
)
def test_a_users_slip_is_one_sentence(files, changes, says):
    with pytest.raises((DataError, ModelError), match=says):
        run(files, **changes)


def test_what_distil_left_brings_seeds_and_controls(tmp_path):
    from angelshare.collect.subjects import contestants

    for folder in ("s", "s/controls/gold", "s/controls/hard", "s/seeds/1", "s/seeds/1/controls/gold", "s/seeds/2"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "config.json").write_text("{}")
    found = contestants("t.csv", {"bow": [str(tmp_path / "s")], "tf-idf": "x"})
    assert [(c.name, c.role, len(c.sources), c.of) for c in found] == [
        ("reference", "reference", 1, ""),
        ("bow", "student", 3, ""),
        ("bow:gold", "control", 2, "bow"),
        ("bow:hard", "control", 1, "bow"),
        ("tf-idf", "tfidf", 1, ""),
    ]


def test_findings_survive_the_file(files):
    result = run(files)
    again = AuditResult.load(files["out"])
    for before, after in zip(result.summary.findings, again.findings, strict=True):
        assert dataclasses.asdict(before) == dataclasses.asdict(after)


def test_what_another_command_made_is_not_written_over(files, tmp_path):
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"student holds what another command made.*another --out"):
        run(files, reference=Counting("t"), student=Counting("s"), out=tmp_path / "student")
    assert [path.name for path in (tmp_path / "student").iterdir()] == ["manifest.json"]


def test_an_empty_suite_is_a_slip(files):
    with pytest.raises(DataError, match=r"A suite must be an audit.*Got ''"):
        run(files, reference=Counting("t"), student=Counting("s"), suites=[""])


def test_a_result_prints_its_verdict(files):
    result = run(files, reference=Counting("t"), student=Counting("s"), suites=["quality"])
    assert repr(result).splitlines()[1].startswith("student: within budget?")
