"""An echo server with a thread for each connection: python -m examples.servers.on_threads PORT"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import threading
import time
from socketserver import BaseRequestHandler, ThreadingTCPServer

from examples.servers.connection import Closed, Connection
from examples.servers.handshake import Handshake, Refused
from fastframe.deflate import Deflate

DEFLATE = Deflate(
    server_max_window_bits=12, client_max_window_bits=12, memory_level=5, threshold=256
)
MAX_MESSAGE, MAX_CONNECTIONS = 2**20, 200
HANDSHAKE, SILENCE, CLOSE = 10.0, 20.0, 10.0  # seconds that each may take; SILENCE also a write


class WebSocket:
    def __init__(self, connected: socket.socket) -> None:
        self._socket, self._lock = connected, threading.Lock()
        self.gone = threading.Event()

    def accept(self) -> None:
        handshake = Handshake(DEFLATE, full=threading.active_count() > MAX_CONNECTIONS)
        end = time.monotonic() + HANDSHAKE
        while (accepted := handshake.feed(self._read_before(end))) is None:
            pass
        self._socket.settimeout(SILENCE)
        self._socket.sendall(accepted.response)
        self._connection = Connection(accepted.deflate, MAX_MESSAGE)
        self._messages = self._connection.receive(accepted.rest)

    def receive(self) -> str | bytes | None:
        """The next message; None once one end has sent a Close, or the connection is lost."""
        while True:
            with self._lock:
                message = next(self._messages, None)
                self._flush()  # a Pong, or the answer to a Close
                closed = self._connection.closed
            if message is not None:
                return message
            if closed or not (data := self._read()):
                return None
            self._messages = self._connection.receive(data)

    def send(self, message: str | bytes) -> None:
        """From any thread. Waits while too much is left for the client to read."""
        with self._lock:
            self._connection.send(message)
            self._flush()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """From any thread; `receive` then returns None once the client has answered."""
        with self._lock:
            self._connection.close(code, reason)
            self._flush()

    def hang_up(self) -> None:
        """Reads until the client's end: the kernel resets a connection that has unread data, and
        a Close that is on its way is then lost."""
        end = time.monotonic() + CLOSE
        self._socket.shutdown(socket.SHUT_WR)
        while self._read_before(end):
            pass

    def abort(self) -> None:
        """Wakes the thread that waits for the client."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def _read(self) -> bytes:
        """Empty at the end. A client that is silent gets a Ping, and may be silent once more."""
        try:
            return self._socket.recv(2**16)
        except TimeoutError:
            with self._lock:
                self._connection.ping()
                self._flush()
        try:
            return self._socket.recv(2**16)
        except TimeoutError:
            self.close(1011, "keepalive ping timeout")
            return b""

    def _read_before(self, end: float) -> bytes:
        self._socket.settimeout(max(0.001, end - time.monotonic()))
        return self._socket.recv(2**16)

    def _flush(self) -> None:
        if data := self._connection.outgoing():
            self._socket.sendall(data)


def echo(websocket: WebSocket) -> None:
    while (message := websocket.receive()) is not None:
        websocket.send(message)


OPEN: set[WebSocket] = set()


class Handler(BaseRequestHandler):
    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        websocket = WebSocket(self.request)
        try:
            try:
                websocket.accept()
                OPEN.add(websocket)
                self.talk(websocket)
            except Refused as refused:
                self.request.sendall(refused.response)
            websocket.hang_up()
        except OSError:
            pass  # the connection is lost, or the client reads nothing or says nothing
        finally:
            OPEN.discard(websocket)
            websocket.gone.set()

    def talk(self, websocket: WebSocket) -> None:
        try:
            echo(websocket)
        except Closed:
            pass  # there is nobody to send to
        except OSError:
            raise
        except Exception:
            logging.exception("the application failed")
            websocket.close(1011)
        else:
            websocket.close()


class Server(ThreadingTCPServer):
    allow_reuse_address, request_queue_size = True, 100


def restart(websocket: WebSocket) -> None:
    with contextlib.suppress(OSError):
        websocket.close(1012)
        if not websocket.gone.wait(CLOSE):
            websocket.abort()


def main(port: int) -> None:
    with Server(("127.0.0.1", port), Handler) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print("listening on", port, flush=True)
        server.serve_forever(0.1)
        for websocket in list(OPEN):  # a thread for each: a client that does not read takes time
            threading.Thread(target=restart, args=(websocket,)).start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
