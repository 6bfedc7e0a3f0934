"""uvicorn's WebSockets on fastframe: `uvicorn --ws fastframe.uvicorn:WSProtocol app:app`.

handshake   HTTP: the request, the answer to it, or its rejection; by wsproto and h11
protocol    from the transport to ASGI messages and back
keepalive   Pings, and who does not answer them
"""

try:
    from fastframe.uvicorn.protocol import WSProtocol
except ModuleNotFoundError:
    raise ImportError("fastframe.uvicorn needs the uvicorn extra: pip install 'fastframe[uvicorn]'")  # noqa: B904 (says what is missing)

__all__ = ["WSProtocol"]

WSProtocol.announce()  # uvicorn imports this module in each worker, when it loads its settings
