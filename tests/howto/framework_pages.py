"""What a page tells its reader to write, taken from the page itself and run.

A ```py block that begins with `# NAME.py` is a file, and each line of a ```sh block a command. (A
```python block is run by tests/api/test_examples.py, so it must end by itself.) Pages use port
8000; here it is a free one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from websockets.sync.client import connect

from tests.servers.programs import NO_PROXY, ROOT, Program, until_listening

DOCS = ROOT / "docs"
PORT = {
    "uvicorn": "--port={}", "hypercorn": "--bind=127.0.0.1:{}", "gunicorn": "--bind=127.0.0.1:{}",
    "daphne": "--port={}", "sanic": "--port={}", "flask": "--port={}", "quart": "--port={}",
    "fastapi": "--port={}", "manage.py": "{}", "panel": "--port={}", "jupyter": "--port={}",
    "bokeh": "--port={}",
}  # fmt: skip
"""How programs are told their port, where the page leaves it at 8000 or 5000."""


class Page:
    def __init__(self, name: str) -> None:
        self.path = DOCS / name
        self.text = self.path.read_text(encoding="utf-8")

    def files(self) -> dict[str, str]:
        blocks = re.findall(r"```(?:py|html)\n(.*?)```", self.text, re.DOTALL)
        named = ((re.match(r"# ([\w./]+\.py)\n", block), block) for block in blocks)
        return {match[1]: block for match, block in named if match}

    def commands(self) -> list[str]:
        blocks = re.findall(r"```sh\n(.*?)```", self.text, re.DOTALL)
        lines = (line.partition("  #")[0].strip() for block in blocks for line in block.split("\n"))
        return [line for line in lines if line and not line.startswith("#")]

    def write(self, folder: Path, port: int) -> None:
        for name, text in self.files().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text.replace("8000", str(port)), encoding="utf-8")

    def arguments(self, command: str, port: int) -> list[str]:
        """For this Python, with -v, so that it says how many connections ran on fastframe."""
        assert command in self.commands(), f"{self.path.name} does not say {command}"
        words = shlex.split(command.replace("8000", str(port)))
        while "=" in words[0]:
            words.pop(0)
        program = words[0]
        if words[:2] == ["fastframe", "run"]:
            options = ["-m", "fastframe", "run", "-v"]
            rest = words[2:]
            while rest[0].startswith("-"):
                alone = rest[0] == "-v" or "=" in rest[0]
                options += [rest.pop(0)] if alone else [rest.pop(0), rest.pop(0)]
            program = rest[0]
            words = [*options, *rest]
        elif program == "python":
            words = words[1:]
        else:
            words = ["-m", *words]
        program = "manage.py" if "manage.py" in words else program
        if program in PORT and str(port) not in " ".join(words):
            words.append(PORT[program].format(port))
        return words

    @contextlib.contextmanager
    def server(self, command: str, port: int, folder: Path) -> Iterator[Program]:
        self.write(folder, port)
        with started(*self.arguments(command, port), port=port, folder=folder) as program:
            yield program

    def client(self, command: str, port: int, folder: Path) -> str:
        """Runs it to its end. What it has written."""
        self.write(folder, port)
        result = subprocess.run(
            [sys.executable, *self.arguments(command, port)],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
            env=environment(), check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout
        return result.stdout


def environment() -> dict[str, str]:
    """That of somebody who has activated the environment of this Python."""
    programs = os.path.dirname(sys.executable)
    return {**os.environ, "PATH": programs + os.pathsep + os.environ.get("PATH", "")}


@contextlib.contextmanager
def started(*command: str, port: int, folder: Path) -> Iterator[Program]:
    """A server in this folder, from when it listens until the block ends. It has a process group of
    its own, as some servers end their whole group."""
    log = folder / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=folder, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True, env=environment(),
        )  # fmt: skip
    try:
        until_listening(process, port, log, seconds=60)
        yield Program(process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def echoes(url: str) -> None:
    """Each of these comes back, in an event loop that has other clients too."""
    with connect(url, max_size=None, **NO_PROXY) as client:
        for text in ("hello", "Grüße, 世界 😀", "x" * 70_000):
            client.send(text)
            assert client.recv(20) == text


def until_said(program: Program, pattern: str, times: int = 1) -> None:
    deadline = time.monotonic() + 30
    while len(re.findall(pattern, program.output())) < times:
        assert time.monotonic() < deadline, program.output()
        time.sleep(0.05)


def ended(program: Program) -> str:
    """Ends it as Docker, systemd and Kubernetes do. What it has written."""
    program.process.terminate()
    program.process.wait(30)
    output = program.output()
    assert "Traceback" not in output, output
    return output


def connections(output: str, target: str) -> int:
    """How many connections ran on fastframe under this target, in all processes."""
    lines = re.findall(r"connections that ran on fastframe: (.*) \(process \d+\)", output)
    counts = re.findall(rf"(?:^|[ ,]){re.escape(target)} (\d+)", "\n".join(lines), re.MULTILINE)
    return sum(map(int, counts))
