"""Whoever looks inside keeps the library's own path: patches that look like the library's own
functions, and methods of an object."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
from collections.abc import Callable
from typing import Any

import pytest

import fastframe
from fastframe._targets import paths
from fastframe._targets.replaced import written_in
from fastframe._targets.target import target, uncounted
from tests.helpers import KEY
from tests.strategies import frame

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MESSAGES = [frame(1, b"x", key=KEY), frame(2, b"y", key=KEY)]


def under_tornado() -> Any:
    from fastframe.tornado.observations import Connection

    async def connect() -> Any:
        return await Connection().served(MESSAGES)

    return asyncio.run(connect())


def under_gunicorn() -> Any:
    from gunicorn.asgi.websocket import WebSocketProtocol

    from fastframe.gunicorn.observations import served

    return asyncio.run(served(WebSocketProtocol, MESSAGES))


def under_autobahn() -> Any:
    return importlib.import_module("tests.libraries.test_autobahn").served(MESSAGES, True)


def under_websocket_client() -> Any:
    from fastframe.websocket_client.observations import Socket, connected

    connection = connected(Socket([frame(1, b"x"), frame(2, b"y")]))
    connection.send("text")
    return connection.recv(), connection.recv()


def under_geventwebsocket() -> Any:
    from fastframe.geventwebsocket.observations import Stream, connected, received

    connected(Stream([])).send("text")
    return received(MESSAGES)


PLAYED: dict[str, tuple[str, tuple[str, ...], Callable[[], Any]]] = {
    "tornado": ("tornado.websocket:WebSocketProtocol13", ("_handle_message", "_write_frame"),
        under_tornado),
    "gunicorn": ("gunicorn.asgi.websocket:WebSocketProtocol", ("_read_frame", "_send_frame"),
        under_gunicorn),
    "autobahn": ("autobahn.websocket.protocol:WebSocketProtocol", ("onFrameEnd", "sendFrame"),
        under_autobahn),
    "websocket-client": ("websocket._core:WebSocket", ("recv_frame", "send_frame"),
        under_websocket_client),
    "geventwebsocket": ("geventwebsocket.websocket:WebSocket", ("read_frame", "validate_utf8"),
        under_geventwebsocket),
}  # fmt: skip


@pytest.fixture(params=PLAYED)
def name(request: pytest.FixtureRequest) -> Any:
    try:
        target(request.param).check()
    except ImportError as error:
        pytest.skip(str(error))
    if request.param == "gunicorn":
        module = importlib.import_module("gunicorn.asgi.websocket")
        if not hasattr(module.WebSocketProtocol, "_put_message"):
            pytest.skip("before gunicorn 27 only masks are replaced")
    return request.param


def owner_of(name: str) -> Any:
    module, _, kind = PLAYED[name][0].partition(":")
    return getattr(importlib.import_module(module), kind)


def spied(original: Any, calls: list[str]) -> Any:
    """As tracers patch: the same name, module and all."""

    @functools.wraps(original)
    def spy(*arguments: Any, **options: Any) -> Any:
        calls.append(original.__name__)
        return original(*arguments, **options)

    return spy


@pytest.mark.parametrize("after", [False, True])
def test_a_patch_with_the_librarys_name(
    name: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, methods, play = PLAYED[name]
    owner, calls = owner_of(name), list[str]()
    left = sum(fastframe.status()[name].left.values())

    def patch() -> None:
        for method in methods:
            monkeypatch.setattr(owner, method, spied(vars(owner)[method], calls))

    if not after:
        patch()
        alone = play()
        seen = list(calls)
    with fastframe.installed(name):
        if after:
            patch()
        fast = play()
    if after:
        seen, calls[:] = list(calls), []
        alone = play()
        assert seen == calls != []
    else:
        assert calls == seen * 2 != []
    assert fast == alone
    assert sum(fastframe.status()[name].left.values()) > left


def test_a_patch_of_what_is_replaced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has replaced it keeps it, whatever it looks like."""
    found: Any = target(name)
    for replacement in found.replacements():
        owner = replacement.found_owner()
        original = vars(owner)[replacement.name]
        if isinstance(original, (type, staticmethod)):
            continue
        with monkeypatch.context() as patch:
            patch.setattr(owner, replacement.name, spied(original, []))
            with pytest.raises(fastframe.InstallError, match="patched by other code already"):
                fastframe.install(name)


