"""Which path a connection takes: fastframe's, or its library's own, which stays there for whoever
looks inside.

A target that goes past methods of its library asks, once for a connection, whether these are the
library's: a subclass or a patch that has its own wants them to be called. What was decided is in an
attribute of the connection's object.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal
from weakref import WeakKeyDictionary

from fastframe._codec.tally import Tally, tally
from fastframe._targets.frame_log import FrameLog, is_wanted
from fastframe._targets.replaced import written_in
from fastframe._targets.target import count_connection, count_left

DECIDED = "_fastframe_path"


def changed_method(found: object, base: type, methods: tuple[str, ...]) -> str | None:
    """Which of `methods` is not that of `base`, a class of the library, in an object of it or of a
    class that is derived from it; None if all are."""
    kind, package = type(found), base.__module__.partition(".")[0]
    own = getattr(found, "__dict__", {})
    for name in methods:
        method = getattr(base, name)
        if getattr(kind, name) is not method or name in own:
            return f"{kind.__module__}.{kind.__qualname__} has its own {name}"
        module = written_in(method)
        if module.partition(".")[0] not in (package, "fastframe"):
            return f"{base.__qualname__}.{name} was replaced by {module or 'other code'}"
    return None


def count(target: str, why: str | None) -> None:
    """A connection, by its path: the library's own if there is a reason."""
    if why is None:
        count_connection(target)
    else:
        count_left(target, why)


Follows = Callable[[Any], "Tally | Literal[False]"]
"""Whether a connection takes fastframe's path: what counts its traffic, or False."""


def code_of(close: Any) -> int:
    """Of the payload of a Close frame; 1005 for none (RFC 6455, 7.1.5)."""
    return int.from_bytes(close[:2], "big") if len(close) > 1 else 1005


def deciding(
    target: str,
    why_not: Callable[[Any], str | None],
    role: Callable[[Any], str],
    *,
    listen: Callable[[Any, FrameLog], None],
    may_be_lost: bool = True,
) -> Follows:
    """`why_not` is asked once for each connection; it is counted then, as one of that role. listen:
    lets a FrameLog have all bytes of a connection from now on, on either path."""

    def follows(connection: Any) -> Tally | Literal[False]:
        decided: Tally | Literal[False] | None = connection.__dict__.get(DECIDED)
        if decided is None:
            why = why_not(connection)
            count(target, why)
            decided = why is None and tally(target, role(connection), may_be_lost)
            connection.__dict__[DECIDED] = decided
            if is_wanted():
                listen(connection, FrameLog())
        return decided

    return follows


def deciding_without_attributes(
    target: str,
    why_not: Callable[[Any], str | None],
    methods: tuple[str, ...],
    *,
    listen: Callable[[Any, FrameLog], None],
) -> tuple[Callable[[Any], Any], Follows]:
    """The same where connections have no room for an attribute, so once for each class, and for an
    object that has `methods` of its own each time; and a decorator for `__init__`, which counts the
    connection. All of a server's connections have one Tally, whose end is not seen."""
    of_all: list[Tally] = []
    decided: WeakKeyDictionary[type, str | None] = WeakKeyDictionary()

    def why(connection: Any) -> str | None:
        kind = type(connection)
        if kind not in decided:
            decided[kind] = why_not(connection)
        return decided[kind]

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def counting(self: Any, *arguments: Any, **options: Any) -> Any:
            count(target, why(self))
            function(self, *arguments, **options)
            if is_wanted():
                listen(self, FrameLog())

        return counting

    def follows(connection: Any) -> Tally | Literal[False]:
        own = getattr(connection, "__dict__", None)
        if why(connection) is not None or (own and any(name in own for name in methods)):
            return False
        if not of_all:
            of_all.append(tally(target, "server", False))
        return of_all[0]

    return counted, follows
