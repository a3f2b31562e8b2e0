"""Hostile texts in a real browser. Set ANGELSHARE_BROWSER=required where a missing Chromium must fail."""

import os
from pathlib import Path

import pytest
from report_example import disagreements, example
from test_render import HOSTILE, hostile

from angelshare.report import to_html

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ATTACKS = (
    "<script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    "</style><script>window.owned=1</script>",
    "</title></textarea><svg onload=window.owned=1>",
    '" onmouseover="window.owned=1" x=\'',
    "javascript:window.owned=1",
    "<a href='javascript:window.owned=1'>click</a>",
    "<iframe src=https://example.org></iframe><link rel=stylesheet href=//example.org/x>",
    "<meta http-equiv=refresh content='0;url=https://example.org'>",
    "<!-- --><!DOCTYPE x><![CDATA[",
    "\u202egnp.exe\u2066\u2069\u200f",
    "\x00\x1b[31m\x85\ud800\udfff\ufffe",
    "{{ 7*7 }}{% raw %}${window.owned=1}",
    "word " * 20_000,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    required = os.environ.get("ANGELSHARE_BROWSER") == "required"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if sync_playwright is None or not CHROMIUM.exists():
        message = f"playwright and {CHROMIUM} are needed: apt-get install chromium, pip install playwright"
        pytest.fail(message) if required else pytest.skip(message)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open a summary's page; what it tried to do that it must not comes back in `.tried`."""
    contexts = []

    def go(summary, **options):
        file = tmp_path / "report.html"
        file.write_text(to_html(summary), encoding="utf-8")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.tried = []
        page.on("dialog", lambda dialog: (page.tried.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: page.tried.append(f"request {request.url}"))
        page.on("console", lambda message: page.tried.append(f"console {message.text}"))
        page.on("pageerror", lambda error: page.tried.append(f"error {error}"))
        page.goto(file.as_uri())
        page.tried = [what for what in page.tried if what != f"request {file.as_uri()}"]
        return page

    yield go
    for context in contexts:
        context.close()


def attacked():
    rows = [
        dict(disagreements(1).rows[0], id=text, text=text, model=text, identities=[text], abusive=bool(i % 2))
        for i, text in enumerate(ATTACKS)
    ]
    return example(exhibits=[*example().exhibits[1:], type(disagreements())("s", "fidelity", "disagreements", rows)])


def test_hostile_comments_are_shown_and_do_nothing(visit):
    page = visit(attacked())
    page.click("#reveal")
    for element in page.query_selector_all("#disagreements li bdi")[:40]:
        element.dispatch_event("mouseover")
        element.click(force=True)
    assert page.evaluate("window.owned") is None
    assert page.tried == []
    text = page.inner_text("#disagreements")
    assert "<script>window.owned=1</script>" in text and "onerror=window.owned=1" in text
    assert "U+202E" in text and "U+0000" in text and "U+D800" in text
    assert "100,000 characters in all" in text
    assert "{{ 7*7 }}" in text
    assert page.query_selector("#disagreements :is(script, img, iframe, link, a, style)") is None


def test_hostile_names_everywhere_do_nothing(visit):
    page = visit(hostile())
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("typeof x") == "undefined"
    assert page.tried == []
    assert HOSTILE[:30] in page.inner_text("h1")


def test_the_policy_stops_a_script_that_slipped_through(visit):
    page = visit(example())
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.owned=1\">')")
    page.evaluate(
        "{const s = document.createElement('script'); s.textContent = 'window.owned=1'; document.body.append(s)}"
    )
    page.wait_for_function("true")
    assert page.evaluate("window.owned") is None
    assert any("Content Security Policy" in what for what in page.tried)


def test_direction_overrides_do_not_leak_out_of_a_text(visit):
    page = visit(attacked())
    directions = page.evaluate(
        "[...document.querySelectorAll('#disagreements .scores')].map(e => getComputedStyle(e).direction)"
    )
    assert set(directions) == {"ltr"}


def test_abusive_texts_are_blurred_until_asked(visit):
    page = visit(example())
    boxes = page.query_selector_all("#disagreements details.sensitive")
    blurred = "e => getComputedStyle(e.querySelector('.veiled')).filter.includes('blur')"
    assert len(boxes) == 3 and all(box.evaluate(blurred) for box in boxes)
    boxes[0].query_selector("summary").click()
    assert [box.evaluate(blurred) for box in boxes] == [False, True, True]
    page.click("#reveal")
    assert not any(box.evaluate(blurred) for box in boxes)
    page.click("#reveal")
    assert all(box.evaluate(blurred) for box in boxes)
    assert page.get_attribute("#disagreements .veiled", "aria-hidden") == "true"


def test_filters_show_what_was_chosen_and_count_it(visit):
    page = visit(example())

    def shown():
        return len([row for row in page.query_selector_all("[data-row]") if row.is_visible()])

    assert shown() == 12 and page.inner_text("#shown") == "12 of 12 shown"
    page.select_option("[name=identity]", label="female")
    assert shown() == 4
    page.select_option("[name=direction]", "up")
    assert shown() == 0
    page.select_option("[name=identity]", "")
    assert shown() == 4 and page.inner_text("#shown") == "4 of 12 shown"
    page.select_option("[name=model]", label="bow")
    assert shown() == 2


def test_without_javascript_everything_is_readable_and_abuse_stays_closed(visit):
    page = visit(example(), java_script_enabled=False)
    for anchor in ("verdict", "models", "identities", "swaps", "disagreements", "cost", "method"):
        assert page.locator(f"#{anchor}").is_visible()
    assert page.locator("[data-row]").count() == 12 and page.locator("[data-row]").last.is_visible()
    assert not page.locator("#filters").is_visible() and not page.locator("#reveal").is_visible()
    assert not page.locator("#disagreements .veiled").first.is_visible()
    page.locator("#disagreements summary").first.click()
    assert page.locator("#disagreements .veiled").first.is_visible()


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_never_scrolls_sideways(visit, width, scheme):
    page = visit(example(), viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    light = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] > 128")
    assert light == (scheme == "light")


def test_the_verdict_of_two_students_fits_on_one_screen(visit):
    page = visit(example(), viewport={"width": 1280, "height": 800})
    bottom = page.evaluate("document.getElementById('verdict').getBoundingClientRect().bottom")
    assert bottom <= 800