def test_a_hook_of_autobahns_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("autobahn.websocket.protocol")
    from autobahn.asyncio.websocket import WebSocketAdapterProtocol

    calls: list[str] = []
    original = WebSocketAdapterProtocol._onMessageFrameData
    monkeypatch.setattr(WebSocketAdapterProtocol, "_onMessageFrameData", spied(original, calls))
    alone = under_autobahn()
    with fastframe.installed("autobahn"):
        assert under_autobahn() == alone
    assert calls == ["_onMessageFrameData"] * 4


def test_an_object_with_a_method_of_its_own() -> None:
    """Of a class whose objects have room for it."""
    websocket = pytest.importorskip("geventwebsocket.websocket")
    from fastframe.geventwebsocket.observations import Stream, connected

    class Roomy(websocket.WebSocket):  # type: ignore[misc, name-defined]
        pass

    def play() -> list[bytes]:
        connection, calls = connected(Stream(MESSAGES), Roomy), []
        connection.validate_utf8 = lambda payload: calls.append(bytes(payload))
        assert connection.receive() == "x"
        return calls

    alone = play()
    with fastframe.installed("geventwebsocket"):
        assert play() == alone == [b"x", b"x"]


def test_a_protocol_of_websockets_with_a_method_of_its_own() -> None:
    protocol_module = pytest.importorskip("websockets.protocol")
    try:
        target("websockets").check()
    except ImportError as error:
        pytest.skip(str(error))
    with fastframe.installed("websockets"):
        protocol = protocol_module.Protocol(protocol_module.SERVER)
        frames: list[Any] = []
        protocol.send_frame = frames.append
        protocol.send_text(b"x")
        protocol.send_binary(b"y")
    assert [frame.data for frame in frames] == [b"x", b"y"]


def test_a_poll_leaves_no_garbage() -> None:
    """A program polls its socket, and each time it is told that there is nothing yet."""
    pytest.importorskip("websocket")
    from fastframe.websocket_client.observations import Socket, connected

    connection = connected(Socket([TimeoutError("timed out")] * 20, [TimeoutError("no")] * 20))
    with fastframe.installed("websocket-client"):
        polled(connection)
        gc.collect()
        gc.disable()
        try:
            for _ in range(8):
                polled(connection)
            assert gc.collect() < 90, "what websocket-client leaves itself is 10 for each"
        finally:
            gc.enable()


def polled(connection: Any) -> None:
    for method in (connection.recv, lambda: connection.send("x")):
        with pytest.raises(Exception, match=r"timed out|no"):
            method()


def test_what_stands_in_for_a_function() -> None:
    class Proxy:
        """As wrapt has them."""

        def __init__(self, wrapped: Any) -> None:
            self.__wrapped__ = wrapped
            self.__module__ = wrapped.__module__

    assert written_in(written_in) == "fastframe._targets.replaced"
    assert written_in(staticmethod(written_in)) == "fastframe._targets.replaced"
    assert written_in(Proxy(written_in)) == ""
    assert written_in(functools.wraps(written_in)(lambda: None)) == __name__
    assert written_in(len) == "builtins"


def test_connections_of_a_self_check_are_nobodys() -> None:
    def listen(connection: object, log: object) -> None:
        raise AssertionError("nobody has asked for a log")

    decide = paths.deciding("wsproto", lambda _: "a reason", lambda _: "server", listen=listen)

    class Connection:
        pass

    before = fastframe.status()["wsproto"].left
    with uncounted():
        assert not decide(Connection())
    assert fastframe.status()["wsproto"].left == before


def test_the_doctor_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastframe._cli.doctor import examine, lines
    from fastframe._targets import install

    monkeypatch.setattr(install, "left", lambda name: {"it has its own": 3})
    assert ("wsproto", "connections on its own path: 3, as it has its own") in lines(examine())
