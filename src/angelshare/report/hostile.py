"""Texts, model names and column names come from strangers: show every character, let none act.

Controls that reorder, hide or end text are replaced by their code point in brackets, `[U+202E]`.
"""

import re
from typing import Any

from markupsafe import Markup, escape

LIMIT = 1_200
"""Characters of one text that a report shows; the rest is counted."""

NAME_LIMIT = 80

BOXES = 100
"""Invisible characters of one text that are shown one by one; the rest is counted."""

INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
JOINERS = "\u200c\u200d"
MARKDOWN = re.compile(r"^\s*\d*[-+.=#)]|[\\`*_{}\[\]()#|~<>&:@$!]|\.(?=[^\W\d])")


def _acts(match: re.Match[str], keep: str) -> bool:
    """Whether this character must be shown as its code point rather than left to act."""
    character = match.group()
    if character in keep:
        return False
    if character in JOINERS:
        # Emoji and several scripts are spelt with joiners; between Latin letters they only hide a word from a filter.
        around = match.string[max(match.start() - 1, 0) : match.start()], match.string[match.end() : match.end() + 1]
        return not all(side and ord(side) > 0x7F for side in around)
    return True


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def plain(value: Any, limit: int = NAME_LIMIT, keep: str = "") -> str:
    """Any text as visible characters only: valid in UTF-8, in XML and, once escaped, in an attribute."""
    text = cut(str(value), limit)
    return INVISIBLE.sub(lambda found: f"[U+{ord(found.group()):04X}]" if _acts(found, keep) else found.group(), text)


def show(value: Any, limit: int = NAME_LIMIT, keep: str = "") -> Markup:
    """The same for HTML: escaped, isolated from the direction of what surrounds it, code points in a box."""
    text = cut(str(value), limit)
    pieces: list[Markup] = []
    at = boxes = 0
    for found in INVISIBLE.finditer(text):
        if not _acts(found, keep):
            continue
        pieces.append(escape(text[at : found.start()]))
        boxes += 1
        if boxes <= BOXES:
            pieces.append(Markup("<u>U+{}</u>").format(f"{ord(found.group()):04X}"))
        at = found.end()
    pieces.append(escape(text[at:]))
    if boxes > BOXES:
        pieces.append(Markup("<u>and {} more invisible characters</u>").format(boxes - BOXES))
    return Markup('<bdi dir="auto">{}</bdi>').format(Markup("").join(pieces))


def show_text(value: Any) -> Markup:
    """A whole comment: lines and tabs are kept, and it is cut at `LIMIT`."""
    return show(value, LIMIT, keep="\n\t")


def markdown(value: Any, limit: int = NAME_LIMIT) -> str:
    """A text that no Markdown renderer turns into a table cell, a link, a heading or HTML."""
    entities = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}

    def tamed(found: re.Match[str]) -> str:
        start, character = found.group()[:-1], found.group()[-1]
        return start + entities.get(character, "\\" + character)

    return MARKDOWN.sub(tamed, plain(value, limit).strip())
