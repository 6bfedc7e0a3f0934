"""Redis, nginx and servers on this machine, until Ctrl-C: python -m examples.chat up"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import getpass
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import trustme

from examples.chat.settings import Settings

PACKAGES = {
    "redis-server": "redis-server",
    "nginx": "nginx",
}  # of Debian and Ubuntu, by the program's name
READY_SECONDS = 20.0
ROOT = Path(__file__).parent.parent.parent

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 2;
worker_rlimit_nofile {files};
{user}
events {{ worker_connections {files}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx;
    proxy_temp_path {folder}/nginx;
    fastcgi_temp_path {folder}/nginx;
    uwsgi_temp_path {folder}/nginx; scgi_temp_path {folder}/nginx;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    limit_conn_zone $binary_remote_addr zone=clients:1m;
    upstream chat {{
        zone chat 64k;  # both workers count together
        least_conn;  # after a server was away, it gets the clients that come next
        {upstreams}
    }}
    server {{
        listen {host}:{port} ssl backlog=4096;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:2m;
        limit_conn clients {clients};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_connect_timeout 2s;
        # longer than it takes a heartbeat to fail: the server knows better why a client is silent
        proxy_read_timeout {silence}s;
        proxy_send_timeout {silence}s;
        location / {{ proxy_pass http://chat; }}
        location = /metrics {{ allow 127.0.0.1; deny all; proxy_pass http://chat; }}
    }}
}}
"""


Listen = tuple[str, int | None]  # where nginx does; None: a free port


class MissingProgramError(Exception):
    """A program of the system is not installed; the message names its package."""


def missing_programs() -> list[str]:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [
        package for program, package in PACKAGES.items() if shutil.which(program, path=path) is None
    ]


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listeners = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [listener.getsockname()[1] for listener in listeners]


class Program:
    """Another program, which is started again when it ends, but not by `stop`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        port: int,
        log: Path,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name, self.port = name, port
        self.starts = 0
        self._command, self._log = command, log
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Returns when it listens."""
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C is for `up`, which stops them in order.
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                start_new_session=True,
            )
        self.starts += 1
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        for _ in range(int(READY_SECONDS / 0.05)):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{self.name} does not listen on port {self.port}: see {self._log}")

    async def _watch(self) -> None:
        while True:
            assert self._process is not None
            await self._process.wait()
            await asyncio.sleep(0.2)
            with contextlib.suppress(TimeoutError):
                await self.start()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(number)
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except asyncio.TimeoutError:
            self._process.kill()
            await self._process.wait()


@dataclasses.dataclass(frozen=True)
class System:
    """All that runs."""

    settings: Settings
    folder: Path
    redis: Program
    nginx: Program
    servers: list[Program]

    @property
    def page(self) -> str:
        return f"https://127.0.0.1:{self.nginx.port}/"

    @property
    def url(self) -> str:
        return f"wss://127.0.0.1:{self.nginx.port}/chat"

    @property
    def certificate(self) -> Path:
        """Of the authority that signed nginx's: what clients must trust."""
        return self.folder / "ca.pem"

    def description(self) -> dict[str, object]:
        return {
            "url": self.url, "page": self.page, "ca": str(self.certificate),
            "servers": [{"pid": server.pid,
            "url": f"ws://127.0.0.1:{server.port}/chat"} for server in self.servers],
            "redis": {"pid": self.redis.pid}, "nginx": {"pid": self.nginx.pid},
        }  # fmt: skip


@contextlib.asynccontextmanager
async def running(
    settings: Settings, count: int, listen: Listen = ("127.0.0.1", None), data: Path | None = None
) -> AsyncIterator[System]:
    """The system, from when all of it listens until the block ends. `data`: where Redis keeps its
    log; None: nowhere after the end."""
    missing = missing_programs()
    if missing:
        raise MissingProgramError(
            f"not installed: {', '.join(missing)}. Install with: apt-get install "
            f"{' '.join(missing)}"
        )
    with tempfile.TemporaryDirectory(prefix="chat-") as name:
        async with contextlib.AsyncExitStack() as stack:
            system = prepared(settings, count, listen, Path(name), data)
            for programs in ([system.redis], system.servers, [system.nginx]):
                for program in programs:
                    stack.push_async_callback(program.stop)
                await asyncio.gather(*(program.start() for program in programs))
            yield system


def prepared(
    settings: Settings, count: int, listen: Listen, folder: Path, data: Path | None
) -> System:
    redis_port, free_port, *ports = free_ports(count + 2)
    host, port = listen[0], listen[1] or free_port
    data = data or folder / "redis"
    for needed in (data, folder / "nginx"):
        needed.mkdir(parents=True, exist_ok=True)
    origins = f"https://127.0.0.1:{port} https://localhost:{port} {settings.origins}"
    settings = dataclasses.replace(
        settings, redis=f"redis://127.0.0.1:{redis_port}", origins=origins
    )
    make_certificate(folder)
    (data / "servers.json").write_text(
        json.dumps([{"targets": [f"127.0.0.1:{port}" for port in ports]}])
    )  # for Prometheus: behind nginx it would find one of them, and not always the same
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(
        folder=folder, host=host, port=port, files=8192, clients=settings.max_connections,
        silence=int(2 * (settings.heartbeat + settings.heartbeat_timeout)) + 1,
        user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
        upstreams=" ".join(
            f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in ports
        ),
    ))  # fmt: skip

    def program(
        name: str, command: list[str], port: int, environment: dict[str, str] | None = None
    ) -> Program:
        return Program(name, command, port, folder / f"{name}.log", environment)

    # appendfsync always: what is acknowledged is on the disk.
    redis = [
        "redis-server",
        "--port",
        str(redis_port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(data),
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--save",
        "",
    ]
    servers = [
        program(
            f"server-{i}",
            [sys.executable, "-m", "examples.chat", "server", "--port", str(server)],
            server,
            settings.environment(),
        )
        for i, server in enumerate(ports)
    ]
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    return System(
        settings,
        folder,
        program("redis", redis, redis_port),
        program(
            "nginx", [nginx, "-p", str(folder), "-e", "stderr", "-c", str(configuration)], port
        ),
        servers,
    )


def make_certificate(folder: Path) -> None:
    """Of an authority that signs this one and is then forgotten."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(folder / "certificate.pem", append=True)


async def until_stopped(show: Callable[[], None], seconds: float) -> None:
    """Until SIGINT or SIGTERM; calls `show` now and then."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    while not stopped.is_set():
        show()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stopped.wait(), seconds)
