"""A geventwebsocket server that echoes: python -m tests.libraries.echo_geventwebsocket PORT"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from gevent import pywsgi
from geventwebsocket.handler import WebSocketHandler

from tests.servers.programs import STATUS, answer_to_status


def app(environ: Any, start_response: Any) -> Iterable[bytes]:
    connection = environ["wsgi.websocket"]
    while (message := connection.receive()) is not None:
        connection.send(
            answer_to_status()
            if message == STATUS
            else bytes(message)
            if isinstance(message, bytearray)
            else message
        )
    return []


if __name__ == "__main__":
    pywsgi.WSGIServer(
        ("127.0.0.1", int(sys.argv[1])), app, handler_class=WebSocketHandler, log=None
    ).serve_forever()
