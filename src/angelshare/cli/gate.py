"""angelshare gate: an exit code for continuous integration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from angelshare.findings import Estimate

__all__ = ["command"]


def command(
    directory: Annotated[Path, typer.Argument(metavar="AUDIT_DIR", help="The --out of an audit.")],
    budget: Annotated[
        Path | None, typer.Option("--budget", help="TOML with \\[margins]; the defaults without one.")
    ] = None,
) -> None:
    """Say whether an audit is within budget: exit 0 within, 1 a loss, 2 an error, 3 inconclusive.

    The audit's intervals are judged anew under the budget's margins; nothing is measured again. What counts is what was
    found of the students, not of their controls or the baseline.
    """
    from collections import Counter

    from angelshare.audits.budget import Budget, read_budget, rejudge
    from angelshare.errors import DataError
    from angelshare.findings import JUDGED, Outcome, worst
    from angelshare.result import AuditResult

    margins = Budget() if budget is None else read_budget(budget)
    result = AuditResult.load(directory)
    unmatched = margins.unmatched(result.findings)
    if unmatched:
        raise DataError(f"{budget}: the pattern '{unmatched[0]}' matches no \"audit/metric\" of this audit. Mend it.")
    judged = rejudge(result.about_students(), margins, result.reference or "")
    counts = Counter(finding.outcome for finding in judged)
    for finding in judged:
        if finding.outcome in (Outcome.LOSS, Outcome.FAILED):
            where = f"{finding.model} · {finding.suite} · {finding.audit} · {finding.metric} · {finding.slice}"
            typer.echo(f"{finding.outcome.value}: {where}{_change(finding.delta)}")
    found = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
    verdict = worst(counts)
    typer.echo(f"{_WORDS[verdict]} ({found or 'nothing was judged'})")
    assert verdict is None or verdict in JUDGED
    raise typer.Exit(_CODES[verdict])


_CODES = {"failed": 2, "loss": 1, "inconclusive": 3, "no_loss": 0, "gain": 0, None: 3}
_WORDS = {
    "failed": "An audit failed",
    "loss": "Not within budget",
    "inconclusive": "Inconclusive: the data cannot tell",
    "no_loss": "Within budget",
    "gain": "Within budget",
    None: "Inconclusive: nothing could be judged",
}


def _change(delta: "Estimate | None") -> str:
    return "" if delta is None else f" · {delta.value:+.4f}"
