"""What fastframe can run under: the contract of a target, and the table of all targets.

A library that runs on fastframe has a folder here with everything about it. `TARGET` in its
target.py is a Target; that module must be importable where the library is not installed, and must
not import it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol

from fastframe._codec.tally import count_nothing

if TYPE_CHECKING:
    from fastframe._targets.options import Options


class Place(NamedTuple):
    folder: str
    """The package that has everything about the library."""
    module: str
    """What a program that uses the library imports; `fastframe run` waits for that."""
    only_by_name: bool = False
    """`fastframe run` leaves it alone unless it is named."""


PLACES = {
    "wsproto": Place("fastframe.wsproto", "wsproto"),
    "uvicorn": Place("fastframe.uvicorn", "uvicorn"),
    "websocket-client": Place("fastframe.websocket_client", "websocket"),
    "gunicorn": Place("fastframe.gunicorn", "gunicorn.asgi.websocket"),
    "geventwebsocket": Place("fastframe.geventwebsocket", "geventwebsocket.websocket"),
    "websockets": Place("fastframe.websockets", "websockets.protocol", only_by_name=True),
    "autobahn": Place("fastframe.autobahn", "autobahn.websocket.protocol"),
    "tornado": Place("fastframe.tornado", "tornado.websocket"),
}
"""By the name that callers of `install` use."""

MEANT = {
    **dict.fromkeys(
        (
            "hypercorn",
            "quart",
            "trio-websocket",
            "httpx-ws",
            "simple-websocket",
            "flask-sock",
            "twisted",
            "mitmproxy",
            "jupyverse",
        ),
        'which runs on wsproto: the target is "wsproto"',
    ),
    **dict.fromkeys(
        ("sanic", "sanic-routing"), 'which runs on websockets: the target is "websockets"'
    ),
    **dict.fromkeys(
        ("daphne", "channels", "django", "crossbar", "django-channels"),
        'which runs on autobahn with daphne, and else on its server: the target is "autobahn", or '
        "that of the server",
    ),
    **dict.fromkeys(("gevent-websocket", "gevent"), 'whose target is "geventwebsocket"'),
    **dict.fromkeys(
        ("flask-socketio", "socketio", "python-socketio", "python-engineio", "engineio"),
        'which runs on simple-websocket ("wsproto"), gevent-websocket ("geventwebsocket") or '
        'websocket-client ("websocket-client")',
    ),
    **dict.fromkeys(
        ("fastapi", "starlette", "litestar", "falcon", "blacksheep", "asgi"),
        "which runs on a server: its target is that of the server, as uvicorn",
    ),
    **dict.fromkeys(
        (
            "websocket",
            "selenium",
            "kubernetes",
            "docker",
            "slack-sdk",
            "slack",
            "binance-connector",
        ),
        'which runs on websocket-client: the target is "websocket-client"',
    ),
    **dict.fromkeys(("uvicorn-worker", "gunicorn-uvicorn"), 'whose target is "uvicorn"'),
    **dict.fromkeys(
        ("jupyter", "jupyter-server", "notebook", "jupyterlab", "bokeh", "panel", "rosbridge"),
        'which runs on tornado: the target is "tornado"',
    ),
    **dict.fromkeys(
        ("aiohttp", "picows"), "which has a codec in C of its own: there is no target for it"
    ),
}
"""What somebody means who calls `install` with a name that is no target, in lower case."""


class Target(Protocol):
    """A library that can run on fastframe."""

    distribution: str
    """As pip knows it."""
    description: str
    """For the log, with {} for the version that is installed."""
    how_to_activate: str
    """One sentence for a user who has not."""
    options: frozenset[str]
    """Which of the options of `install` it has."""
    makes_unneeded: frozenset[str]
    """Names of targets that users of this one do not need."""

    @property
    def supported_versions(self) -> tuple[str, ...]:
        """That were tested, oldest first."""

    def installed_version(self) -> str:
        """ImportError if it is not installed, with what to do."""

    relied_on: tuple[str, ...]
    """Functions and classes of the library, "module:Class.method", that must be as they were; see
    relied_on.py."""

    def check(self, *, untested: bool = False) -> str | None:
        """ImportError if it cannot be activated, with the reason and what to do. Changes nothing.
        What it returns is good to know of a version that was not tested. untested: that something
        it relies on has changed is no reason."""

    def observe(self) -> list[object]:
        """What the library makes of fixed traffic: the same alone and on fastframe, or it must not
        be activated."""

    def load(self) -> None:
        """Imports all that `configure` and `activate` need, so that these do not fail half-way."""

    def configure(self, options: Options) -> None:
        """The options for connections from now on."""

    def activate(self) -> None:
        """Puts fastframe in place."""

    def deactivate(self) -> None:
        """Puts everything back, but leaves alone what other code has put over it since."""

    def in_use(self) -> bool:
        """True if it runs on fastframe in this process without `activate`."""


def refuse_another_import(distribution: str, held: Iterable[tuple[str, str, object]]) -> None:
    """ImportError if the library was imported again, and so is not the one any more that fastframe
    works with.

    held: what fastframe has of it, as (module, name, object).
    """
    for module, name, value in held:
        found = sys.modules.get(module)
        if found is not None and vars(found).get(name) is not value:
            raise ImportError(
                f"{distribution} was imported again after fastframe, or patched: {module}.{name} "
                f"is not what fastframe works with. Import "
                f"{distribution} once only, and keep it in sys.modules; a new process is right "
                f"again"
            )


_connections: dict[str, int] = {}
_left: dict[str, dict[str, int]] = {}
_counting = Lock()


_uncounted: list[bool] = []
_watchers: list[Callable[[str, int], None]] = []


def count_connection(name: str) -> None:
    """Called for each connection of a target, when it begins to use fastframe."""
    with _counting:
        if _uncounted:
            return
        _connections[name] = count = _connections.get(name, 0) + 1
        for watcher in _watchers:
            watcher(name, count)


def count_left(name: str, why: str) -> None:
    """Called for each connection of a target that takes the library's own path, with the reason."""
    with _counting:
        if not _uncounted:
            reasons = _left.setdefault(name, {})
            reasons[why] = reasons.get(why, 0) + 1


