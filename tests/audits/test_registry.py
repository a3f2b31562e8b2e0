"""Every audit has one code, one test file and one docs page with the four questions answered."""

from pathlib import Path

import pytest

from angelshare.audits import registry
from angelshare.errors import DataError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("code", registry.AUDITS)
def test_every_audit_has_a_page_and_tests(code):
    page = (ROOT / "docs" / "audits" / f"{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {code}\n")
    for part in ("What it asks", "How it is computed", "How it misleads", "What to do about"):
        assert f"## {part}" in page
    assert registry.AUDITS[code].code == code
    assert (ROOT / "tests" / "audits" / f"test_{code.replace('-', '_')}.py").is_file()


def test_an_unknown_code_names_the_known_ones():
    with pytest.raises(DataError, match=r"quality.*Got 'beauty' instead"):
        registry.find("beauty")
