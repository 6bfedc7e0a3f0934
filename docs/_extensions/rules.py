"""The rules of `ProtocolError`, made of src_c/status.c.

:::{rule} text-utf8     the sentence, the status code and the section of a rule; what is inside says
                        why it happens and what to do
```{rule-index}         a table of all rules

A rule that is on no page, or on two, or without a cause and a remedy, is a warning.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, NamedTuple

import prose
from docutils import nodes
from once import Once
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

STATUS = Path(__file__).parent.parent.parent / "src_c/status.c"
CODES = {"PROTOCOL_ERROR": 1002, "INVALID_PAYLOAD": 1007, "TOO_BIG": 1009}
PARTS = ("**Why:**", "**What to do:**")

log = logging.getLogger(__name__)


class Rule(NamedTuple):
    name: str
    code: int
    sentence: str
    """As a ProtocolError says it."""


@functools.cache
def rules() -> dict[str, Rule]:
    found = re.findall(
        r'\[FF_ERR_\w+\] =\s*\{(\w+),\s*"([\w-]+)",\s*"([^"]+)"\}', STATUS.read_text("utf-8")
    )
    return {name: Rule(name, CODES[code], sentence) for code, name, sentence in found}


EXPLAINED = Once("explained_rules", rules, "the rule %s is explained %d times")


class RuleDirective(SphinxDirective):
    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        rule = rules().get(name)
        text = "\n".join(self.content)
        if rule is None or not all(part in text for part in PARTS):
            log.warning(
                "the rule %s needs %s", name, " and ".join(PARTS), location=self.get_location()
            )
            return []
        self.env.note_dependency(str(STATUS))
        EXPLAINED.note(self.env, name)
        head = f"> **{rule.code}**: {prose.inline(rule.sentence)}"
        return self.parse_text_to_nodes(f"{head}\n\n{text}")


class RuleIndex(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(STATUS))
        lines = ["| the error says | rule |", "|---|---|"]
        lines += [
            f"| {rule.code}: {prose.inline(rule.sentence)} | [`{rule.name}`](#{rule.name}) |"
            for rule in rules().values()
        ]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("rule", RuleDirective)
    app.add_directive("rule-index", RuleIndex)
    EXPLAINED.connect(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
