"""Echo servers as people write them: python -m benchmarks.contenders.frameworks NAME PORT

FastAPI is run by a server: gunicorn "benchmarks.contenders.frameworks:fastapi_app()".
"""

from __future__ import annotations

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


SERVERS = {"sanic": sanic, "flask-sock": flask_sock}

if __name__ == "__main__":
    SERVERS[sys.argv[1]](int(sys.argv[2]))
