"""The section on associations: a line a test, the means behind, and no name that acts."""

from dataclasses import replace

from report_example import finding

from angelshare.findings import Exhibit, Outcome, Subject
from angelshare.report import summarise, to_html, to_markdown
from angelshare.report.associations import boards
from angelshare.report.words import words

BAD = '<script>alert("x")</script>'
SUBJECTS = [Subject(name, role, name, (name,)) for name, role in (("teacher", "reference"), ("small", "student"))]
D = {"sent-weat6": (1.2, 0.4), BAD: (0.3, -0.9)}


def summary():
    found = []
    for test, (base, own) in D.items():
        more = {"audit": "seat", "slice": test, "suite": "seat"}
        found.append(finding("teacher", "effect_size@cls", base, None, **more))
        found.append(finding("small", "effect_size@cls", own, abs(base) - abs(own), margin=0.2, family=2, **more))
        for name, p in (("teacher", 0.0001), ("small", 0.25)):
            luck = finding(name, "permutation_p@cls", p, None, **more)
            found.append(replace(luck, better="neutral", outcome=Outcome.NOT_JUDGED, p=p, p_holm=p))
    for metric in ("mean_effect@cls", "mean_effect_size@cls"):
        found.append(finding("teacher", metric, 0.7, None, audit="seat", suite="seat"))
        found.append(finding("small", metric, 0.6, 0.1, audit="seat", suite="seat"))
    rows = [{"test": test, "short": test[:9], "targets": [BAD, "women"], "attributes": ["a", "b"]} for test in D]
    return summarise(found, SUBJECTS, [Exhibit("seat", "seat", "associations", rows)], {})


def test_a_line_a_test_with_both_models_and_their_chances():
    (board,) = boards(summary())
    assert [line.test for line in board.lines] == ["sent-weat", BAD[:9], "mean of d", "mean of |d|"]
    reference, student = board.lines[0].sides
    assert (reference.cell.value[:3], reference.chance) == ("1.2", "p < .001")
    assert (student.cell.value[:3], student.cell.change[:4], student.chance) == ("0.4", "+0.8", "p 0.250")
    (picture,) = board.pictures
    assert picture.places[1].student < picture.zero < picture.places[1].reference


def test_the_page_and_the_markdown_show_them():
    html = to_html(summary())
    assert 'href="#seat"' in html and "Associations" in html
    assert BAD not in html and "p &lt; .001" in html
    text = to_markdown(summary())
    assert "## Associations on seat, CLS" in text and "p < .001" in text


def test_nothing_without_the_audit():
    bare = summarise([finding("small", "accuracy", 0.5, None)], SUBJECTS, [], {})
    assert boards(bare) == []
    assert 'id="seat"' not in to_html(bare)


def test_a_pooling_is_part_of_the_name():
    assert words("effect_size@cls").label == "effect size d, CLS"
    assert words("mean_effect@mean").label == "mean of d, mean of tokens"