@contextlib.contextmanager
def uncounted() -> Iterator[None]:
    """The connections of a self-check are nobody's."""
    _uncounted.append(True)
    count_nothing(True)
    try:
        yield
    finally:
        count_nothing(False)
        _uncounted.pop()


def watch_connections(watcher: Callable[[str, int], None]) -> None:
    """Calls it for each connection from now on, with the target's name and how many there have
    been."""
    _watchers.append(watcher)


def _begin_anew_after_a_fork() -> None:
    if _counting.locked():  # by another thread, which the child does not have
        _counting.release()
    _connections.clear()
    _left.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch (Windows has no fork)
    os.register_at_fork(after_in_child=_begin_anew_after_a_fork)


def connections(name: str) -> int:
    """How many there have been."""
    return _connections.get(name, 0)


def left(name: str) -> dict[str, int]:
    """How many have taken the library's own path, by the reason."""
    return dict(_left.get(name, {}))


def target_names() -> tuple[str, ...]:
    """What can be installed."""
    return tuple(PLACES)


def target(name: str) -> Target:
    """TypeError or ValueError for what is not the name of a target."""
    if not isinstance(name, str):
        raise TypeError(f"a target must be a str, not {type(name).__name__}")
    if name not in PLACES:
        meant = MEANT.get(name.lower().replace("_", "-"))
        hint = "" if meant is None else f", {meant}"
        raise ValueError(f"unknown target {name!r}{hint}; there are: {', '.join(PLACES)}")
    found: Target = import_module(f"{PLACES[name].folder}.target").TARGET
    return found
