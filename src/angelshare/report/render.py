"""From the summary to HTML, Markdown, JSON and JUnit."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from angelshare.report import (
    advice,
    associations,
    charts,
    dots,
    lists,
    orders,
    pareto,
    sentences,
    study,
    switched,
    views,
    words,
)
from angelshare.report.hostile import plain, show, show_text
from angelshare.report.junit import to_junit
from angelshare.report.markdown import to_markdown
from angelshare.report.summary import Summary, to_json

__all__ = ["to_html", "to_json", "to_junit", "to_markdown"]


SECTIONS = (
    ("study", "The paper"),
    ("verdict", "Verdict"),
    ("models", "Side by side"),
    ("identities", "On whom"),
    ("swaps", "Swaps"),
    ("order", "Word order"),
    ("seat", "Associations"),
    ("disagreements", "Disagreements"),
    ("switch", "The switch"),
    ("cost", "Cost"),
    ("method", "Method"),
)

NEEDS = {"study": "claims", "order": "material", "seat": "associations", "switch": "switch-curve"}
"""Sections that stand only where there are exhibits of a kind."""


@cache
def _static(name: str) -> str:
    return (files("angelshare.report") / "static" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("angelshare.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        show=show, show_text=show_text, plain=plain, html=sentences.html, capital=sentences.capital
    )
    environment.globals.update(
        words=words,
        views=views,
        lists=lists,
        charts=charts,
        dots=dots,
        sentences=sentences,
        study=study,
        switched=switched,
        advice=advice,
        orders=orders,
        associations=associations,
        pareto=pareto,
    )
    return environment


def to_html(summary: Summary) -> str:
    """One self-contained page: no outside reference, readable without JavaScript, hostile texts inert."""
    style, script = _static("report.css"), _static("report.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template("report.html.j2")
        # Ours, never data: the hashes in the policy hold only for these exact bytes.
        .render(
            summary=summary,
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            title=summary.facts.get("title") or "What was lost",
            lede=sentences.lede(summary),
            sections=[found for found in SECTIONS if found[0] not in NEEDS or summary.rows(NEEDS[found[0]])],
        )
    )
