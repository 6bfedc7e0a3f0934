"""An ASGI application that echoes, and says which targets run on fastframe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.servers.programs import STATUS, answer_to_status

PAGE = Path(__file__).parent / "page.html"
"""For browsers: a page that talks to this very application."""


async def telling_app(scope: Any, receive: Any, send: Any) -> None:
    """The same, which says what each WebSocket came over."""
    if scope["type"] == "websocket":
        print(f"a WebSocket over HTTP/{scope['http_version']}", flush=True)
    await app(scope, receive, send)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (event := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{event['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "http":
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/html; charset=utf-8")],
            }
        )
        await send({"type": "http.response.body", "body": PAGE.read_bytes()})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("text") == STATUS:
            await send({"type": "websocket.send", "text": answer_to_status()})
        elif event.get("text") is not None:
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            await send({"type": "websocket.send", "bytes": event["bytes"]})
