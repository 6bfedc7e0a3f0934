"""Which class serves: fastframe's, or with FASTFRAME_DISABLE uvicorn's own; and the line in the log
that says so.

The choice is uvicorn's global `uvicorn.protocols.websockets.auto.AutoWebSocketsProtocol`, which
`--ws auto` stands for.
"""

from __future__ import annotations

import logging
from typing import Any

from fastframe._codec.kernels import active_kernel
from fastframe._targets.install import DISABLED, disabled
from fastframe._targets.replaced import Replaced
from fastframe._version import __version__

CHOICE = "AutoWebSocketsProtocol"

_replaced = Replaced("uvicorn")


def take_over(ours: type) -> None:
    from uvicorn.protocols.websockets import auto

    _replaced.replace(auto, CHOICE, ours)


def give_back() -> None:
    """Does nothing unless it was taken over."""
    _replaced.put_back()


def uvicorns_own(ours: type) -> Any:
    """The class that uvicorn would use by itself; `ours`, or something made from it, may have taken
    its place."""
    from uvicorn.protocols.websockets import auto

    for protocol in (vars(auto)[CHOICE], _replaced.original(auto, CHOICE) if _replaced else None):
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
        log.warning(
            "WebSockets run on uvicorn's %s, not on fastframe: %s",
            uvicorns_own(ours).__name__,
            DISABLED,
        )
    else:
        log.info("WebSockets run on fastframe %s, kernel %s", __version__, active_kernel())
    return True
