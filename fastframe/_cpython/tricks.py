"""What relies on more than CPython's documented API: what it is, what it saves, and whether it is
in use.

Each trick has a plain twin, which does the same by documented means. A trick is off if
FASTFRAME_PLAIN names it (or is 1, for all), if this CPython is newer than those it was read in, or
if its self-check fails. `fastframe doctor` and the log say so. docs/explanation/cpython.md has the
assumptions and the figures.
"""

from __future__ import annotations

import os
import sys

SWITCH = "FASTFRAME_PLAIN"

READ_UP_TO = (3, 15)
"""The newest CPython whose sources were read."""


class Trick:
    """One of them.

    name: for people, and for FASTFRAME_PLAIN. costs: what its plain twin costs, in words. since:
    the oldest CPython that it is possible with.
    """

    def __init__(
        self, name: str, costs: str, *, since: tuple[int, int] = (3, 10), needs_gil: bool = False
    ) -> None:
        self.name = name
        self.costs = costs
        self.off: str | None = None
        """Why it is off; None while it is in use."""
        if {"1", name} & switched_off():
            self.off = f"{SWITCH} is set"
        elif sys.version_info < since:
            self.off = f"it is possible from CPython {since[0]}.{since[1]} on"
        elif needs_gil and "t" in getattr(sys, "abiflags", ""):
            self.off = "this CPython can run without the GIL"
        elif sys.version_info[:2] > READ_UP_TO:
            newest = "{}.{}".format(*sys.version_info)
            self.off = f"CPython {newest} is newer than those it was read in"

    def is_on(self) -> bool:
        return self.off is None

    def check(self, passed: bool) -> bool:
        """Takes the result of a self-check. False if the trick is off, for another reason too."""
        if not passed and self.off is None:
            self.off = "its self-check failed"
            import logging

            logging.getLogger("fastframe").warning(
                "%s is off, as its self-check failed on CPython %s: %s",
                self.name,
                sys.version.split()[0],
                self.costs,
            )
        return self.is_on()


def switched_off() -> set[str]:
    return set(os.environ.get(SWITCH, "").split(",")) - {"", "0"}


INLINE_VALUES = Trick(
    "inline-values",
    "messages in and out of wsproto cost a fifth to a half more",
    since=(3, 11),
    needs_gil=True,
)
EVENT_SLOTS = Trick(
    "event-slots",
    "a message that is sent through wsproto costs three times as much",
    needs_gil=True,
)
TYPE_VERSION = Trick(
    "type-version", "messages in and out of wsproto cost three to seven times as much"
)
NAMED_TUPLE = Trick("named-tuple", "frames of FrameProtocol.received_frames cost two thirds more")
ONLY_REFERENCE = Trick(
    "only-reference",
    "fragments are copied once more; a call of wsproto's events() costs a tenth more",
)
GENERATOR_STATE = Trick(
    "generator-state", "websockets parses each frame in Python, which costs three times as much"
)
TRICKS = (INLINE_VALUES, EVENT_SLOTS, TYPE_VERSION, NAMED_TUPLE, ONLY_REFERENCE, GENERATOR_STATE)

if unknown := switched_off() - {"1", *(trick.name for trick in TRICKS)}:
    raise ImportError(
        f"{SWITCH} is 1, or names of: {', '.join(trick.name for trick in TRICKS)}; not "
        f"{', '.join(sorted(unknown))}"
    )
