"""The reference of the C interface, made of the headers: `{c-header} fastframe_api.h`.

A comment directly above a declaration, or after it on its line, says what it is. A comment such as
`---- status ----` begins a section. The parser knows as much of C as the two headers use.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import prose
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parent.parent.parent
HEADERS = {
    "fastframe.h": ROOT / "src_c/fastframe.h",
    "fastframe_api.h": ROOT / "fastframe/include/fastframe_api.h",
}
COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
WORDS = re.compile(r"\bff_\w+|\bFF_[A-Z0-9_]+|\b[a-z]+(?:_[a-z0-9]+)+(?:=\w+)?")

log = logging.getLogger(__name__)


@dataclass
class Item:
    kind: str
    """As the C domain calls it; "section" and "group" for comments that stand alone."""
    head: str
    text: str = ""
    members: list[Item] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What is declared."""
        pointer = re.search(r"\(\*(\w+)\)", self.head)
        found = pointer or re.search(r"(\w+)(?=\(|\[|$| =)", self.head)
        return found[1] if found else self.head


def without_stars(comment: str) -> str:
    lines = [re.sub(r"^\s*\* ?", "", line) for line in comment.splitlines()]
    return "\n".join(line.strip() for line in lines).strip()


def section_title(comment: str) -> str:
    """ "" if the comment begins no section."""
    text = " ".join(without_stars(comment).split())
    found = re.fullmatch(r"-{4} (.*?)(?: -+)?", text)
    return found[1] if found else ""


