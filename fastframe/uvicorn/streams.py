"""WebSockets on the streams of HTTP/2 (RFC 8441): uvicorn's own class for wsproto serves them, with
wsproto on fastframe.

uvicorn knows no other class there: it makes that one itself, and where its settings name another it
answers 501. So its HTTP/2 protocol reads settings that name that class wherever they name
fastframe's; connections over HTTP/1.1 keep the latter. A uvicorn that serves no WebSockets over
HTTP/2 is left as it is.
"""

from __future__ import annotations

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
"""Never put back: servers that were told to use fastframe's class go on with it after
`uninstall`."""


class StreamSettings:
    """uvicorn's Config, as the HTTP/2 protocol of a server reads it whose WebSockets are
    fastframe's."""

    ws = "wsproto"

    def __init__(self, config: Any, ours: Any) -> None:
        from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

        self._config = config
        self._ours = ours
        self.ws_protocol_class = WSProtocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)

    @property
    def ws_max_size(self) -> int:
        size: int = self._config.ws_max_size
        return min(size, self._ours.max_message_size or size)

    @property
    def ws_per_message_deflate(self) -> bool:
        return bool(self._config.ws_per_message_deflate) and self._ours.deflate is not None


def hand_over_streams(ours: type) -> None:
    """From now on, for servers whose WebSockets are of the class `ours` or one made from it."""
    protocol = None if _replaced else _protocol_of_http_2()
    if protocol is None:
        return
    original = vars(protocol)["__init__"]

    @functools.wraps(original)
    def init(self: Any, config: Any, *arguments: Any, **named: Any) -> None:
        original(self, _settings(config, ours), *arguments, **named)

    _replaced.replace(protocol, "__init__", init)


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
    if not disabled():
        _put_wsproto_on_fastframe()
    return StreamSettings(config, chosen)


@functools.cache
def _put_wsproto_on_fastframe() -> None:
    """Once only: who takes it off again has a reason."""
    if not is_active("wsproto"):
        try:
            install("wsproto")
        except InstallError as error:
            _log.warning("WebSockets over HTTP/2 run on wsproto alone: %s", error)
            return
    _log.info("WebSockets over HTTP/2 run on wsproto, and that on fastframe")
