"""Echo servers as people write them: python -m benchmarks.contenders.frameworks NAME PORT [LOOP]

FastAPI is run by a server: gunicorn "benchmarks.contenders.frameworks:fastapi_app()".
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any


def fastapi_app() -> Any:
    from fastapi import FastAPI
    from starlette.websockets import WebSocketDisconnect

    app = FastAPI()

    async def echo(websocket: Any) -> None:
        await websocket.accept()
        try:
            while True:
                event = await websocket.receive()
                if event["type"] == "websocket.disconnect":
                    return
                if event.get("text") is not None:
                    await websocket.send_text(event["text"])
                else:
                    await websocket.send_bytes(event["bytes"])
        except WebSocketDisconnect:
            pass

    app.router.add_websocket_route("/", echo)
    return app


def sanic(port: int) -> None:
    from sanic import Sanic

    app: Any = Sanic("echo", configure_logging=False)
    app.config.WEBSOCKET_MAX_SIZE = 1 << 26

    @app.websocket("/")  # type: ignore[untyped-decorator]
    async def echo(request: Any, websocket: Any) -> None:
        async for message in websocket:
            await websocket.send(message)

    app.run(host="127.0.0.1", port=port, single_process=True, motd=False, access_log=False)


def flask_sock(port: int) -> None:
    from flask import Flask
    from flask_sock import Sock  # type: ignore[import-untyped]

    app = Flask("echo")
    sock = Sock(app)

    @sock.route("/")  # type: ignore[untyped-decorator]
    def echo(websocket: Any) -> None:
        while True:
            websocket.send(websocket.receive())

    app.run(host="127.0.0.1", port=port, threaded=True)


async def aiohttp(port: int) -> None:
    from aiohttp import web

    async def echo(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(compress=False)
        await websocket.prepare(request)
        async for message in websocket:
            await websocket.send_str(message.data)
        return websocket

    app = web.Application()
    app.router.add_get("/", echo)
    app.router.add_get("/echo", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def tornado(port: int) -> None:
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    class Echo(WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            self.write_message(message)

    Application([("/.*", Echo)], log_function=lambda handler: None).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


SERVERS = {"sanic": sanic, "flask-sock": flask_sock}
ON_A_LOOP = {"aiohttp": aiohttp, "tornado": tornado}

if __name__ == "__main__":
    name, port, *loop = sys.argv[1:]
    if name in SERVERS:
        SERVERS[name](int(port))
    elif loop == ["uvloop"]:
        import uvloop

        uvloop.run(ON_A_LOOP[name](int(port)))
    else:
        asyncio.run(ON_A_LOOP[name](int(port)))
