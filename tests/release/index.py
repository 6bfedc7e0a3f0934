"""A package index on loopback, made of a folder of files, and a PATH without a compiler."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMPILERS = ("cc", "c99", "c++", "gcc", "g++", "clang", "clang++", "cl", "x86_64-linux-gnu-gcc")


def normal(name: str) -> str:
    """As PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def make_index(files: Path, index: Path) -> None:
    """A page for each project (PEP 503), with links to copies of the files and their hashes."""
    for path in sorted(files.iterdir()):
        page = index / "simple" / normal(path.name.split("-")[0]) / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        (index / "files").mkdir(exist_ok=True)
        shutil.copy(path, index / "files")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with page.open("a", encoding="utf-8") as text:
            text.write(f'<a href="/files/{path.name}#sha256={digest}">{path.name}</a>\n')


@contextmanager
def served(index: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of the index, and the names of the files that were got from it, so far."""
    got: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *arguments: Any) -> None:
            if self.path.startswith("/files/"):
                got.append(self.path.removeprefix("/files/"))

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(index))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple/", got
        server.shutdown()


def trap_compilers(folder: Path) -> Path:
    """Programs that are named as compilers are, note that they were called, and fail; the file in
    which they note it."""
    called = folder / "called"
    folder.mkdir()
    for name in COMPILERS:
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {called}\nexit 1\n')
        (folder / name).chmod(0o755)
    return called


def clean_environment(**more: str) -> dict[str, str]:
    """This one, without what could lead to another Python, index, switch or compiler."""
    strange = ("PIP_", "PYTHON", "FASTFRAME_", "VIRTUAL_ENV", "UV_", "CFLAGS", "LDFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        kept.pop(name, None)
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


def new_environment(folder: Path) -> Path:
    """The bin folder of a new virtual environment."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    return folder / "bin"


def download(to: Path, *requirements: str) -> None:
    """Wheels of these and of what they need, from the index that pip knows."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:"]
    subprocess.run([*command, "-d", str(to), *requirements], check=True, timeout=300)
