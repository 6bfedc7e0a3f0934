"""uvicorn's WebSockets on fastframe: `uvicorn --ws fastframe.uvicorn:WSProtocol app:app`.

handshake   HTTP: the request, the answer to it, or its rejection; by wsproto and h11
protocol    from the transport to ASGI messages and back
keepalive   Pings, and who does not answer them
"""

import logging

try:
    from fastframe.uvicorn.protocol import WSProtocol
except ModuleNotFoundError:
    raise ImportError("fastframe.uvicorn needs the uvicorn extra: pip install 'fastframe[uvicorn]'")  # noqa: B904 (says what is missing)

from fastframe._core import active_kernel
from fastframe._version import __version__

__all__ = ["WSProtocol"]

# uvicorn imports this module once in each worker, when it loads its settings; that is where its users look.
logging.getLogger("uvicorn.error").info("WebSockets run on fastframe %s, kernel %s", __version__, active_kernel())
