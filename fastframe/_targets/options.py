"""The options of `install`: names, checks, defaults and words of each, for Python and for the
command line.

One table. `install` and `installed` check with it, each target says which of them it has,
`fastframe run` hands them on, and the command line is made from it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from fastframe._codec.checks import _flag_from, _number_from

if TYPE_CHECKING:
    from fastframe.deflate import Deflate

LARGEST_LIMIT = sys.maxsize // 2
"""The same as that of Decoder: no sum of two sizes can overflow."""


class Options(NamedTuple):
    """The options of one `install`; with the defaults a target behaves as it does by itself."""

    max_message_size: int | None = None
    max_fragments: int | None = None
    deflate: Deflate | Literal[False] | None = None
    fix_interleaved_control: bool = False

    @classmethod
    def checked(cls, given: Mapping[str, object]) -> Options:
        """TypeError or ValueError names the option that is wrong."""
        return cls(**{name: OPTIONS[name].check(name, value) for name, value in given.items()})

    def given(self) -> list[str]:
        """The names of those that are not the default."""
        return [name for name in OPTIONS if getattr(self, name) != self._field_defaults[name]]

    def only(self, names: frozenset[str]) -> Options:
        """The same without the options that are not in `names`."""
        return Options(**{name: value for name, value in self._asdict().items() if name in names})


class Option(NamedTuple):
    check: Callable[[str, object], Any]
    flag: str
    argument: dict[str, Any]
    """How argparse is to read it; what is not given is None."""


def _limit(name: str, value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise TypeError(f"{name} must be an int or None, not {type(value).__name__}")
    return None if value is None else _number_from(name, value, 1, LARGEST_LIMIT)


def _deflate(name: str, value: object) -> Deflate | Literal[False] | None:
    if value is None or value is False:
        return value
    from fastframe.deflate import Deflate

    if not isinstance(value, Deflate):
        raise TypeError(f"{name} must be a Deflate, False or None, not {type(value).__name__}")
    return value


def whole_number(text: str) -> int:
    """A number on the command line."""
    try:
        number = int(text.replace("_", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None
    if not 1 <= number <= LARGEST_LIMIT:
        raise argparse.ArgumentTypeError(f"must be from 1 to {LARGEST_LIMIT}, not {number}")
    return number


OPTIONS = {
    "max_message_size": Option(
        _limit,
        "--max-message-size",
        {
            "type": whole_number,
            "metavar": "BYTES",
            "help": "refuse larger messages, also while they are inflated",
        },
    ),
    "max_fragments": Option(
        _limit,
        "--max-fragments",
        {"type": whole_number, "metavar": "FRAMES", "help": "refuse messages in more frames"},
    ),
    "deflate": Option(
        _deflate,
        "--no-deflate",
        {"action": "store_const", "const": False, "help": "turn compression off"},
    ),
    "fix_interleaved_control": Option(
        _flag_from,
        "--fix-interleaved-control",
        {
            "action": "store_const",
            "const": True,
            "help": "under wsproto, accept a Ping between the fragments of a compressed message",
        },
    ),
}
