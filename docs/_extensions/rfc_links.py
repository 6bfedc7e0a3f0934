"""Sections of RFCs in any text are links: "RFC 6455, 5.3" leads to that section."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

RFC = "https://www.rfc-editor.org/rfc/rfc"
REFERENCE = re.compile(r"RFC (\d{4}), (\d+(?:\.\d+)*)")
WITHOUT_LINKS = (nodes.literal, nodes.reference, nodes.title, nodes.literal_block, nodes.raw)


class RfcLinks(SphinxTransform):
    default_priority = 700

    def apply(self, **_: Any) -> None:
        for text in list(self.document.findall(nodes.Text)):
            if REFERENCE.search(text) and not _is_inside(text, WITHOUT_LINKS):
                text.parent.replace(text, list(linked(str(text))))


def _is_inside(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if isinstance(parent, kinds):
            return True
        parent = parent.parent
    return False


def linked(text: str) -> list[nodes.Node]:
    parts: list[nodes.Node] = []
    position = 0
    for found in REFERENCE.finditer(text):
        parts.append(nodes.Text(text[position : found.start()]))
        uri = f"{RFC}{found[1]}#section-{found[2]}"
        parts.append(nodes.reference("", found[0], refuri=uri, internal=False))
        position = found.end()
    return [*parts, nodes.Text(text[position:])]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(RfcLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
