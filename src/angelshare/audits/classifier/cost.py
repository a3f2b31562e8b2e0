"""What does each model take to run?"""

from dataclasses import asdict

from angelshare.audits.base import WHOLE, Answers, AuditData, Cost, Judgement, Request
from angelshare.findings import Estimate, Exhibit, Finding, Metric, Outcome

TEXTS = 256
"""Texts of the data that are timed, the first ones."""

METRICS = (
    Metric("parameters", "lower", high=float("inf")),
    Metric("size_bytes", "lower", high=float("inf")),
    Metric("texts_per_second_single", "higher", high=float("inf")),
    Metric("texts_per_second_batch", "higher", high=float("inf")),
    Metric("peak_bytes", "lower", high=float("inf")),
)


class CostAudit:
    """Parameters, bytes, texts a second and peak memory, recorded interleaved; see docs/audits/cost.md."""

    code = "cost"
    own_rows = True

    def inapplicable(self, data: AuditData) -> str:
        return ""

    def ask(self, data: AuditData) -> list[Request]:
        return [Request("cost", data.table.ids[:TEXTS], data.table.texts[:TEXTS], kind="cost")]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        costs: dict[str, Cost] = {}
        for member, cost in zip(answers.members, answers.costs, strict=True):
            costs.setdefault(member.model, cost)
        reference = costs.get(answers.reference or "")
        findings = [
            _finding(data, model, metric, cost, reference) for model, cost in costs.items() for metric in METRICS
        ]
        rows = [{"model": model, **asdict(cost)} for model, cost in costs.items()]
        return Judgement(findings, [Exhibit(data.suite, self.code, "cost", rows)])


def _finding(data: AuditData, model: str, metric: Metric, cost: Cost, reference: Cost | None) -> Finding:
    found = getattr(cost, metric.name)
    base = getattr(reference, metric.name) if reference else None
    note = cost.note
    if found is not None and base and cost is not reference:
        note = f"{found / base:,.3g} times the reference."
    return Finding(
        suite=data.suite,
        audit=CostAudit.code,
        model=model,
        metric=metric.name,
        slice=WHOLE,
        better=metric.better,
        value=None if found is None else Estimate(float(found), n=TEXTS, method="measured", unit="none"),
        outcome=Outcome.NOT_APPLICABLE if found is None else Outcome.NOT_JUDGED,
        note=note,
    )
