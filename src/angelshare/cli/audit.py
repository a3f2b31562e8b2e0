"""angelshare audit: what was lost, on whom, how sure."""

from pathlib import Path
from typing import Annotated, Any

import typer

from angelshare.cli import columns as shared

__all__ = ["command"]

DATA = "Data"
HOW = "How it is judged"


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="reference=MODEL NAME=MODEL...",
            help="A directory, hub id, module:object or predictions file each; a name repeated is several seeds. "
            "scorer=MODEL is asked by false-positives, and not audited.",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            help="Golden rows: a file, hub:owner/name or set:NAME:PART; may be repeated.",
            rich_help_panel=DATA,
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            "--suite",
            metavar="NAMES|TOML",
            help="Suites that bring their rows (civil-comments, madlibs-short, madlibs-long, hatecheck, "
            "false-positives, identity-swaps, covert, toxigen), audits to run on the data (quality, fidelity, "
            "identity-auc, by-column, false-positives, identity-swaps, word-order, deferral, cost; of encoders seat, "
            "of masked models mlm, pair-swaps), glue (on what angelshare glue made), or your own sets; by default the "
            "audits that fit the data.",
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option("--rows", min=1, help="Rows of each suite at most, drawn by template.", rich_help_panel=DATA),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where findings, predictions and report go.")] = None,
    positive: Annotated[str | None, typer.Option("--positive", metavar="LABEL", help="Whose score is ranked.")] = None,
    identities: Annotated[
        str | None,
        typer.Option("--identities", metavar="A,B|lexicon", help="Identity columns, or the built-in word list."),
    ] = None,
    budget: Annotated[Path | None, typer.Option("--budget", help="TOML with \\[margins].", rich_help_panel=HOW)] = None,
    draws: Annotated[
        int, typer.Option("--draws", min=100, help="Replicates of the bootstrap.", rich_help_panel=HOW)
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same figures.", rich_help_panel=HOW)] = 0,
    threshold: Annotated[
        float, typer.Option("--threshold", help="Probability from which a label is given.", rich_help_panel=HOW)
    ] = 0.5,
    positive_rate: Annotated[
        float | None,
        typer.Option("--positive-rate", help="Re-weight quality to this share too.", rich_help_panel=HOW),
    ] = None,
    background: Annotated[
        str,
        typer.Option("--background", metavar="all|annotated", help="Of rows nobody annotated.", rich_help_panel=HOW),
    ] = "all",
    swaps: Annotated[
        str | None,
        typer.Option("--swaps", metavar="toxicity|sentiment", help="Which sentences fit.", rich_help_panel=HOW),
    ] = None,
    pairs: Annotated[
        str,
        typer.Option("--pairs", metavar="gender-10|FILE", help="Of pair-swaps.", rich_help_panel=HOW),
    ] = "gender-10",
    tests: Annotated[
        str | None,
        typer.Option("--tests", metavar="NAMES|all", help="Of seat; C6 to C8b by default.", rich_help_panel=HOW),
    ] = None,
    pooling: Annotated[
        str,
        typer.Option("--pooling", metavar="cls,mean,first-word", help="Of seat's vectors.", rich_help_panel=HOW),
    ] = "cls,mean",
    scores: Annotated[
        str, typer.Option("--scores", metavar="probabilities|logits", help="What predictions files hold.")
    ] = "probabilities",
    export_texts: Annotated[
        Path | None, typer.Option("--export-texts", help="Only write what to score elsewhere: id and text.")
    ] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Allow module:object to run its code.")] = False,
    text: shared.Text = "text",
    label: shared.Label = None,
    labels: shared.Labels = None,
    toxicity: shared.Toxicity = None,
    id: shared.Id = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="COLUMN", help="Rows that share a template.", rich_help_panel="Columns"),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="A,B", help="What kind of row each is.", rich_help_panel="Columns"),
    ] = None,
) -> None:
    """Audit students against a reference: every figure with its interval, every difference with an outcome."""
    from dataclasses import replace

    from angelshare import collect

    for name, value, allowed in (
        ("--background", background, ("all", "annotated")),
        ("--swaps", swaps, ("toxicity", "sentiment", None)),
        ("--scores", scores, ("probabilities", "logits")),
    ):
        _one_of(name, value, allowed)
    named = _listed(identities)
    found = replace(
        shared.columns(text, label, labels, toxicity, id),
        identities=() if identities == "lexicon" else tuple(named),
        cluster=cluster,
        kinds=tuple(_listed(by)),
    )
    suites = None if suite is None else [name.strip() for entry in suite for name in entry.split(",")]
    asked: dict[str, Any] = {
        "data": data, "suites": suites, "columns": found, "positive": positive, "swaps": swaps, "rows": rows
    }  # fmt: skip
    given = _models(models or [])
    if export_texts is not None:
        _export(export_texts, {**asked, "seed": seed}, given.get("reference"), allow_code)
        return
    if out is None:
        raise _usage("An audit needs a place for its report. Name one with --out DIR.")
    reference = given.pop("reference", None)
    scorer = given.pop("scorer", None)
    if reference is None:
        raise _usage("An audit needs a model that differences are taken to. Name it as reference=MODEL.")
    result = collect.audit(
        reference=reference[0],
        identities="lexicon" if identities == "lexicon" else named or None,
        background=background,  # type: ignore[arg-type]
        budget=budget,
        out=out,
        draws=draws,
        seed=seed,
        threshold=threshold,
        positive_rate=positive_rate,
        scores=scores,  # type: ignore[arg-type]
        allow_code=allow_code,
        pairs=pairs,
        tests=_listed(tests),
        pooling=_listed(pooling),  # type: ignore[arg-type]
        **asked,
        scorer=None if scorer is None else scorer[0],
        models=given,
    )
    _tell(result, out)


def _tell(result: Any, out: Path) -> None:
    for line in result.verdicts():
        typer.echo(line)
    typer.echo(f"Report: {out / 'report.html'}")


def _models(given: list[str]) -> dict[str, list[str]]:
    """NAME=MODEL by name, the models of a repeated name in their order."""
    found: dict[str, list[str]] = {}
    for entry in given:
        name, equals, model = entry.partition("=")
        if not (name and equals and model):
            raise _usage(f"A model must be given as NAME=MODEL, reference=MODEL among them. Got '{entry}' instead.")
        found.setdefault(name, []).append(model)
    for role in ("reference", "scorer"):
        if len(found.get(role, ())) > 1:
            raise _usage(f"There must be one {role}. Got several {role}=MODEL.")
    return found


def _export(path: Path, asked: dict[str, Any], reference: list[str] | None, allow_code: bool) -> None:
    from angelshare.audits.base import Member
    from angelshare.collect import export_texts
    from angelshare.collect.loaded import Voice

    voice = None if not reference else Voice(Member("reference", "reference"), reference[0], allow_code=allow_code)
    count = export_texts(path, **asked, reference=voice)
    typer.echo(f"{count:,} texts to score: {path}")


def _listed(names: str | None) -> list[str]:
    return [name.strip() for name in (names or "").split(",") if name.strip()]


def _one_of(option: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        known = " or ".join(name for name in allowed if name)
        raise _usage(f"{option} must be {known}. Got '{value}' instead.")


def _usage(message: str) -> Exception:
    from angelshare.errors import AngelshareError

    return AngelshareError(message)
