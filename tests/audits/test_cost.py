"""Cost: figures without intervals, as ratios to the reference."""

from angelshare.audits.base import Answers, Cost, Member
from angelshare.audits.classifier.cost import CostAudit
from angelshare.findings import Outcome

from .example import data_of, pick, toxicity

MEMBERS = [Member("reference", "reference"), Member("student", "student")]


def test_each_figure_stands_beside_its_ratio_to_the_reference():
    costs = [Cost(1000, 4000, 10.0, 20.0, 5000, 1, 256), Cost(10, 40, 100.0, 500.0, 50, 1, 256)]
    judgement = CostAudit().judge(data_of(toxicity()), Answers(MEMBERS, costs=costs))
    finding = pick(judgement.findings, "student", "texts_per_second_batch")
    assert (finding.value.value, finding.outcome, finding.better) == (500.0, Outcome.NOT_JUDGED, "higher")
    assert finding.note == "25 times the reference."
    assert judgement.exhibits[0].rows[1]["size_bytes"] == 40


def test_what_could_not_be_measured_is_missing_and_not_zero():
    costs = [Cost(note="A predictions file: nothing ran.")] * 2
    judgement = CostAudit().judge(data_of(toxicity()), Answers(MEMBERS, costs=costs))
    assert {(f.value, f.outcome) for f in judgement.findings} == {(None, Outcome.NOT_APPLICABLE)}
    assert "predictions file" in judgement.findings[0].note


def test_it_times_the_first_texts_only():
    (request,) = CostAudit().ask(data_of(toxicity(rows=600)))
    assert (request.kind, len(request.texts)) == ("cost", 256)
