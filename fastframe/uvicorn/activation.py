"""Which class serves: fastframe's, or with FASTFRAME_DISABLE uvicorn's own; and the line in the log that says so.

The choice is uvicorn's global `uvicorn.protocols.websockets.auto.AutoWebSocketsProtocol`, which `--ws auto` stands for.
"""

from __future__ import annotations

import logging
from typing import Any

from fastframe._install import DISABLED, disabled
from fastframe._kernels import active_kernel
from fastframe._version import __version__

_log = logging.getLogger("fastframe")
_replaced: list[Any] = []  # the original of AutoWebSocketsProtocol, while ours is in its place


def take_over(ours: type) -> None:
    from uvicorn.protocols.websockets import auto

    _replaced.append(auto.AutoWebSocketsProtocol)
    vars(auto)["AutoWebSocketsProtocol"] = ours


def give_back(ours: type) -> None:
    """Does nothing unless it was taken over."""
    from uvicorn.protocols.websockets import auto

    if not _replaced:
        return
    original = _replaced.pop()
    if vars(auto)["AutoWebSocketsProtocol"] is ours:
        vars(auto)["AutoWebSocketsProtocol"] = original
    else:
        _log.warning("uvicorn: AutoWebSocketsProtocol was replaced by other code after fastframe, and is left as it is")


def uvicorns_own(ours: type) -> Any:
    """The class that uvicorn would use by itself; `ours`, or something made from it, may have taken its place."""
    from uvicorn.protocols.websockets import auto

    for protocol in (auto.AutoWebSocketsProtocol, *_replaced):
        if isinstance(protocol, type) and not issubclass(protocol, ours):
            return protocol
    from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

    return WSProtocol


def announce(ours: type) -> bool:
    """Writes to uvicorn's log on what its WebSockets run. False if there is no log yet."""
    log = logging.getLogger("uvicorn.error")
    if not log.hasHandlers():
        return False
    if disabled():
        log.warning("WebSockets run on uvicorn's %s, not on fastframe: %s", uvicorns_own(ours).__name__, DISABLED)
    else:
        log.info("WebSockets run on fastframe %s, kernel %s", __version__, active_kernel())
    return True
