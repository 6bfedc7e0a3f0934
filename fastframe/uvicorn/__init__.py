"""uvicorn's WebSockets on fastframe: `uvicorn --ws fastframe.uvicorn:WSProtocol app:app`.

handshake      HTTP: the request and the answer that opens the connection
usual_handshake  the same for requests as nearly all clients write them; others are for wsproto
rejection      the other answers
protocol       a connection: from the transport to ASGI messages and back
state          the states of a connection
transport      its transport
receive_queue  what waits for the application
application    the application's own calls
keepalive      Pings, and peers that do not answer them
idle_window    when a connection is quiet, its compressor's memory is given back
activation     which class serves, and the line in the log
streams        WebSockets over HTTP/2: which class serves
stream_protocol  the class for these
target         for `install` and `fastframe run`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastframe.uvicorn.protocol import WSProtocol as WSProtocol

__all__ = ["WSProtocol"]


def __getattr__(name: str) -> Any:
    """WSProtocol, when it is first asked for: uvicorn does that in each worker, when it loads its
    settings."""
    if name != "WSProtocol":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from fastframe.uvicorn.protocol import WSProtocol
        from fastframe.uvicorn.streams import hand_over_streams
    except ModuleNotFoundError:
        raise ImportError(
            "fastframe.uvicorn needs the uvicorn extra: pip install 'fastframe[uvicorn]'"
        ) from None
    globals()["WSProtocol"] = WSProtocol
    hand_over_streams(WSProtocol)
    WSProtocol.announce()
    return WSProtocol
