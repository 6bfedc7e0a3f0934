"""What docs/howto/upgrading.md says of the way back, of `doctor`, and of the counters."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from websockets.sync.client import connect

from tests.helpers import run_python
from tests.howto.pages import blocks
from tests.servers.programs import NO_PROXY, free_port, until_listening

PAGE = "upgrading.md"
APP = """
import fastframe
async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": str(fastframe.status()["uvicorn"].connections)})
    await receive()
"""

COUNTED = """
from prometheus_client import REGISTRY, generate_latest
import fastframe.prometheus
from fastframe import Decoder, Encoder, ProtocolError, Role
fastframe.prometheus.start()
client = Encoder(Role.CLIENT)
list(Decoder(Role.SERVER).feed(client.text("counted") + client.close(1000)))
try:
    list(Decoder(Role.SERVER).feed(Encoder(Role.SERVER).text("not masked")))
except ProtocolError:
    print(generate_latest(REGISTRY).decode())
"""


@pytest.mark.programs
@pytest.mark.parametrize("disabled", [True, False])
def test_the_way_back(disabled: bool, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    variable, *command = shlex.split(blocks(PAGE, "sh")[0])
    name, value = variable.split("=")
    environment = {**os.environ, name: value} if disabled else dict(os.environ)
    port = free_port()
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--port", str(port)],
            cwd=tmp_path, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        until_listening(process, port, log)
        with connect(f"ws://127.0.0.1:{port}/", **NO_PROXY) as client:
            assert client.recv(20) == ("0" if disabled else "1")
        assert (f"{name} is set" in log.read_text()) is disabled
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize(("environment", "code"), [({}, 0), ({"FASTFRAME_DISABLE": "1"}, 1)])
def test_the_exit_codes_of_doctor(environment: dict[str, str], code: int) -> None:
    assert run_python("-m", *shlex.split(blocks(PAGE, "sh")[1]), **environment).returncode == code


def test_the_names_in_the_queries() -> None:
    pytest.importorskip("prometheus_client")
    exposed = run_python("-c", COUNTED, check=True).stdout
    for query in blocks(PAGE, "promql")[0].splitlines():
        (name,) = re.findall(r"fastframe_\w+", query)
        assert f"# TYPE {name} " in exposed
        for label in re.findall(r"by \(([\w, ]+)\)", query):
            samples = [line for line in exposed.splitlines() if line.startswith(f"{name}{{")]
            for one in label.split(", "):
                assert not samples or any(f'{one}="' in line for line in samples)
