"""WebSockets on the streams of HTTP/2 (RFC 8441): whose class serves them.

uvicorn knows its own class for wsproto there and no other: it makes that one itself, and where its
settings name another it answers 501. So its HTTP/2 protocol reads settings that name that class
wherever they name fastframe's; and in the place of that class it then makes `StreamProtocol`. If it
uses a protocol in ways that are not known here, it makes its own class, with wsproto on fastframe:
slower, and never a 501. A uvicorn that serves no WebSockets over HTTP/2 is left as it is.
"""

from __future__ import annotations

import ast
import functools
import inspect
import logging
from importlib import import_module
from typing import Any, cast

from fastframe._targets.install import InstallError, disabled, install, is_active
from fastframe._targets.replaced import Replaced

SERVES_STREAMS = "uvicorn.protocols.websockets.wsproto_h2_impl"
HTTP_2 = "uvicorn.protocols.http.zttp_h2_impl"
PROTOCOL = "ZttpH2Protocol"

_log = logging.getLogger("uvicorn.error")
_replaced = Replaced("uvicorn")
"""The initializer of uvicorn's HTTP/2 protocol, and the class that it makes. Never put back, as
servers that were told to use fastframe's class go on with it after `uninstall`."""


class StreamSettings:
    """uvicorn's Config, as the HTTP/2 protocol of a server reads it whose WebSockets are
    fastframe's."""

    ws = "wsproto"

    def __init__(self, config: Any, ours: Any) -> None:
        from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

        self._config = config
        self.ours = ours
        self.ws_protocol_class = WSProtocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)

    @property
    def ws_max_size(self) -> int:
        size: int = self._config.ws_max_size
        return min(size, self.ours.max_message_size or size)

    @property
    def ws_per_message_deflate(self) -> bool:
        return bool(self._config.ws_per_message_deflate) and self.ours.deflate is not None


def hand_over_streams(ours: type) -> None:
    """From now on, for servers whose WebSockets are of the class `ours` or one made from it."""
    protocol = None if _replaced else _protocol_of_http_2()
    if protocol is None:
        return
    own_class = _makes_what_is_known()
    original = vars(protocol)["__init__"]

    @functools.wraps(original)
    def init(self: Any, config: Any, *arguments: Any, **named: Any) -> None:
        settings = _settings(config, ours)
        if settings is not config and not own_class and not disabled():
            _put_wsproto_on_fastframe()
        original(self, settings, *arguments, **named)

    _replaced.replace(protocol, "__init__", init)
    if own_class:
        _make_ours()


def _make_ours() -> None:
    from fastframe.uvicorn.stream_protocol import on_a_stream

    made_there = import_module(SERVES_STREAMS)
    original = vars(made_there)["WSProtocol"]

    def make(config: Any, *arguments: Any, **named: Any) -> Any:
        of_fastframe = isinstance(config, StreamSettings) and not disabled()
        made = on_a_stream(config.ours) if of_fastframe else original
        return made(config, *arguments, **named)

    _replaced.replace(made_there, "WSProtocol", make)


def _makes_what_is_known() -> bool:
    """True if uvicorn makes its class where it can be replaced, and uses nothing of it that ours
    does not have."""
    from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

    from fastframe.uvicorn.stream_protocol import USED

    modules = [import_module(SERVES_STREAMS), import_module(HTTP_2)]
    if vars(modules[0]).get("WSProtocol") is not WSProtocol:
        return False
    try:
        trees = [ast.parse(inspect.getsource(module)) for module in modules]
    except (OSError, TypeError):  # without source it is not known
        return False
    used = _used_of_a_protocol(trees[0]) | _used_of_a_protocol(trees[1])
    if not used <= USED:
        _log.debug("uvicorn uses %s of a WebSocket on a stream", ", ".join(sorted(used - USED)))
    return used <= USED and _only_makes_it(trees[0])


def _used_of_a_protocol(tree: ast.AST) -> set[str]:
    """As "queue.empty", where it says `self.protocol.queue.empty()`."""
    used = set()
    for attribute in ast.walk(tree):
        names: list[str] = []
        node: ast.AST = attribute
        while isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            names.insert(0, node.id)
        if "protocol" in names[:-1]:
            used.add(".".join(names[names.index("protocol") + 1 :]))
    return used


def _only_makes_it(tree: ast.AST) -> bool:
    """True if the class is called there, and not derived from or compared with."""
    calls = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return all(
        node in calls
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "WSProtocol"
    )


def _protocol_of_http_2() -> type | None:
    """None if this uvicorn serves no WebSockets over HTTP/2, or if zttp is not installed."""
    try:
        import_module(SERVES_STREAMS)
        protocol = vars(import_module(HTTP_2))[PROTOCOL]
        parameters = list(inspect.signature(vars(protocol)["__init__"]).parameters)
    except ImportError:
        return None
    except Exception as error:  # in code that fastframe has not seen: that must end no server
        _log.debug("fastframe leaves %s alone: %s: %s", HTTP_2, type(error).__name__, error)
        return None
    if parameters[1:2] != ["config"]:
        _log.debug("fastframe leaves %s alone: it is not made with a config", HTTP_2)
        return None
    return cast(type, protocol)


def _settings(config: Any, ours: type) -> Any:
    if not config.loaded:
        config.load()
    chosen = getattr(config, "ws_protocol_class", None)
    while isinstance(chosen, functools.partial):
        chosen = chosen.func
    if not isinstance(chosen, type) or not issubclass(chosen, ours):
        return config
    return StreamSettings(config, chosen)


_asked_for: list[str] = []
"""Once only: who takes it off again has a reason."""


def _put_wsproto_on_fastframe() -> None:
    if _asked_for:
        return
    _asked_for.append("wsproto")
    if not is_active("wsproto"):
        try:
            install("wsproto")
        except InstallError as error:
            _log.warning("WebSockets over HTTP/2 run on wsproto alone: %s", error)
            return
    _log.info("WebSockets over HTTP/2 run on wsproto, and that on fastframe")
