"""docs/howto/deployment.md: its commands and files, where this machine has programs for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.howto.pages import blocks, changed
from tests.servers.programs import end, free_port, until_listening

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(sys.platform != "linux", reason="the page is about Linux"),
]

PAGE = "deployment.md"
UVICORN = f"{sys.executable} -m uvicorn"


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


class Running:
    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    def connect(self, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/", proxy=None, close_timeout=2, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(blocks(PAGE, "python")[0])
    return tmp_path


@contextlib.contextmanager
def started(command: list[str], folder: Path, port: int, **options: Any) -> Iterator[Running]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, **options)
    try:
        until_listening(process, port, log)
        yield Running(process, port, log)
    finally:
        end(process)


def uvicorn(text: str, port: int) -> list[str]:
    """A command of the page, on another port."""
    arguments = shlex.split(text)
    assert arguments[0].endswith("uvicorn")
    if "--port" in arguments:
        arguments[arguments.index("--port") + 1] = str(port)
    return [sys.executable, "-m", "uvicorn", *arguments[1:]]


def the_command(port: int) -> list[str]:
    return uvicorn(" ".join(joined(blocks(PAGE, "sh")[0])), port)


@contextlib.asynccontextmanager
async def several(server: Running, count: int) -> AsyncIterator[list[Any]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(server.connect()) for _ in range(count)]


async def code_of_the_end(client: Any) -> int | None:
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(client.recv(), 20)
    code: int | None = client.close_code
    return code


async def test_the_command_and_its_end(folder: Path) -> None:
    port = free_port()
    with started(the_command(port), folder, port) as server:
        async with several(server, 6) as clients:
            for client in clients:
                await client.send("hello")
                assert await client.recv() == "hello"
            server.process.send_signal(signal.SIGTERM)
            assert {await code_of_the_end(client) for client in clients} == {1012}
        assert await asyncio.to_thread(server.process.wait, 20) == 0
        assert "WebSockets run on fastframe" in server.log.read_text()


async def test_sighup_replaces_the_workers_and_keeps_the_port(folder: Path) -> None:
    port = free_port()
    with started(the_command(port), folder, port) as server:
        async with several(server, 4) as clients:
            server.process.send_signal(signal.SIGHUP)
            assert {await code_of_the_end(client) for client in clients} == {1012}
        async with server.connect() as client:
            await client.send("again")
            assert await client.recv() == "again"


STAYS = """
import asyncio
async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    print((await receive())["code"], flush=True)
    await asyncio.sleep(600)
