"""Servers as programs of their own, and what a client talks about with them."""

from __future__ import annotations

import contextlib
import inspect
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import fastframe

ROOT = Path(__file__).parent.parent.parent
STATUS = "which targets have connections, and do they run on fastframe?"

MESSAGES: list[str | bytes] = [
    "text", "", b"", bytes(range(256)), "Grüße, мир, 世界, 😀", "x" * 65_536, "世" * 500_000,
    random.Random(6).randbytes(1 << 20),
]  # fmt: skip
NO_PROXY: dict[str, Any] = (
    {"proxy": None} if "proxy" in inspect.signature(connect).parameters else {}
)
"""For `connect`: before websockets 15 it knows no proxies."""


def answer_to_status() -> str:
    return json.dumps(
        {name: status.active for name, status in fastframe.status().items() if status.connections}
    )


class Program(NamedTuple):
    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """What it has written so far on standard output and standard error."""
        return self.log.read_text()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(*command: str, port: int) -> Iterator[Program]:
    """A server, from when it listens on `port` until the block ends. The command may begin with -m
    and a Python module."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, stdout=output, stderr=output
            )
        try:
            until_listening(process, port, log)
            yield Program(process, log)
        finally:
            end(process)


def until_listening(
    process: subprocess.Popen[bytes], port: int, log: Path, seconds: float = 30
) -> None:
    deadline = time.monotonic() + seconds
    while not is_listening(port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks it to, and makes it if it does not."""
    process.terminate()
    try:
        process.wait(20)
    finally:
        process.kill()
        process.wait()


def self_signed(folder: Path) -> tuple[str, str]:
    """A certificate for localhost, and its key, as paths; without openssl the test is skipped."""
    if shutil.which("openssl") is None:
        import pytest  # servers of the tests import this module too

        pytest.skip("openssl is not installed")
    certificate, key = str(folder / "certificate"), str(folder / "key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def exchange(
    url: str,
    compression: str | None = None,
    *,
    code: int = 4000,
    answer: int | None = None,
    messages: Sequence[str | bytes] = MESSAGES,
) -> Any:
    """Echoes of all kinds, Pings, a Close. Returns the server's answer to STATUS.

    answer: the code that the Close is answered with, if not the same.
    """
    client = connect(url, compression=compression, max_size=None, **NO_PROXY)
    assert ("Sec-WebSocket-Extensions" in client.response.headers) is (compression is not None)
    client.send(STATUS)
    status = json.loads(client.recv(20))
    for message in messages:
        client.send(message)
        assert client.recv(20) == message
    client.send(["fragments ", "", "of ", "text"])
    assert client.recv(20) == "fragments of text"
    assert client.ping(b"payload").wait(10)
    client.send([b"bytes ", b"too"])
    assert client.recv(20) == b"bytes too"
    client.close(code, "enough")
    assert client.protocol.close_code == (answer or code)
    with contextlib.suppress(ConnectionClosed):
        raise AssertionError(client.recv())
    return status
