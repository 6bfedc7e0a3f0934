"""The ASGI application, and uvicorn under it: python -m examples.chat server --port PORT"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import uvicorn
from prometheus_client import generate_latest
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from examples.chat.connection import Connection, Service
from examples.chat.door import Door
from examples.chat.guests import Guests
from examples.chat.log import Log
from examples.chat.protocol import SUBPROTOCOL, Refused
from examples.chat.rooms import Rooms
from examples.chat.settings import Settings
from examples.chat.watching import Live, Metrics, log_as_json

log = logging.getLogger("chat")


class Page(StaticFiles):
    """Files of page/. The browser loads nothing from elsewhere, and runs no script that is not one
    of these files."""

    HEADERS: ClassVar = {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",  # it asks whether there is a newer one
    }

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(self.HEADERS)
        return response


def application(settings: Settings) -> Starlette:
    metrics, door = Metrics(), Door(settings)
    messages = Log(settings)
    rooms = Rooms(settings, messages, metrics)
    service = Service(settings, messages, rooms, metrics, Live())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        parts = rooms.read, rooms.presence.publish, rooms.presence.tell
        tasks = [asyncio.create_task(part()) for part in parts]
        for task in tasks:
            task.add_done_callback(stop_if_failed)
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await rooms.presence.end()
        await messages.redis.aclose()

    async def chat(websocket: WebSocket) -> None:
        offered = websocket.scope["subprotocols"]
        with contextlib.suppress(WebSocketDisconnect):
            try:
                user = door.user(websocket.headers, offered)
                with door.enter(user) as user_rate, metrics.connections.track_inprogress():
                    await websocket.accept(SUBPROTOCOL)
                    await Connection(websocket, user, user_rate, service).run()
            except Refused as refused:
                # A page cannot see the status of a refused handshake, but it can see a close code.
                metrics.refused.labels(refused.code.name).inc()
                await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
                await websocket.close(refused.code, str(refused))

    async def healthy(_: Request) -> Response:
        try:
            await asyncio.wait_for(messages.redis.ping(), 1)
        except (RedisError, asyncio.TimeoutError):
            return JSONResponse(
                {"ok": False, "pid": os.getpid(), "reason": "Redis does not answer"}, 503
            )
        return JSONResponse({"ok": True, "pid": os.getpid(), "connections": door.connections})

    async def watch(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    sign_in = Guests(settings, messages, door).sign_in
    routes = [
        WebSocketRoute("/chat", chat),
        Route("/healthz", healthy),
        Route("/metrics", watch),
        Route("/sign-in", sign_in, methods=["GET", "POST"]),
        Mount("/", Page(directory=Path(__file__).parent / "page", html=True)),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def stop_if_failed(task: asyncio.Task[None]) -> None:
    """A server that hands out nothing any more must not look healthy: another one takes over."""
    if not task.cancelled():
        log.critical("a task has ended, and so does this server", exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


def serve(settings: Settings, host: str, port: int) -> None:
    """Until SIGTERM: then no connections any more, 1012 to those that are open, and the end."""
    log_as_json()
    uvicorn.run(
        application(settings), host=host, port=port, log_config=None, access_log=False,
        timeout_graceful_shutdown=5, backlog=4096,
        ws="fastframe.uvicorn:WSProtocol" if settings.codec == "fastframe" else "auto",
        ws_max_size=settings.max_message_size, ws_per_message_deflate=bool(settings.deflate),
        ws_ping_interval=settings.heartbeat, ws_ping_timeout=settings.heartbeat_timeout,
    )  # fmt: skip
