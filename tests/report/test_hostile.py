"""Characters that reorder, hide or end a text are named, and no others."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angelshare.report.hostile import BOXES, INVISIBLE, markdown, plain, show, show_text

VISIBLE_FORMATS = "ARABIC SIGN", "ARABIC NUMBER", "ARABIC FOOTNOTE", "ARABIC END", "ARABIC DISPUTED", "ARABIC POUND"
VISIBLE_FORMATS += "ARABIC PIASTRE", "SYRIAC", "KAITHI", "EGYPTIAN"


def test_every_control_and_format_character_of_unicode_is_named():
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        kind = unicodedata.category(character)
        shown = unicodedata.name(character, "").startswith(VISIBLE_FORMATS)
        if kind in ("Cc", "Cs", "Zl", "Zp") or (kind == "Cf" and not shown):
            assert INVISIBLE.match(character), f"U+{code:04X}"
        if kind[0] in "LNPS" and INVISIBLE.match(character):
            assert character in "\u115f\u1160\u3164\uffa0\u2800", f"U+{code:04X} can be seen"


@given(st.text())
def test_what_comes_out_is_visible_valid_and_escaped(text):
    for found in (plain(text), str(show(text)), markdown(text)):
        found.encode("utf-8")
        assert "\x00" not in found and "\u202e" not in found and "\n" not in found
    assert "<" not in str(show(text)).replace('<bdi dir="auto">', "").replace("</bdi>", "").replace("<u>", "").replace(
        "</u>", ""
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("id\u200diot", "id[U+200D]iot"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("soft\u00adhyphen", "soft[U+00AD]hyphen"),
        ("tag\U000e0041", "tag[U+E0041]"),
        ("\ud800", "[U+D800]"),
    ],
)
def test_joiners_stay_where_scripts_need_them(text, shown):
    assert plain(text) == shown


def test_lines_stay_in_texts_and_are_named_in_names():
    assert str(show_text("a\n\tb")) == '<bdi dir="auto">a\n\tb</bdi>'
    assert plain("a\nb") == "a[U+000A]b"


def test_a_flood_of_controls_is_counted():
    found = str(show_text("\u202e" * 1_000))
    assert found.count("U+202E") == BOXES and "and 900 more invisible characters" in found


@pytest.mark.parametrize(
    "text",
    [
        "| a |",
        "<b>",
        "[x](javascript:1)",
        "![x](y)",
        "# x",
        "- x",
        "1. x",
        "`x`",
        "*x*",
        "~~x~~",
        "www.example.org",
        "==",
    ],
)
def test_markdown_has_no_meaning_left(text):
    found = markdown(text)
    assert found != text
    assert not any(opener in found for opener in ("](", "<", "|" if "\\|" not in found else "\0"))
