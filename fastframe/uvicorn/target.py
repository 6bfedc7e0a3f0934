"""The target "uvicorn".

What changes: the global `uvicorn.protocols.websockets.auto.AutoWebSocketsProtocol`, which `--ws
auto`, uvicorn's default, stands for; it becomes `fastframe.uvicorn:WSProtocol`. Whoever names
another implementation gets that one.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import re
import sys

from fastframe._targets.options import Options
from fastframe._targets.replaced import Replaced
from fastframe._targets.target import Target, refuse_another_import


def refuse_missing_parts() -> None:
    """ImportError if uvicorn does not have what fastframe's class uses of it."""
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    given = inspect.signature(Config.__init__).parameters
    state = ServerState()
    missing = [f"Config.{name}" for name in SETTINGS if name not in given]
    missing += [
        f"Config.{name}" for name in ("load", "loaded_app", "asgi_version") if not has(Config, name)
    ]
    missing += [
        f"ServerState.{name}"
        for name in ("connections", "tasks", "default_headers")
        if not hasattr(state, name)
    ]
    if missing:
        raise ImportError(
            f"uvicorn {importlib.metadata.version('uvicorn')} does not have what fastframe's "
            f"class needs of it: {', '.join(missing)}. Install a newer fastframe, "
            "or an older uvicorn"
        )


SETTINGS = (
    "ws_max_size",
    "ws_max_queue",
    "ws_ping_interval",
    "ws_ping_timeout",
    "ws_per_message_deflate",
    "root_path",
)


def has(owner: type, name: str) -> bool:
    """Also an attribute that is set by one of its methods."""
    return hasattr(owner, name) or f"self.{name}" in inspect.getsource(owner)


class UvicornTarget:
    description = "--ws auto of uvicorn {}"
    how_to_activate = (
        "start uvicorn with --ws fastframe.uvicorn:WSProtocol (active from its first "
        "connection on), or "
        "with fastframe run"
    )
    supported_versions: tuple[str, ...] = ("0.36 and later",)
    options: frozenset[str] = frozenset(
        {"max_message_size", "max_fragments", "deflate"}
    )  # it has no defect to mend
    makes_unneeded: frozenset[str] = frozenset({"wsproto"})

    def __init__(self) -> None:
        self._settings = Replaced("uvicorn")  # of WSProtocol, by the options of `install`

    def installed_version(self) -> str:
        try:
            return importlib.metadata.version("uvicorn")
        except importlib.metadata.PackageNotFoundError:
            raise ImportError(
                "uvicorn is not installed: pip install 'fastframe[uvicorn]'"
            ) from None

    distribution = "uvicorn"
    relied_on: tuple[
        str, ...
    ] = ()  # `--ws` takes any class; what that uses of uvicorn is looked at in `load`

    def check(self, *, untested: bool = False) -> str | None:
        """Also ImportError if wsproto is missing, which does the handshake."""
        version = self.installed_version()
        numbers = re.match(r"(\d+)\.(\d+)", version)
        if numbers is None or (int(numbers[1]), int(numbers[2])) < (0, 36):
            raise ImportError(
                f"uvicorn {version} is too old, its WebSockets cannot be replaced: pip install -U "
                f"uvicorn"
            )
        try:
            importlib.metadata.version("wsproto")
        except importlib.metadata.PackageNotFoundError:
            raise ImportError(
                "uvicorn on fastframe needs wsproto: pip install 'fastframe[uvicorn]'"
            ) from None
        self._refuse_another_import()
        return None

    def observe(self) -> list[object]:
        return []  # it is a class of its own, not a replacement

    def _refuse_another_import(self) -> None:
        protocol, handshake = (
            sys.modules.get(f"fastframe.uvicorn.{name}") for name in ("protocol", "handshake")
        )
        if protocol is not None and handshake is not None:
            refuse_another_import(
                "uvicorn",
                [("uvicorn.protocols.utils", "ClientDisconnected", protocol.ClientDisconnected)],
            )
            refuse_another_import("wsproto", [("wsproto.events", "Request", handshake.Request)])

    def load(self) -> None:
        from uvicorn.protocols import utils  # noqa: F401
        from uvicorn.protocols.websockets import auto  # noqa: F401
        from wsproto import events  # noqa: F401

        from fastframe.uvicorn import WSProtocol  # noqa: F401

        self._refuse_another_import()  # now that they are imported
        refuse_missing_parts()

    def configure(self, options: Options) -> None:
        """The options for connections from now on, also where WSProtocol was chosen by name."""
        from fastframe.uvicorn import WSProtocol

        self._settings.put_back()
        for name in self.options:
            value = getattr(options, name)
            if value is not None:
                self._settings.replace(WSProtocol, name, None if value is False else value)

    def activate(self) -> None:
        from fastframe.uvicorn import WSProtocol
        from fastframe.uvicorn.activation import take_over

        take_over(WSProtocol)

    def deactivate(self) -> None:
        from fastframe.uvicorn.activation import give_back

        give_back()

    def in_use(self) -> bool:
        """True if a server in this process was told to use WSProtocol by name, with `--ws
        fastframe.uvicorn:WSProtocol`."""
        protocol = sys.modules.get("fastframe.uvicorn.protocol")
        return protocol is not None and protocol.WSProtocol.in_use


TARGET: Target = UvicornTarget()