"""


@pytest.mark.parametrize("limited", [True, False])
async def test_an_application_that_does_not_return(limited: bool, folder: Path) -> None:
    (folder / "app.py").write_text(STAYS)
    port = free_port()
    command = the_command(port)
    at = command.index("--timeout-graceful-shutdown")
    if limited:
        command[at + 1] = "1"
    else:
        del command[at : at + 2]
    with started(command, folder, port) as server:
        async with several(server, 1) as (client,):
            server.process.send_signal(signal.SIGTERM)
            assert await code_of_the_end(client) == 1012
        if limited:
            assert await asyncio.to_thread(server.process.wait, 20) == 0
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                await asyncio.to_thread(server.process.wait, 3)
            for process in children(server.process.pid):
                os.kill(process, signal.SIGKILL)
        assert "1012" in server.log.read_text().split()


def children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


async def test_file_descriptors_that_run_out(folder: Path) -> None:
    """The open connections go on, and new ones are served once there is room."""
    import resource

    port = free_port()
    command = [*UVICORN.split(), "app:app", "--loop", "asyncio", "--port", str(port)]
    command += ["--ws", "fastframe.uvicorn:WSProtocol"]

    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))

    with started(command, folder, port, preexec_fn=few_files) as server:
        async with contextlib.AsyncExitStack() as stack:
            clients: list[Any] = []
            with contextlib.suppress(TimeoutError):
                while len(clients) < 40:
                    client = server.connect(open_timeout=2)
                    clients.append(await stack.enter_async_context(client))
            assert len(clients) < 32
            assert "socket.accept() out of system resource" in server.log.read_text()
            await clients[0].send("still here")
            assert await clients[0].recv() == "still here"
        async with server.connect(open_timeout=20) as client:
            await client.send("room")
            assert await client.recv() == "room"


# ---- systemd ----


@needs("systemd-analyze")
def test_the_units(tmp_path: Path) -> None:
    service, sockets = blocks(PAGE, "ini")
    (tmp_path / "app.service").write_text(
        changed(service, {"/srv/app/venv/bin/uvicorn": sys.executable, "/srv/app": str(tmp_path)})
    )
    (tmp_path / "app.socket").write_text(sockets)
    for unit in ("app.service", "app.socket"):
        checked = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        told = [line for line in checked.stderr.splitlines() if "app." in line]
        assert not told
    assert checked.returncode == 0


async def test_the_command_of_the_service(folder: Path) -> None:
    (line,) = [line for line in joined(blocks(PAGE, "ini")[0]) if line.startswith("ExecStart=")]
    port = free_port()
    with started(uvicorn(line.removeprefix("ExecStart="), port), folder, port) as server:
        async with several(server, 1) as (client,):
            server.process.send_signal(signal.SIGTERM)
            assert await code_of_the_end(client) == 1012


def joined(text: str) -> list[str]:
    return text.replace("\\\n", " ").splitlines()


@needs("systemd-socket-activate")
async def test_a_socket_of_systemd(folder: Path) -> None:
    port = free_port()
    (text,) = [text for text in blocks(PAGE, "sh") if text.startswith("systemd-socket-activate")]
    activate, command = changed(text, {"8000": str(port)}).split("uvicorn", 1)
    command = [*shlex.split(activate), *uvicorn(f"uvicorn{command}", port)]
    with started(command, folder, port) as server:
        async with several(server, 1) as (client,):
            await client.send("hello")
            assert await client.recv() == "hello"


# ---- containers ----


@needs("hadolint")
def test_the_dockerfile(tmp_path: Path) -> None:
    (text,) = blocks(PAGE, "dockerfile")
    (tmp_path / "Dockerfile").write_text(text)
    # DL3008: pins for apt; Debian keeps no old versions of its packages.
    command = ["hadolint", "--ignore", "DL3008", str(tmp_path / "Dockerfile")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout


async def test_the_health_check_and_the_command_of_the_dockerfile(folder: Path) -> None:
    lines = [line.strip() for line in joined(blocks(PAGE, "dockerfile")[0])]
    (command,) = [line for line in lines if line.startswith("CMD [")]
    (check,) = [line for line in lines if line.startswith("HEALTHCHECK")]
    port = free_port()
    command = " ".join(map(shlex.quote, json.loads(command.removeprefix("CMD "))))
    health = json.loads(changed(check[check.index("[") :], {"8000": str(port)}))
    health = [sys.executable, *health[1:]]

    def status() -> int:
        return subprocess.run(health, capture_output=True, timeout=30, check=False).returncode

    assert await asyncio.to_thread(status) != 0
    with started([*uvicorn(command, port), "--port", str(port)], folder, port) as server:
        assert await asyncio.to_thread(status) == 0
        async with several(server, 1) as (client,):
            await client.send("hello")
            assert await client.recv() == "hello"


def test_the_manifests() -> None:
    yaml = pytest.importorskip("yaml")
    validate = pytest.importorskip("kubernetes_validate")
    documents = [document for text in blocks(PAGE, "yaml") for document in yaml.safe_load_all(text)]
    for document in documents:
        validate.validate(document, "1.31", strict=True)
    kinds = {document["kind"]: document for document in documents}
    assert list(kinds) == ["Deployment", "Service", "HorizontalPodAutoscaler"]
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    wait = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    (shutdown,) = {
        int(text.split()[0])
        for text in blocks(PAGE, "dockerfile")[0].split('"--timeout-graceful-shutdown", "')[1:]
        for text in [text.replace('"', " ")]
    }
    assert pod["terminationGracePeriodSeconds"] > wait + shutdown


def test_the_health_check_of_the_application(folder: Path) -> None:
    port = free_port()
    with (
        started(the_command(port), folder, port),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20) as response,
    ):
        assert response.read() == b"ok"
