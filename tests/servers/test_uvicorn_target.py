"""The target "uvicorn": what its default, --ws auto, stands for."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")

from uvicorn.protocols.websockets import auto
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol as WsprotoImpl

import fastframe
from fastframe._cli import doctor
from fastframe.deflate import Deflate
from fastframe.uvicorn import WSProtocol
from fastframe.uvicorn.target import TARGET
from tests.servers.in_uvicorn import OURS, Recorder, raw_client, serving

ORIGINAL = auto.AutoWebSocketsProtocol
SETTINGS = (WSProtocol.deflate, WSProtocol.max_fragments, WSProtocol.max_message_size)


@pytest.fixture(autouse=True)
def put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(WSProtocol, "in_use", False)
    yield
    fastframe.uninstall("uvicorn")
    monkeypatch.undo()
    assert auto.AutoWebSocketsProtocol is ORIGINAL
    assert (WSProtocol.deflate, WSProtocol.max_fragments, WSProtocol.max_message_size) == SETTINGS


def test_install_and_uninstall(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "fastframe"):
        assert not fastframe.status()["uvicorn"].active
        fastframe.install("uvicorn")
        assert auto.AutoWebSocketsProtocol is WSProtocol
        assert fastframe.status()["uvicorn"].active
        fastframe.uninstall("uvicorn")
        assert auto.AutoWebSocketsProtocol is ORIGINAL
        assert not fastframe.status()["uvicorn"].active
    assert (
        f"--ws auto of uvicorn {importlib.metadata.version('uvicorn')} runs on fastframe"
        in caplog.text
    )
    assert "uvicorn runs on its own code again" in caplog.text


@pytest.mark.parametrize("ws", ["auto", OURS])
async def test_options(ws: str) -> None:
    fastframe.install("uvicorn", max_message_size=1000, max_fragments=2, deflate=False)
    async with serving(Recorder(), ws) as server:
        async with raw_client(server) as client:
            head = await client.handshake(b"Sec-WebSocket-Extensions: permessage-deflate")
            assert b"permessage-deflate" not in head
            client.send(client.encoder.message(bytes(1001)))
            assert (await client.message()).code == 1009
        async with raw_client(server) as client:
            await client.handshake()
            client.send(
                client.encoder.text("", fin=False) + 2 * client.encoder.continuation("", fin=False)
            )
            assert (await client.message()).code == 1009
    fastframe.install("uvicorn", deflate=Deflate(server_max_window_bits=9, threshold=2000))  # anew
    assert (WSProtocol.max_fragments, WSProtocol.max_message_size) == SETTINGS[1:]
    async with serving(Recorder(), ws) as server, raw_client(server) as client:
        head = await client.handshake(b"Sec-WebSocket-Extensions: permessage-deflate")
        assert b"server_max_window_bits=9" in head
        client.send(client.encoder.message(bytes(1001)))
        assert await client.message() == bytes(1001)
        assert fastframe.status()["uvicorn"].active


async def test_in_use_by_name() -> None:
    async with serving(Recorder()) as server, raw_client(server) as client:
        await client.handshake()
        assert fastframe.status()["uvicorn"].active


def test_uninstall_leaves_alone_what_others_put_over_it(caplog: pytest.LogCaptureFixture) -> None:
    fastframe.install("uvicorn")
    auto.AutoWebSocketsProtocol = Recorder  # type: ignore[assignment]
    fastframe.uninstall("uvicorn")
    assert auto.AutoWebSocketsProtocol is Recorder
    assert "was replaced by other code after fastframe" in caplog.text
    auto.AutoWebSocketsProtocol = ORIGINAL


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        ({"uvicorn": None}, r"uvicorn is not installed: pip install 'fastframe\[uvicorn\]'"),
        ({"uvicorn": "0.35.0"}, "uvicorn 0.35.0 is too old"),
        ({"uvicorn": "0.1rc1"}, "uvicorn 0.1rc1 is too old"),
        ({"uvicorn": "0.54.0", "wsproto": None}, "needs wsproto"),
    ],
)
def test_what_is_missing(
    versions: dict[str, str | None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = importlib.metadata.version

    def version(name: str) -> Any:
        if name in versions and versions[name] is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions.get(name) or original(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(fastframe.InstallError, match=reason):
        fastframe.install("uvicorn")
    assert auto.AutoWebSocketsProtocol is ORIGINAL
    findings = doctor.examine()
    assert findings.targets["uvicorn"].version == versions["uvicorn"]
    assert findings.healthy is (versions["uvicorn"] is None)


@pytest.mark.parametrize("named", ["WSProtocol", "a subclass"])
async def test_the_kill_switch_hands_over_to_uvicorns_own_class(
    named: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the class was chosen by name: in an incident nobody wants to look for a command
    line."""
    monkeypatch.setenv("FASTFRAME_DISABLE", "1")
    monkeypatch.setattr(WSProtocol, "announced", False)
    chosen: Any = (
        WSProtocol if named == "WSProtocol" else type("Frugal", (WSProtocol,), {"max_fragments": 9})
    )
    app = Recorder()
    with caplog.at_level("INFO", "uvicorn.error"):
        WSProtocol.announce()
        async with serving(app, chosen) as server, server.connect() as client:
            await client.send("hello")
            assert await client.recv() == "hello"
            (connection,) = server.state.connections
            assert type(connection) is ORIGINAL
    assert not WSProtocol.in_use
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.getMessage() == (
        f"WebSockets run on uvicorn's {ORIGINAL.__name__}, not on fastframe: FASTFRAME_DISABLE is "
        f"set in the environment"
    )


