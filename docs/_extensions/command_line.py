"""The reference of the command line, made of its parser: `{command} run`."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterator
from typing import Any

import prose
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)


@functools.cache
def commands() -> dict[str, argparse.ArgumentParser]:
    from fastframe._cli.main import parser

    (found,) = (
        action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(found.choices)


def usage(parser: argparse.ArgumentParser) -> str:
    return parser.format_usage().removeprefix("usage: ").rstrip()


def text_of(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    parts = [f"{text[0].upper()}{text[1:]}." if text else ""]
    if action.choices is not None:
        parts.append(f"One of {', '.join(f'`{choice}`' for choice in action.choices)}.")
    return " ".join(part for part in parts if part)


def heads(action: argparse.Action) -> str:
    """-v, --verbose or --seed SEED, as the directive `option` takes them."""
    if not action.option_strings:
        return str(action.metavar or action.dest)
    if action.nargs == 0:
        return ", ".join(action.option_strings)
    metavar = str(action.metavar or action.dest.upper())
    return ", ".join(f"{option} {metavar}" for option in action.option_strings)


def markdown(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"```text\n{usage(parser)}\n```\n"
    yield prose.escaped(parser.description or "") + "\n"
    yield f"```{{program}} fastframe {name}\n```\n"
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.dest != "help"]
        if not actions:
            continue
        if group.title not in {"options", "optional arguments", "positional arguments"}:
            title = str(group.title)
            yield f"**{title[0].upper()}{title[1:]}**\n"
        for action in actions:
            text = prose.inline(text_of(action, parser))
            yield f":::{{option}} {heads(action)}\n\n{text}\n:::\n"


class Command(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        self.env.note_reread()  # its sources are many
        return self.parse_text_to_nodes("\n".join(markdown(name, commands()[name])))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("command", Command)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