class Scanner:
    """Goes through a header, or through the body of a struct."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.comment = ""  # the one directly above

    def match(self, pattern: str) -> re.Match[str] | None:
        found = re.compile(pattern, re.DOTALL).match(self.text, self.position)
        if found:
            self.position = found.end()
        return found

    def comment_of(self, declaration: str) -> str:
        """Above, within or after it, on its line."""
        above, self.comment = self.comment, ""
        within = " ".join(COMMENT.findall(declaration))
        after = self.match(r"[ \t]*/\*((?:(?!\*/).)*)\*/[ \t]*(?=\n|$)")
        return "\n\n".join(
            without_stars(part) for part in (above, within, after[1] if after else "") if part
        )

    def skip(self) -> Iterator[Item]:
        """White space and comments."""
        while found := self.match(r"\s+|/\*((?:(?!\*/).)*)\*/"):
            if found[1] is None:
                if found[0].count("\n") > 1:
                    self.comment = ""
            elif title := section_title(found[1]):
                yield Item("section", title)
            else:
                self.comment = found[1]

    def body(self) -> str:
        """What is between braces, of which the first has been read."""
        start, depth = self.position, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.text[self.position], 0)
            self.position += 1
        return self.text[start : self.position - 1]


def clean(declaration: str) -> str:
    text = " ".join(COMMENT.sub(" ", declaration).split())
    return re.sub(r"^(?:static inline |typedef )+", "", text).replace("* ", "*")


def items(text: str) -> Iterator[Item]:
    """The declarations of a header."""
    scan = Scanner(re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL))
    while True:
        yield from scan.skip()
        if scan.position == len(scan.text):
            return
        if found := scan.match(r"#define (\w+)[ \t]+([^\n]*)"):
            yield Item("macro", found[1], _comment_of_macro(scan, found[2]))
        elif scan.match(r"#[^\n]*"):
            scan.comment = ""
        elif found := scan.match(r"(?:typedef )?(enum|struct) ?(\w*) *\{"):
            body = scan.body()
            scan.match(r"[^;]*;")
            members = list(enumerators(body) if found[1] == "enum" else members_of(body))
            yield Item(found[1], found[2], scan.comment_of(""), members)
        elif found := scan.match(r"([^;{]+)(;|\{)"):
            if found[2] == "{":
                scan.body()
            yield Item("function", clean(found[1]), scan.comment_of(found[1]))


def _comment_of_macro(scan: Scanner, rest: str) -> str:
    above, scan.comment = scan.comment, ""
    return without_stars(above) or " ".join(map(without_stars, COMMENT.findall(rest)))


def enumerators(body: str) -> Iterator[Item]:
    scan = Scanner(body)
    while True:
        yield from scan.skip()
        if scan.comment.rstrip().endswith("."):  # a sentence is about all that follow
            yield Item("group", "", without_stars(scan.comment))
            scan.comment = ""
        found = scan.match(r"(\w+(?: = \w+)?),?")
        if not found:
            return
        yield Item("enumerator", found[1], scan.comment_of(""))


def members_of(body: str) -> Iterator[Item]:
    scan = Scanner(body)
    text = ""  # of the member just above
    while True:
        begin = scan.position
        yield from scan.skip()
        gap = scan.text[begin : scan.position].count("\n")
        above = bool(scan.comment)
        found = scan.match(r"((?:/\*(?:(?!\*/).)*\*/|[^;])+);")
        if not found:
            return
        own = scan.comment_of(found[1])
        # One comment may be for several functions in a row.
        is_next = gap < 2 and "(*" in found[1]
        text = own or (text if is_next else "")
        yield Item("member", clean(found[1]), text)
        text = text if above or is_next else ""


@functools.cache
def header(name: str) -> list[Item]:
    return list(items(HEADERS[name].read_text(encoding="utf-8")))


@functools.cache
def kinds() -> dict[str, str]:
    """What a word in a comment is, for links."""
    found = {}
    for name in HEADERS:
        for item in header(name):
            if item.kind in {"section", "group"}:
                continue
            if item.name:
                found[item.name] = item.kind
            found.update({m.name: m.kind for m in item.members if m.kind == "enumerator"})
    return found


ROLES = {"function": "func", "enumerator": "enumerator", "macro": "macro"}


def link(text: str) -> str:
    kind = kinds().get(text)
    if kind is None:
        return f"`{text}`" if WORDS.fullmatch(text) else ""
    return f"{{c:{ROLES.get(kind, kind)}}}`{text}`"


def prose_of(text: str) -> str:
    parts = [" ".join(part.split()) for part in prose.paragraphs(text)]
    return "\n\n".join(prose.inline(_sentence(part), link, names=WORDS) for part in parts)


def _sentence(text: str) -> str:
    """A comment after a declaration as a sentence."""
    if re.match(r"[a-z]+[ ,:]", text):
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", ":")) else f"{text}."


def block(kind: str, head: str, content: str, depth: int = 1) -> str:
    fence = ":" * (5 - depth)
    return f"{fence}{{c:{kind}}} {head}\n\n{content}\n{fence}\n"


def markdown(item: Item) -> str:
    if item.kind == "section":
        return f"**{prose.inline(item.head[0].upper() + item.head[1:], link, names=WORDS)}**\n"
    if item.kind == "group":
        return prose_of(item.text) + "\n"
    text = prose_of(item.text)
    if item.kind == "enum" and not item.name:
        members = [markdown(member) for member in item.members]
        return "\n".join([f"{text}\n" if text else "", *members])
    if item.kind in {"enum", "struct"}:
        members = [_member(member) for member in item.members]
        return block(item.kind, item.head, "\n".join([text, "", *members]), 0)
    return block(item.kind, item.head, text)


def _member(member: Item) -> str:
    """A function of the table without a comment has the contract of the function that it is."""
    original = f"ff_{member.name}"
    if member.kind == "member" and not member.text and "(*" in member.head:
        return block("member", member.head, f"See {link(original)}." if original in kinds() else "")
    return markdown(member)


class CHeader(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        self.env.note_dependency(str(HEADERS[name]))
        self.env.note_dependency(__file__)
        return self.parse_text_to_nodes("\n".join(map(markdown, header(name))))


def missing_reference(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contents: nodes.TextElement
) -> nodes.Node | None:
    """Types of C and of CPython have no page here; a name of fastframe must have one."""
    target = node.get("reftarget", "")
    if node.get("refdomain") == "c" and not target.lower().startswith("ff_"):
        return contents
    return None


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("c-header", CHeader)
    app.connect("missing-reference", missing_reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
