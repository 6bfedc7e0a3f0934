"""Which class serves: fastframe's, or with FASTFRAME_DISABLE uvicorn's own; and the line in the log that says so."""

from __future__ import annotations

import logging
from typing import Any

from fastframe._install import DISABLED, disabled
from fastframe._kernels import active_kernel
from fastframe._version import __version__


def uvicorns_own(ours: type) -> Any:
    """What uvicorn would use by itself; `ours` may have taken its place."""
    from uvicorn.protocols.websockets import auto

    protocol: Any = auto.AutoWebSocketsProtocol
    if protocol is None or protocol is ours:
        from uvicorn.protocols.websockets.wsproto_impl import WSProtocol as protocol  # noqa: N813
    return protocol


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
