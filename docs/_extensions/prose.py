"""The prose of docstrings and of comments in C as Markdown.

There, single or double backticks are code, a doctest is a paragraph that begins with `>>>`, and
parameters are described by sentences that begin with "name: ". Everything else is plain text, so
what Markdown would take for marks is escaped.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Collection

RFC = "https://www.rfc-editor.org/rfc/rfc"
_MARKS = re.compile(r"([\\`*_{}\[\]<>|#$~])")
_SECTIONS = r"\d+(?:\.\d+)*(?:(?:, | and | to )\d+(?:\.\d+)*)*"
_REFERENCE = re.compile(rf"RFC (\d+)(?:, ({_SECTIONS}))?")
_BARE_SECTION = re.compile(r"(?<=\()(\d+\.\d+(?:\.\d+)*)(?=\))")
_NAME = re.compile(
    "|".join(
        (
            r"\bdocs/[\w/-]+\.md\b",
            r"\b[A-Z][a-z]+(?:[A-Z][A-Za-z]*)+\b",  # a class
            r"\bRole\.[A-Z]+\b",
            r"\b(?:None|True|False)\b",
            r"\b[a-z]+=(?:True|False)\b",  # an argument
            r"\b[a-z]+(?:_[a-z0-9]+)+(?:\.h|=\w+)?",
            r"\b[A-Z]+(?:_[A-Z]+)+\b",
            r'"[\w-]+"',  # a value
        )
    )
)
"""What is code in text without backticks."""

Link = Callable[[str], str]
"""A name to Markdown that leads to it, "" if it is not known."""


def no_link(_name: str) -> str:
    return ""


def escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", text)


def section_links(rfc: str, sections: str) -> str:
    return re.sub(
        r"\d+(?:\.\d+)*", lambda found: f"[{found[0]}]({RFC}{rfc}#section-{found[0]})", sections
    )


def inline(
    text: str, link: Link = no_link, rfc: str = "6455", names: re.Pattern[str] = _NAME
) -> str:
    """One paragraph. rfc: the one whose sections are named by their number alone. names: what else
    may be a link, without backticks."""
    parts = re.split(r"(``.+?``|`.+?`)", " ".join(text.split()))
    return "".join(
        _code(part.strip("`"), link) if i % 2 else _plain(part, link, rfc, names)
        for i, part in enumerate(parts)
    )


def _code(content: str, link: Link) -> str:
    return link(content.removesuffix("()")) or f"`{content}`"


def _plain(text: str, link: Link, rfc: str, names: re.Pattern[str]) -> str:
    pattern = re.compile(f"{_REFERENCE.pattern}|{_BARE_SECTION.pattern}|{names.pattern}")
    done, position = "", 0
    for found in pattern.finditer(text):
        done += escaped(text[position : found.start()])
        position = found.end()
        number, sections, bare = found.groups()
        if number and sections:
            links = section_links(number, sections)
            done += f"[RFC {number}, {links[1:]}"  # the RFC belongs to the first link
        elif number:
            done += f"[RFC {number}]({RFC}{number})"
        elif bare:
            done += section_links(rfc, bare)
        elif found[0].startswith("docs/"):
            done += f"[{found[0].rpartition('/')[2]}]({found[0].removeprefix('docs')})"
        else:
            is_code = re.search('[_="]', found[0]) or hasattr(builtins, found[0])
            done += link(found[0]) or (f"`{found[0]}`" if is_code else escaped(found[0]))
    return done + escaped(text[position:])


def paragraphs(text: str) -> list[str]:
    return [part.strip("\n") for part in re.split(r"\n\s*\n", text) if part.strip()]


def split_at_parameters(paragraph: str, names: Collection[str]) -> list[tuple[str, str]]:
    """The sentences of a paragraph by the parameters that they describe; prose that describes none
    is by ""."""
    text = " ".join(paragraph.split())
    parts: list[tuple[str, str]] = []
    position, current = 0, ""
    for found in re.finditer(r"(?:^|(?<=[.;] ))(\w+(?:, \w+| and \w+)*): ", text):
        if all(name in names for name in re.split(r", | and ", found[1])):
            parts.append((current, text[position : found.start()].strip()))
            position, current = found.end(), found[1]
    parts.append((current, text[position:].strip()))
    return [part for part in parts if part[1]]
