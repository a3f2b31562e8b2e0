"""The page, the Markdown and the JUnit: structure, size, policy, and nothing from outside."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from report_example import (
    IDENTITIES,
    disagreements,
    example,
    findings,
    identities,
    ladders,
    subjects,
)

from angelshare.findings import Outcome, Subject
from angelshare.report import summarise, to_html, to_junit, to_markdown
from angelshare.report.render import NEEDS, SECTIONS

LARGEST = 1_500_000
HOSTILE = "<script>x=1</script></style>\"'`|\n[a](javascript:b)\u202e\x00\ud800\u2028&amp;{{ 7*7 }}"


class Page(HTMLParser):
    """Tags with their attributes, ids, and whatever is left open."""

    VOID = ("meta", "link", "br", "img", "input", "hr")
    SVG = ("line", "circle", "rect", "polyline")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.attributes = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in self.SVG
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page():
    return to_html(example())


def largest():
    """24 identities x 6 models, 40 disagreements of 100 KB each."""
    models = {f"student-{i}": -0.01 * i for i in range(6)}
    names = [Subject("teacher", "reference", "t", ()), *(Subject(name, "student", "s", ()) for name in models)]
    return summarise(
        [*findings(), *identities(None, models)], names, [disagreements(40, "word " * 20_000), ladders()], {}
    )


def test_every_section_stands_in_order(page):
    parsed = Page(page)
    assert parsed.open == []
    wanted = [anchor for anchor, _ in SECTIONS if anchor not in NEEDS]
    assert [name for name in parsed.ids if name in wanted] == wanted
    assert len(parsed.ids) == len(set(parsed.ids))
    linked = {value[1:] for name, value in parsed.attributes if name == "href" and value.startswith("#")}
    assert linked <= set(parsed.ids)


def test_the_verdict_names_loss_group_budget_and_certainty(page):
    verdict = re.sub(r"<[^>]+>", "", page.split('id="verdict"')[1].split("</section>")[0])
    assert "Within budget: no" in verdict
    assert "bow loses 3.1 points of AUC-ROC against teacher" in verdict
    assert "female" in verdict
    assert "comparisons are settled" in verdict and "inconclusive" in verdict and "not enough data" in verdict


def test_the_policy_allows_this_style_and_this_script_alone(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        bodies = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", page, re.S)
        assert len(bodies) == 1
        wanted = base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{wanted}'" in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_nothing_comes_from_outside_and_nothing_runs_inline(page):
    assert not re.findall(r"(?i)https?:|@import|url\(|//[a-z]|<(?:iframe|object|embed|base|form[^>]+action)", page)
    for name, value in Page(page).attributes:
        assert not name.startswith("on") and name != "style"
        if name in ("href", "src", "action"):
            assert value.startswith("#") or value == "data:,"


def test_the_largest_report_stays_small():
    text = to_html(largest())
    assert len(text.encode()) <= LARGEST
    assert "100,000 characters in all" in text


def test_a_page_of_nothing_but_controls_stays_small():
    exhibits = [disagreements(40, "\u202e" * 100_000)]
    assert len(to_html(example(exhibits=exhibits)).encode()) <= LARGEST


def test_too_many_groups_and_figures_are_cut_and_counted():
    many = [f"group {i}" for i in range(400)]
    text = to_html(example(findings=[*findings(), *identities(many)]))
    assert len(text.encode()) <= LARGEST
    assert "more groups stand in summary.json" in text and "more figures stand in summary.json" in text


def test_cells_without_data_are_hatched_and_say_why(page):
    cell = re.search(r'<td class="short[^"]*" title="([^"]+)"', page)[1]
    assert "not enough data" in cell and "n+ " in cell and "Fewer than 10 positives" in cell


def test_abusive_texts_are_closed_without_a_script(page):
    assert page.count('<details class="sensitive">') == 3
    assert '<details class="sensitive" open' not in page


def test_an_empty_audit_renders():
    for summary in (summarise([], [], [], {}), summarise([], subjects(), [], {"data": None})):
        assert Page(to_html(summary)).open == []
        assert to_markdown(summary)
        ElementTree.fromstring(to_junit(summary))


def hostile():
    """Every text that comes in is an attack."""
    there = {"model": HOSTILE, "metric": HOSTILE, "suite": HOSTILE, "audit": HOSTILE, "slice": HOSTILE, "note": HOSTILE}
    found = [
        *findings(),
        *(replace(f, **{key: value}) for f in findings()[7:9] for key, value in there.items()),
        replace(findings()[8], **there, outcome=Outcome.LOSS, reference=HOSTILE),
    ]
    who = [*subjects(), Subject(HOSTILE, "student", HOSTILE, [HOSTILE], (HOSTILE,), HOSTILE)]
    rows = [
        dict.fromkeys(("id", "text", "gold", "model", "direction", "template", "reference"), HOSTILE)
        | {"identities": [HOSTILE], "abusive": HOSTILE, "change": HOSTILE, "entries": [{"term": HOSTILE, "score": 0.5}]}
    ]
    kinds = ("disagreements", "ladder", "identities", "calibration", "cost")
    exhibits = [replace(disagreements(), kind=kind, rows=rows, suite=HOSTILE) for kind in kinds]
    return summarise(found, who, exhibits, {HOSTILE: {HOSTILE: [HOSTILE]}, "title": HOSTILE, "data": {"name": HOSTILE}})


def test_hostile_texts_are_inert_in_html():
    text = to_html(hostile())
    text.encode("utf-8")
    assert Page(text).open == []
    assert text.count("<script>") == 1 and text.count("</style>") == 1 and text.count("</script>") == 1
    assert not re.search("[\x00\u202e\u2028\ud800-\udfff]", text)
    assert "<u>U+202E</u>" in text and "[U+202E]" in text and "&lt;script&gt;" in text
    assert not re.search(r'href="(?!#|data:,")', text)


def test_hostile_texts_are_inert_in_markdown():
    text = to_markdown(hostile())
    text.encode("utf-8")
    assert "<script" not in text and "\x00" not in text and "\u202e" not in text
    assert not re.search(r"(?<!\\)\[a(?<!\\)\]", text)
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|") and "`" not in line.replace("\\`", "")


def test_hostile_texts_are_inert_in_junit():
    text = to_junit(hostile())
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert any("<script>" in case.get("name") for case in root.iter("testcase"))


def test_tables_of_the_markdown_have_even_rows():
    width = None
    for line in to_markdown(hostile()).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else None
        assert width is None or cells is None or cells == width
        width = cells


def test_markdown_and_html_give_the_same_verdicts():
    summary = example()
    text, page = to_markdown(summary), re.sub(r"<[^>]+>", "", to_html(summary))
    said = re.findall(r"^## (\S+): within budget\? (.+)$", text, re.M)
    assert [name for name, _ in said] == [student.name for student in summary.students]
    for _, within in said:
        assert f"Within budget: {within}" in page
    headlines = [text.split(f"## {name}")[1].splitlines()[2] for name, _ in said]
    assert all(line in page for line in headlines)


def test_a_loss_fails_an_unsettled_audit_is_skipped_and_the_rest_passes():
    root = ElementTree.fromstring(to_junit(example()))
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    students = ("bow", "bilstm")
    assert {name.split(":")[0] for name in cases} == set(students)
    assert cases["bow: quality"] == ["failure"]
    assert cases["bilstm: quality"] == []
    assert cases["bilstm: identity-swaps"] == ["skipped"]
    for suite in root:
        assert int(suite.get("tests")) == len(suite)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))


def test_the_example_looks_at_every_identity(page):
    for name in IDENTITIES:
        assert f">{name}</bdi></th>" in page
