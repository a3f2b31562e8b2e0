"""Which student is likely enough for a teacher and its data; and, of the students there are, which to take."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from angelshare.audits.classifier.cost import CostAudit
from angelshare.audits.classifier.identity_auc import IdentityAuc
from angelshare.audits.classifier.quality import Quality
from angelshare.audits.classifier.word_order import WordOrder
from angelshare.collect.auditing import audit
from angelshare.collect.suites import ColumnNames, Suite
from angelshare.data.readers import HUB
from angelshare.data.tables import SET, Columns
from angelshare.errors import DataError
from angelshare.report.advice import Advice, advice
from angelshare.report.hostile import plain
from angelshare.report.pareto import Choice, choices
from angelshare.report.words import amount, estimate, figure, interval, the, words
from angelshare.result import AuditResult

ROWS = 5_000
"""Rows of the data that the teacher answers at most: of these no more than 1,000 are shuffled."""


@dataclass(frozen=True, eq=False)
class Counsel:
    """What an audit says of the choice of a student; prints as lines to read.

    Attributes
    ----------
    advice : which kind of student is likely enough, one a set of rows on which word order was audited.
    choices : quality, size, speed and worst group's loss of three or more models, and who is beaten.
    """

    advice: tuple[Advice, ...]
    choices: tuple[Choice, ...]
    result: AuditResult

    @classmethod
    def of(cls, result: AuditResult) -> "Counsel":
        return cls(tuple(advice(result.summary)), tuple(choices(result.summary)), result)

    def __str__(self) -> str:
        return "\n".join([line for each in self.advice for line in _advised(each)] + _table(self.choices))


def advise(
    data: str | Path,
    *,
    teacher: Any = None,
    students: Mapping[str, Any] | None = None,
    columns: Columns | None = None,
    positive: str | None = None,
    rows: int = ROWS,
    out: str | Path | None = None,
    seed: int = 0,
    allow_code: bool = False,
) -> Counsel:
    """Say which student is likely enough, by the teacher's word-order sensitivity, with the figures and the rule.

    Parameters
    ----------
    data : golden rows that the teacher was not trained on; or what an audit was saved to, from which all is then read.
    teacher : as `audit` takes its reference.
    students : models to choose from, by name; with two or more, quality, size, speed and groups are laid side by side.
    rows : of the data at most, drawn with the seed, each label keeping its share.
    out : a folder to keep the audit in, with its report.

    Raises
    ------
    DataError
        Without a teacher, for data without labels, or for an audit that neither looked at word order nor at costs.
    """
    if Path(data).is_dir():
        if teacher is not None or students:
            raise DataError(f"{data} is an audit, and names its models itself. Leave teacher and students out.")
        found = Counsel.of(AuditResult.load(data))
        if not found.advice and not found.choices:
            raise DataError(
                f"{data} holds neither word-order figures nor costs of three models. "
                "Audit again with --suite quality,word-order,cost."
            )
        return found
    if teacher is None and not str(data).startswith((SET, HUB)) and not Path(data).exists():
        raise DataError(f"{data} does not exist. Name a file of golden rows, or the folder of an audit.")
    if teacher is None:
        raise DataError(f"Advice on {data} needs a teacher. Name one with --teacher MODEL.")
    columns = columns or Columns()
    if not (columns.label or columns.labels or columns.toxicity or str(data).startswith(SET)):
        raise DataError(f"Advice rests on what the teacher gets right in {data}. Name its labels with --label COLUMN.")
    codes = [Quality.code, WordOrder.code, *((IdentityAuc.code, CostAudit.code) if students else ())]
    chosen = ColumnNames(**{name: value for name, value in asdict(columns).items() if name in ColumnNames.model_fields})
    suite = Suite(
        name=_name(str(data)), data=(str(data),), audits=tuple(codes), columns=chosen, positive=positive, rows=rows
    )
    result = audit(reference=teacher, suites=[suite], models=students, out=out, seed=seed, allow_code=allow_code)
    found = Counsel.of(result)
    if not found.advice:
        mine = (f.note for f in result.findings if (f.audit, f.model) == (WordOrder.code, result.reference))
        raise DataError(f"Advice needs the teacher's word-order sensitivity. {next(mine, f'{data} has no labels.')}")
    return found


def _name(data: str) -> str:
    own = data.removeprefix(SET).split(":")[0] if data.startswith(SET) else Path(data).name.split(".")[0]
    return own or "data"


def _advised(each: Advice) -> list[str]:
    width = max((len(line.figure) for line in each.evidence), default=0)
    values = max((len(line.value) for line in each.evidence), default=0)
    said = f"{plain(the(each.teacher))} on {plain(each.suite)}: {each.headline}."
    lines = [said[:1].upper() + said[1:]]
    lines += [f"  {line.figure:<{width}}  {line.value:<{values}}  {line.rule}" for line in each.evidence]
    return lines + [f"  Not sure: {plain(line, 300)}" for line in each.unsure]


def _table(found: tuple[Choice, ...]) -> list[str]:
    if not found:
        return []
    metric = found[0].quality.metric
    rows = [("model", words(metric).label, "on disk", "texts/s", "worst group", "")]
    for each in found:
        value = each.quality.value
        ends = "" if value is None else f" ({interval(metric, value.low, value.high)})"
        loss = "" if each.loss is None else f"{figure('share', each.loss)} {plain(each.group)}".strip()
        beaten = f"beaten by {', '.join(map(plain, each.beaten_by))}" if each.beaten_by else "not beaten"
        size, rate = amount(each.size, "bytes"), amount(each.rate)
        rows.append((plain(each.model), estimate(metric, value) + ends, size, rate, loss, beaten))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
