"""The section of the switch: its table without JavaScript, its slider with it, and strangers' words in both."""

import re

import pytest
from report_example import example
from test_browser import browser, visit  # noqa: F401  (fixtures)
from test_render import HOSTILE

from angelshare.findings import Estimate, Exhibit, Finding, Outcome
from angelshare.report import switched, to_html, to_markdown

SHARES = (0.0, 0.1, 0.2, 0.4, 1.0)


def curve(model="bow", group="female", signal="margin", threshold=0.4):
    points = [
        {
            "share": share, "deferred": share, "threshold": None if share == 1 else 1 - share, "text": share,
            "accuracy": 0.8 + 0.1 * share, "loss": 0.1 * (1 - share), "loss_low": -0.01, "loss_high": 0.2,
            "recovered": share, "recovered_low": share - 0.1, "recovered_high": share + 0.1, "worst": 0.2 * (1 - share),
            "worst_group": group, "speed": 1 / (share + 0.01),
        }
        for share in SHARES
    ]  # fmt: skip
    others = [{"share": share, "loss": 0.1 * (1 - share) ** 2, "recovered": share} for share in SHARES]
    rows = [{"model": model, "signal": signal, "own": True, "threshold": threshold, "share": 0.19, "points": points}]
    rows += [
        {"model": model, "signal": name, "own": False, "points": others} for name in ("oracle", "random", "energy")
    ]
    return Exhibit("test", "deferral", "switch-curve", rows, "accuracy lost against the teacher alone")


def about(model="bow", group="female", metric="deferred_gap", value=0.12):
    found = Estimate(value, value - 0.02, value + 0.02, 900)
    return Finding("test", "deferral", model, metric, group, "target", found, Outcome.NOT_JUDGED, counts={"rows": 310})


def page(**words):
    found = [about(**{key: words[key] for key in ("model", "group") if key in words})]
    found += [about(metric="deferred", value=0.3, **{key: words[key] for key in ("model", "group") if key in words})]
    return example(exhibits=[*example().exhibits, curve(**words)], findings=[*example().findings, *found])


def test_a_row_a_threshold_and_a_row_a_group():
    (picture,) = switched.pictures(page())
    assert [stop.deferred for stop in picture.stops] == ["0.0 %", "10.0 %", "20.0 %", "40.0 %", "100.0 %"]
    assert picture.now == 2 and picture.worst_known
    assert picture.stops[2].said == (
        "20.0 % to the teacher, threshold 0.8, accuracy 82.0, 8.00 points lost, "
        "16.00 by the worst group, female, 4.8 times the teacher’s speed"
    )
    assert [line.shade for line in picture.lines] == ["bound", "bound", "other", "own"]
    assert picture.lines[-1].title == "margin: 20 % of the loss won back at 20 % (10 to 30)"
    heads, (who,) = switched.people(page(), picture)
    assert heads == ["sent to the teacher", "against others"] and who.rows == "310"
    assert who.cells[1] == ("+12.0", "+10.0 to +14.0")


def test_it_is_readable_as_a_table_and_small():
    with_it, without = to_html(page()), to_html(example())
    assert len(with_it) - len(without) < 12_000
    section = re.search(r'<section id="switch">.*?</section>', with_it, re.S).group()
    assert section.count("<tr data-x") == len(SHARES)
    assert "style=" not in section and "onclick" not in section
    assert "<polyline" in section and section.count("<polyline") == 4
    assert "| 20.0 % | 0.8 | 82.0 |" in to_markdown(page())


def test_figures_that_are_not_there_leave_gaps():
    exhibit = curve()
    for point in exhibit.rows[0]["points"]:
        for key in ("accuracy", "worst", "worst_group", "speed", "recovered", "loss_low", "loss_high"):
            del point[key]
    (picture,) = switched.pictures(example(exhibits=[exhibit]))
    assert not picture.worst_known and picture.stops[1].speed == ""
    assert "·" in to_html(example(exhibits=[exhibit]))


@pytest.mark.browser
def test_the_slider_shows_the_threshold(visit):  # noqa: F811
    at = visit(page(), viewport={"width": 900, "height": 900})
    assert at.is_visible(".pick input") and at.inner_text(".pick output").startswith("20.0 % to the teacher")
    before = at.get_attribute(".switch line.at", "x1")
    at.focus(".pick input")
    at.keyboard.press("ArrowRight")
    assert at.inner_text(".pick output").startswith("40.0 % to the teacher, threshold 0.6")
    assert float(at.get_attribute(".switch line.at", "x1")) > float(before)
    assert at.inner_text(".stops .now th") == "40.0 %" and at.locator(".stops .now").count() == 1
    assert at.tried == []


@pytest.mark.browser
def test_without_javascript_there_is_the_table_and_no_slider(visit):  # noqa: F811
    at = visit(page(), java_script_enabled=False)
    assert not at.is_visible(".pick") and at.locator(".stops tbody tr").last.is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_strangers_words_are_shown_and_do_nothing(visit, width):  # noqa: F811
    at = visit(page(model=HOSTILE, group=HOSTILE, signal=HOSTILE), viewport={"width": width, "height": 800})
    at.focus(".pick input")
    at.keyboard.press("ArrowLeft")
    assert at.evaluate("window.owned") is None and at.tried == []
    assert at.query_selector("#switch :is(script, img, iframe, link, a, style)") is None
    assert at.evaluate("document.documentElement.scrollWidth") <= width
