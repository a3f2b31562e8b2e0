"""The same report, shorter, for a pull request or a model card. Texts and long lists stay in the HTML."""

from collections.abc import Iterable

from angelshare.findings import Outcome
from angelshare.report import orders, study, switched
from angelshare.report.advice import advice
from angelshare.report.associations import Side, boards
from angelshare.report.charts import cost_rows
from angelshare.report.hostile import markdown as escaped
from angelshare.report.lists import where
from angelshare.report.pareto import choices
from angelshare.report.sentences import (
    bias,
    capital,
    certainty,
    headline,
    in_markdown,
    nobody,
    sentence,
    suites,
    within,
)
from angelshare.report.summary import Summary, Verdict
from angelshare.report.views import Cell, Row, arranged, comparison, maps, steps
from angelshare.report.words import OUTCOMES, amount, audit_label, estimate, figure, spaced, words

WORST = 10
"""Groups that the verdict names, and rows of a table about groups; the HTML holds more."""

ROWS = 40
"""Rows of the tables side by side, and of those about controls, all suites together; each gets its share."""


def to_markdown(summary: Summary) -> str:
    title = escaped(summary.facts.get("title") or "What was lost")
    parts = [
        f"# {title}",
        *_study(summary),
        *_verdicts(summary),
        *_side_by_side(summary),
        *_steps(summary),
        *_groups(summary),
    ]
    parts += [*_orders(summary), *_associations(summary), *_switches(summary), *_costs(summary)]
    parts += [*_choices(summary), *_facts(summary)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _study(summary: Summary) -> list[str]:
    """What a recipe found beside its paper."""
    found = study.claims(summary)
    lines = [
        f"{each.number}. **{escaped(each.answer)}**: {escaped(' '.join((each.text, *each.why)), 600)}" for each in found
    ]
    parts = ["\n".join(lines)] if lines else []
    for table in study.tables(summary):
        metrics = list(table.metrics)
        header = ["data set", "suite", "the paper's", *metrics, "difference", "ours", *metrics, "difference, interval"]
        rows = (
            [escaped(group), escaped(suite), *_side(row.paper), *_ours(row)]
            for group, suite, found_rows in table.groups
            for row in found_rows
        )
        parts += [f"## {escaped(table.title)}", _table(header, rows)]
    return parts


def _side(side: study.Side) -> list[str]:
    return [escaped(side.model), *side.values, side.change]


def _ours(row: study.PaperRow) -> list[str]:
    if row.note:
        return [escaped(row.note), *("" for _ in (*row.ours.values, row.ours.change))]
    *rest, change = _side(row.ours)
    return [*rest, f"{change}{f' ({row.interval})' if row.interval else ''}"]


def _verdicts(summary: Summary) -> list[str]:
    students = {subject.name for subject in summary.students}
    return [_verdict(summary, verdict) for verdict in summary.verdicts if verdict.model in students]


def _verdict(summary: Summary, verdict: Verdict) -> str:
    lines = [
        f"## {escaped(verdict.model)}: within budget? {within(verdict)}",
        "",
        f"{in_markdown(capital(headline(summary, verdict)))}.",
        "",
    ]
    if said := in_markdown(capital(bias(summary, verdict.model))):
        lines += [f"{said}.", ""]
    bad, named = (Outcome.FAILED, Outcome.LOSS), len(suites(summary)) > 1
    groups = [summary.findings[i] for i in verdict.groups if summary.findings[i].outcome in bad]
    lines += [f"- {OUTCOMES[f.outcome].mark} {in_markdown(capital(sentence(f, named=named)))}" for f in groups[:WORST]]
    if len(groups) > WORST:
        lines.append(f"- and {len(groups) - WORST} more")
    if not verdict.groups:
        lines.append(f"- {nobody(summary, verdict).capitalize()}.")
    lines += ["", f"{certainty(verdict)}."]
    return "\n".join(lines)


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _more(left_out: int, what: str) -> list[str]:
    """Where the rows stand that a table leaves out."""
    return [f"{left_out:,} more {what} stand in report\\.html."] if left_out > 0 else []


def _cell(found: Cell | None) -> str:
    if found is None:
        return ""
    ends = f" ({found.interval})" if found.interval else ""
    judged = f"; {found.change} {OUTCOMES[found.outcome].mark}" if found.change else ""
    return f"{found.value}{ends}{judged}"


def _side_by_side(summary: Summary) -> list[str]:
    subjects = arranged(summary)
    header = ["", *(escaped(subject.name) for subject in subjects)]
    out = ["## Side by side", "Fractions are shown × 100: a difference of 1.0 is one point. Negative is worse."]
    blocks = comparison(summary)
    most = max(3, ROWS // max(len(blocks), 1))
    for block in blocks:
        rows = sorted(block.rows, key=lambda row: not _judged(row))[:most]
        out.append(f"### {escaped(audit_label(block.audit))} on {escaped(block.suite)}")
        if rows:
            out.append(_table(header, ([escaped(row.label), *map(_cell, row.cells)] for row in rows)))
        out += [f"{escaped(note, 300)}" for note in block.notes] + _more(len(block.rows) - len(rows), "figures")
    return out


def _judged(row: Row) -> bool:
    return any(found is not None and found.outcome is not Outcome.NOT_JUDGED for found in row.cells)


def _whole(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _steps(summary: Summary) -> list[str]:
    out = []
    every = steps(summary)
    for found in every:
        shown = found.rows[: max(WORST, ROWS // len(every))]
        rows = [
            [escaped(" ".join(filter(None, (words(row.metric).label, where(summary, row)))))]
            + [c.value if c else "" for c in row.values]
            + [f"{c.change} ({c.ends})" if c else "" for c in row.changes]
            for row in shown
        ]
        header = ["", "gold", "hard", "soft", "reference", "gold → hard", "hard → soft", "reference → soft"]
        out += [f"### {escaped(found.student)}: what text, soft labels and capacity gave", _table(header, rows)]
        out += _more(len(found.rows) - len(shown), "figures")
    return out


def _groups(summary: Summary) -> list[str]:
    out = []
    for found in maps(summary):
        out.append(f"## {escaped(audit_label(found.audit))} on {escaped(found.suite)}, as difference to the reference")
        header = ["", "n+", "n−"]
        header += [
            f"{escaped(subject.name)} {escaped(short)}" for subject in found.subjects for short, _ in found.labels
        ]
        rows = (
            [escaped(spaced(row.slice)), _whole(row.positives), _whole(row.negatives)]
            + [f"{c.change or '–'} {OUTCOMES[c.outcome].mark}" if c else "" for c in row.cells]
            for row in found.rows[:WORST]
        )
        out.append(_table(header, rows))
        out += _more(len(found.rows) - WORST + found.left_out, "groups")
    if out:
        out.append(", ".join(f"{word.mark} {word.label}" for word in OUTCOMES.values()))
    return out


def _switches(summary: Summary) -> list[str]:
    out = []
    for found in switched.pictures(summary):
        out.append(f"## {escaped(found.model)} on {escaped(found.suite)}: what a threshold of its signal decides")
        signal, meaning = escaped(found.signal), escaped(found.meaning)
        out.append(f"{signal} sends {found.share} to the teacher. Lost: {meaning}, in points.")
        rows = (
            [stop.deferred, stop.threshold, stop.accuracy, f"{stop.loss} ({stop.interval})", _worst(stop), stop.speed]
            for stop in found.stops
        )
        header = ["to the teacher", "threshold", "accuracy", "lost", "by the worst group", "times the teacher's speed"]
        out += [_table(header, rows), "\n".join(f"- {escaped(line.title, 200)}" for line in reversed(found.lines))]
    return out


def _worst(stop: switched.Stop) -> str:
    return f"{stop.worst} ({escaped(stop.worst_group)})" if stop.worst else ""


def _orders(summary: Summary) -> list[str]:
    """What shuffling words breaks, and which student is likely enough."""
    out = []
    for picture in orders.pictures(summary):
        rows = [[escaped(line.model), f"{line.share} %", line.blocks, line.sensitivity] for line in picture.lines]
        header = ["", "broken by shuffled words", "blocks of two and three", "sensitivity"]
        out += [f"## Word order on {escaped(picture.suite)}", _table(header, rows)]
    for each in advice(summary):
        lines = [f"- {line.figure}: {escaped(line.value)}. {line.rule}" for line in each.evidence]
        lines += [f"- not sure: {escaped(line, 300)}" for line in each.unsure]
        out += [f"On {escaped(each.suite)} {each.headline}.", "\n".join(lines)]
    return out


def _associations(summary: Summary) -> list[str]:
    out = []
    for board in boards(summary):
        out.append(f"## Associations on {escaped(board.suite)}, {escaped(board.pooling)}")
        rows = [[escaped(line.test), escaped(line.about, 200), *map(_side_of, line.sides)] for line in board.lines]
        out.append(_table(["", "", *(escaped(subject.name) for subject in board.subjects)], rows))
    return out


def _side_of(side: Side) -> str:
    return "; ".join(filter(None, (_cell(side.cell), side.chance)))


def _choices(summary: Summary) -> list[str]:
    found = choices(summary)
    if not found:
        return []
    rows = [
        [
            escaped(each.model),
            estimate(each.quality.metric, each.quality.value),
            amount(each.size, "bytes"),
            amount(each.rate),
            "" if each.loss is None else f"{figure('share', each.loss)} {escaped(spaced(each.group))}".strip(),
            ", ".join(map(escaped, each.beaten_by)),
        ]
        for each in found
    ]
    header = ["", words(found[0].quality.metric).label, "on disk", "texts/s", "worst group’s loss", "beaten by"]
    return ["## Which to take", _table(header, rows)]


COSTS = {
    "parameters": ("parameters", "count"),
    "size_bytes": ("on disk", "bytes"),
    "texts_per_second_single": ("texts/s, one by one", "count"),
    "texts_per_second_batch": ("texts/s, in batches", "count"),
    "peak_bytes": ("peak memory", "bytes"),
}


def _costs(summary: Summary) -> list[str]:
    rows = [
        [escaped(row["model"]), *(amount(row.get(key), unit) for key, (_, unit) in COSTS.items())]
        for row in cost_rows(summary)
    ]
    return ["## What it costs", _table(["", *(label for label, _ in COSTS.values())], rows)] if rows else []


def _facts(summary: Summary) -> list[str]:
    rows = [
        [escaped(key.replace("_", " ")), escaped(_fact(value), 400)]
        for key, value in summary.facts.items()
        if key != "title"
    ]
    return ["## How it was computed", _table(["", ""], rows)] if rows else []


def _fact(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_fact(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_fact, value))
    return "unknown" if value is None else str(value)
