"""python -m tests.servers.echo_simple_websocket PORT: simple-websocket's Server, two threads to a
connection, with fastframe under it."""

from __future__ import annotations

import socket
import sys
import threading

import simple_websocket

import fastframe
from tests.servers.programs import STATUS, answer_to_status


def serve(connection: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        if not data:
            return
        head += data
    environ = {
        "werkzeug.socket": connection,
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
    }
    for line in head.decode("latin-1").split("\r\n")[1:-2]:
        name, _, value = line.partition(": ")
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    server = simple_websocket.Server(environ)
    try:
        while True:
            message = server.receive()
            if message == STATUS:
                message = answer_to_status()
            server.send(message)
    except simple_websocket.ConnectionClosed:
        server.thread.join()  # which is about to answer the Close
        connection.close()


fastframe.install("wsproto")
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
