"""The files that a page shows, so that page and test cannot differ."""

from __future__ import annotations

import re

from tests.helpers import ROOT


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of docs/howto/PAGE that are marked with the language."""
    text = (ROOT / "docs" / "howto" / page).read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no block of {language}"
    return found


def changed(text: str, changes: dict[str, str]) -> str:
    """What is different in a test, such as ports; each must be in the text."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in what the page shows"
        text = text.replace(old, new)
    return text
