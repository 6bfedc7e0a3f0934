"""uvicorn's WebSockets on fastframe: `uvicorn --ws fastframe.uvicorn:WSProtocol app:app`.

handshake   HTTP: the request, the answer to it, or its rejection; by wsproto and h11
protocol    from the transport to ASGI messages and back
keepalive   Pings, and peers that do not answer them
target      for `install` and `fastframe run`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastframe.uvicorn.protocol import WSProtocol as WSProtocol

__all__ = ["WSProtocol"]


def __getattr__(name: str) -> Any:
    """WSProtocol, when it is first asked for: uvicorn does that in each worker, when it loads its settings."""
    if name != "WSProtocol":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from fastframe.uvicorn.protocol import WSProtocol
    except ModuleNotFoundError:
        raise ImportError("fastframe.uvicorn needs the uvicorn extra: pip install 'fastframe[uvicorn]'")  # noqa: B904 (says what is missing)
    globals()["WSProtocol"] = WSProtocol
    WSProtocol.announce()
    return WSProtocol
