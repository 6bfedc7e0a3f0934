"""The echo servers of end_to_end.py: an ASGI application, and as a program, picows without ASGI.

usage: python -m benchmarks.contenders.echo_servers LOOP PORT [--compiled]
--compiled is picows with a listener in Cython, as its documentation recommends.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any


async def lifespan(receive: Any, send: Any) -> None:
    while (event := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{event['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("text") is not None:
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            await send({"type": "websocket.send", "bytes": event["bytes"]})


def picows_listener() -> Any:
    from picows import WSFrame, WSListener, WSMsgType, WSTransport

    class Echo(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type is WSMsgType.TEXT:
                transport.send(WSMsgType.TEXT, frame.get_payload_as_utf8_text())
            else:
                transport.send(frame.msg_type, frame.get_payload_as_bytes())

    return Echo


async def serve_picows(port: int, listener: Any) -> None:
    from picows import ws_create_server

    server = await ws_create_server(lambda _request: listener(), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    loop, port, *options = sys.argv[1:]
    if options == ["--compiled"]:
        from benchmarks.contenders.picows_listener import EchoListener

        listener: Any = EchoListener
    else:
        listener = picows_listener()
    if loop == "uvloop":
        import uvloop

        uvloop.run(serve_picows(int(port), listener))
    else:
        asyncio.run(serve_picows(int(port), listener))
