"""Echo servers as people write them: python -m benchmarks.contenders.frameworks NAME PORT [LOOP]

FastAPI is run by a server: gunicorn "benchmarks.contenders.frameworks:fastapi_app()". So is the
application for RSGI: granian --interface rsgi benchmarks.contenders.frameworks:rsgi_app. No server
sends Pings. All compress if the client asks for it and the library can.
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


async def rsgi_app(scope: Any, protocol: Any) -> None:
    websocket = await protocol.accept()
    while (message := await websocket.receive()).kind:  # 0 is the end
        if message.kind == 2:
            await websocket.send_str(message.data)
        else:
            await websocket.send_bytes(message.data)


def sanic(port: int, loop: str | None = None) -> None:
    from sanic import Sanic

    app: Any = Sanic("echo", configure_logging=False)
    app.config.WEBSOCKET_MAX_SIZE = 1 << 24
    app.config.WEBSOCKET_PING_INTERVAL = None
    if loop is not None:
        app.config.USE_UVLOOP = loop == "uvloop"

    @app.websocket("/")  # type: ignore[untyped-decorator]
    @app.websocket("/echo", name="longer")  # type: ignore[untyped-decorator]
    async def echo(request: Any, websocket: Any) -> None:
        async for message in websocket:
            await websocket.send(message)

    app.run(host="127.0.0.1", port=port, single_process=True, motd=False, access_log=False)


def flask_sock(port: int, loop: str | None = None) -> None:
    from flask import Flask
    from flask_sock import Sock  # type: ignore[import-untyped]

    app = Flask("echo")
    sock = Sock(app)

    @sock.route("/")  # type: ignore[untyped-decorator]
    def echo(websocket: Any) -> None:
        while True:
            websocket.send(websocket.receive())

    app.run(host="127.0.0.1", port=port, threaded=True)


def socketify(port: int, loop: str | None = None) -> None:
    from socketify import App, AppListenOptions, CompressOptions

    app = App()
    app.ws(
        "/*",
        {
            "compression": CompressOptions.SHARED_COMPRESSOR,
            "max_payload_length": 1 << 24,
            "max_backpressure": 1 << 24,
            "idle_timeout": 0,
            "message": lambda websocket, message, opcode: websocket.send(message, opcode),
        },
    )
    app.listen(AppListenOptions(port=port, host="127.0.0.1"), lambda config: None)
    app.run()


async def aiohttp(port: int) -> None:
    from aiohttp import web

    async def echo(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
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
        def get_compression_options(self) -> dict[str, Any]:
            return {}

        def on_message(self, message: str | bytes) -> None:
            self.write_message(message)

    Application([("/.*", Echo)], log_function=lambda handler: None).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


async def websockets(port: int) -> None:
    from websockets.asyncio.server import ServerConnection, serve

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", port, max_size=1 << 24, ping_interval=None) as server:
        await server.serve_forever()


SERVERS = {"sanic": sanic, "flask-sock": flask_sock, "socketify": socketify}
ON_A_LOOP = {"aiohttp": aiohttp, "tornado": tornado, "websockets": websockets}

if __name__ == "__main__":
    name, port, *loop = sys.argv[1:]
    if name in SERVERS:
        SERVERS[name](int(port), *loop)
    elif loop == ["uvloop"]:
        import uvloop

        uvloop.run(ON_A_LOOP[name](int(port)))
    else:
        asyncio.run(ON_A_LOOP[name](int(port)))
