"""WebSockets on the streams of HTTP/2 and HTTP/3, which hypercorn serves through wsproto."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("wsproto")
pytest.importorskip("hypercorn")
pytest.importorskip("h2")

import fastframe
from fastframe.deflate import Deflate
from tests.servers.over_http_2 import WINDOW, Http2Client
from tests.servers.programs import MESSAGES, STATUS, Program, free_port, running, self_signed

pytestmark = [
    pytest.mark.programs,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.skipif(os.name == "nt", reason="the servers are ended with signals"),
]

HYPERCORN = ("-m", "fastframe", "run", "-v", "-m", "hypercorn")
APP = "tests.servers.echo_asgi:app"
ON_WSPROTO = {"wsproto": True}
LARGE = random.Random(8441).randbytes(10 * WINDOW)
"""Ten windows, and as many with compression: nothing can make it smaller."""


def connections(program: Program) -> int:
    """How many have run on fastframe, as it says at the end of the server."""
    program.process.send_signal(signal.SIGTERM)
    program.process.wait(20)
    output = program.output()
    assert "Traceback" not in output
    (count,) = re.findall(r"connections that ran on fastframe: .*?wsproto (\d+)", output)
    return int(count)


# ---- HTTP/2 --------------------------------------------------------------------------------------


@pytest.fixture
def http_2() -> Iterator[tuple[Program, Http2Client]]:
    port = free_port()
    with running(*HYPERCORN, "--bind", f"127.0.0.1:{port}", APP, port=port) as program:
        client = Http2Client(port)
        yield program, client
        client.close()


@pytest.mark.parametrize("deflate", [None, Deflate()], ids=["plain", "deflate"])
def test_http_2(http_2: tuple[Program, Http2Client], deflate: Deflate | None) -> None:
    program, client = http_2
    websocket = client.websocket(deflate)
    assert websocket.status == "200"
    assert websocket.deflate is (deflate is not None)
    websocket.send(websocket.encoder.message(STATUS))
    assert json.loads(websocket.message()) == ON_WSPROTO
    for message in MESSAGES:
        websocket.send(websocket.encoder.message(message))
        assert websocket.message() == message
    encoder = websocket.encoder
    websocket.send(
        encoder.ping(b"payload") + encoder.text("fragments ", fin=False) + encoder.continuation("!")
    )
    assert [websocket.message(), websocket.message()] == [fastframe.Pong(b"payload"), "fragments !"]
    websocket.send(encoder.close(4000, "enough"))
    assert websocket.message() == fastframe.Close(4000, "enough")
    client.close()
    assert connections(program) == 1


@pytest.mark.parametrize("deflate", [None, Deflate()], ids=["plain", "deflate"])
def test_http_2_with_messages_larger_than_the_windows(
    http_2: tuple[Program, Http2Client], deflate: Deflate | None
) -> None:
    """In both directions; and the server, as long as it gets no credit, keeps the rest back, while
    the other WebSocket of the same connection goes on."""
    program, client = http_2
    slow, other = client.websocket(deflate), client.websocket(deflate)
    slow.reads = False
    slow.send(slow.encoder.message(LARGE))
    assert slow.waits > 0
    while slow.uncredited < WINDOW:
        client.receive()
    for number in range(20):
        other.send(other.encoder.message(f"message {number}"))
        assert other.message() == f"message {number}"
    assert slow.uncredited == WINDOW
    slow.read_on()
    assert slow.message() == LARGE
    client.close()
    assert connections(program) == 2


def test_http_2_with_two_at_once(http_2: tuple[Program, Http2Client]) -> None:
    """Frames of both arrive in turns, one of them compressed; each ends by itself."""
    program, client = http_2
    first, second = client.websocket(), client.websocket(Deflate())
    for message in MESSAGES[:6]:
        a, b = first.encoder.message(message), second.encoder.message(message)
        first.send(a[: len(a) // 2])
        second.send(b[: len(b) // 2])
        first.send(a[len(a) // 2 :])
        second.send(b[len(b) // 2 :])
        assert [first.message(), second.message()] == [message, message]
    first.send(b"", last=True)
    second.send(second.encoder.message("still here"))
    assert second.message() == "still here"
    second.send(second.encoder.close(1000))
    assert second.message() == fastframe.Close(1000)
    client.close()
    assert connections(program) == 2


def test_http_2_over_tls(tmp_path: Path) -> None:
    """As browsers come."""
    certificate, key = self_signed(tmp_path)
    port = free_port()
    command = [*HYPERCORN, "--bind", f"127.0.0.1:{port}", "--certfile", certificate]
    with running(*command, "--keyfile", key, APP, port=port) as program:
        client = Http2Client(port, tls=ssl.create_default_context(cafile=certificate))
        websocket = client.websocket(Deflate())
        websocket.send(websocket.encoder.message(LARGE))
        assert websocket.message() == LARGE
        client.close()
        assert connections(program) == 1


# ---- HTTP/3 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("deflate", [None, Deflate()], ids=["plain", "deflate"])
async def test_http_3(tmp_path: Path, deflate: Deflate | None) -> None:
    """Two WebSockets on one connection, with messages larger than QUIC's windows."""
    pytest.importorskip("aioquic")
    from aioquic.asyncio import connect
    from aioquic.quic.configuration import QuicConfiguration

    from tests.servers.over_http_3 import Http3Client

    certificate, key = self_signed(tmp_path)
    port = free_port()
    command = [
        *HYPERCORN, "--bind", f"127.0.0.1:{port}", "--quic-bind", f"127.0.0.1:{port}",
        "--certfile", certificate, "--keyfile", key, APP,
    ]  # fmt: skip
    settings = QuicConfiguration(alpn_protocols=["h3"], cafile=certificate, server_name="localhost")
    settings.max_data, settings.max_stream_data = 4 * WINDOW, WINDOW
    with running(*command, port=port) as program:
        client: Any
        async with connect(
            "127.0.0.1", port, configuration=settings, create_protocol=Http3Client
        ) as client:
            first, second = await client.websocket(deflate), await client.websocket()
            assert [first.headers[":status"], second.headers[":status"]] == ["200", "200"]
            assert first.deflate is (deflate is not None)
            first.send(first.encoder.message(STATUS))
            assert json.loads(await first.message()) == ON_WSPROTO
            for message in MESSAGES[:5]:
                for websocket in (first, second):
                    websocket.send(websocket.encoder.message(message))
                assert [await first.message(), await second.message()] == [message, message]
            first.send(first.encoder.message(2 * LARGE))  # hypercorn's windows are a megabyte
            second.send(second.encoder.message("meanwhile"))
            assert await second.message() == "meanwhile"
            assert await first.message() == 2 * LARGE
            first.send(first.encoder.ping(b"payload") + first.encoder.close(4000, "enough"))
            assert await first.message() == fastframe.Pong(b"payload")
            assert await first.message() == fastframe.Close(4000, "enough")
            second.send(second.encoder.message("still here"))
            assert await second.message() == "still here"
        assert connections(program) == 2