def made_default_by_name() -> None:
    auto.AutoWebSocketsProtocol = type("Frugal", (WSProtocol,), {})  # type: ignore[misc]


def made_by_a_function() -> None:
    auto.AutoWebSocketsProtocol = functools.partial(WSProtocol)  # type: ignore[assignment,misc]


@pytest.mark.parametrize(
    ("make_default", "own"),
    [
        (lambda: fastframe.install("uvicorn"), ORIGINAL),
        (made_default_by_name, WsprotoImpl),
        (made_by_a_function, WsprotoImpl),
    ],
)
async def test_the_kill_switch_in_a_process_where_the_class_is_the_default(
    make_default: Callable[[], None], own: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto, "AutoWebSocketsProtocol", ORIGINAL)
    make_default()
    monkeypatch.setenv("FASTFRAME_DISABLE", "1")
    async with serving(Recorder(), "auto") as server, server.connect() as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        (connection,) = server.state.connections
        assert type(connection) is own


def test_taking_it_back_twice_does_no_harm() -> None:
    """As after an interrupt between the steps of `uninstall`."""
    fastframe.install("uvicorn")
    TARGET.deactivate()
    TARGET.deactivate()
    assert auto.AutoWebSocketsProtocol is ORIGINAL
    fastframe.uninstall("uvicorn")


def test_the_package_has_one_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Server'"):
        fastframe.uvicorn.Server  # noqa: B018


def test_settings_of_the_class_itself_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"max_message_size": 1000, "max_fragments": 7, "deflate": None}.items():
        monkeypatch.setattr(WSProtocol, name, value)
    fastframe.install("uvicorn")
    assert (WSProtocol.max_message_size, WSProtocol.max_fragments, WSProtocol.deflate) == (
        1000,
        7,
        None,
    )
    fastframe.install("uvicorn", max_message_size=10, deflate=Deflate())
    assert (WSProtocol.max_message_size, WSProtocol.max_fragments, WSProtocol.deflate) == (
        10,
        7,
        Deflate(),
    )
    fastframe.uninstall("uvicorn")
    assert (WSProtocol.max_message_size, WSProtocol.max_fragments, WSProtocol.deflate) == (
        1000,
        7,
        None,
    )
    monkeypatch.undo()


def test_a_uvicorn_without_what_the_class_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(self: Any, app: Any, ws_max_size: int = 1) -> None: ...

    monkeypatch.setattr("uvicorn.config.Config.__init__", init)
    monkeypatch.setattr("uvicorn.server.ServerState.__init__", lambda self: None)
    with pytest.raises(
        fastframe.InstallError,
        match=r"does not have .* Config.ws_max_queue, .*ServerState.connections, .*newer fastframe",
    ):
        fastframe.install("uvicorn")
    assert not fastframe.status()["uvicorn"].active
    assert TARGET.observe() == []


def test_settings_that_others_have_changed_since_stay(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(WSProtocol, "max_message_size", None)
    monkeypatch.setattr(WSProtocol, "max_fragments", 77)
    with fastframe.installed("uvicorn", max_message_size=1000, max_fragments=5):
        WSProtocol.max_message_size = 2000
    assert (WSProtocol.max_message_size, WSProtocol.max_fragments) == (2000, 77)
    assert (
        "uvicorn: max_message_size was replaced by other code after fastframe, and is left as it is"
        in caplog.text
    )


def test_what_others_have_deleted_since_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    from fastframe._targets.replaced import Replaced

    class Owner:
        first = second = 1

    replaced = Replaced("library")
    replaced.replace(Owner, "first", 2)
    replaced.replace(Owner, "second", 2)
    del Owner.second
    replaced.put_back()
    assert Owner.first == 1
    assert not hasattr(Owner, "second")
    assert "second was replaced by other code" in caplog.text
