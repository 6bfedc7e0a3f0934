"""What relies on more than CPython's documented API: what it is, what it saves, and whether it is in use.

Each trick has a plain twin, which does the same by documented means. A trick is off if FASTFRAME_PLAIN=1 is set, if this CPython is newer than
those it was read in and it has no check of its own, or if its self-check fails. `fastframe doctor` and the log say so.
"""

from __future__ import annotations

import os
import sys

SWITCH = "FASTFRAME_PLAIN"

READ_UP_TO = (3, 15)
"""The newest CPython whose sources were read."""


class Trick:
    """One of them. `name` is for people; `what` says what it assumes, and `costs` what its twin costs (docs/plain.md has the figures)."""

    def __init__(self, name: str, what: str, costs: str) -> None:
        self.name = name
        self.what = what
        self.costs = costs
        self.off: str | None = None
        """Why it is off; None while it is in use."""
        if plain():
            self.off = f"{SWITCH} is set"
        elif sys.version_info[:2] > READ_UP_TO:
            self.off = f"CPython {sys.version_info[0]}.{sys.version_info[1]} is newer than those it was read in"

    def is_on(self) -> bool:
        return self.off is None

    def check(self, passed: bool) -> bool:
        """Takes the result of a self-check. False if the trick is off, also for another reason."""
        if not passed and self.off is None:
            self.off = "its self-check failed"
            import logging

            logging.getLogger("fastframe").warning(
                "%s is off, as its self-check failed: %s. Please report this CPython: %s",
                self.name,
                self.costs,
                sys.version,
            )
        return self.is_on()


def plain() -> bool:
    return os.environ.get(SWITCH, "") not in ("", "0")


INLINE_VALUES = Trick(
    "inline values",
    "the attributes of a new event are written where CPython 3.11 to 3.14 keep them",
    "wsproto's events cost a third more",
)
EVENT_SLOTS = Trick(
    "event slots",
    "calls of wsproto's event classes go past their __init__, by tp_init and tp_vectorcall of the type",
    "a message that is sent costs three times as much",
)
TYPE_VERSION = Trick(
    "type version",
    "a class whose tp_version_tag is unchanged has the attributes that it had",
    "each event that arrives is made by a call of its class",
)
NAMED_TUPLE = Trick(
    "named tuple",
    "a new NamedTuple is filled before anyone sees it",
    "frames of FrameProtocol.received_frames cost more",
)
ONLY_REFERENCE = Trick(
    "only reference",
    "an object with one reference may be changed, as nobody else has it",
    "fragments are copied once more, and each Connection.events() makes a generator",
)
GENERATOR_STATE = Trick(
    "generator state",
    "gi_yieldfrom and gi_code say where the parser of websockets waits",
    "websockets parses frame by frame in Python",
)
TRICKS = (INLINE_VALUES, EVENT_SLOTS, TYPE_VERSION, NAMED_TUPLE, ONLY_REFERENCE, GENERATOR_STATE)
