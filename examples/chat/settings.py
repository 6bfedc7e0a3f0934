"""Every limit. Options of `up` and `server`, or CHAT_NAME in the environment."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


def limit(default: Any, words: str) -> Any:
    return field(default=default, metadata={"help": words})


@dataclass(frozen=True)
class Settings:
    redis: str = limit("redis://127.0.0.1:6379", "where Redis is")
    secret: str = limit("", "signs the tokens; by default one that is kept for this user")
    origins: str = limit(
        "",
        "pages that may connect, separated by spaces; programs send no Origin, and need a token "
        "only",
    )
    max_message_size: int = limit(16_384, "bytes of one message from a client")
    message_rate: float = limit(20.0, "messages a second from one connection, on average")
    message_burst: int = limit(60, "and so many at once")
    user_message_rate: float = limit(
        40.0, "messages a second from all connections of one user to one server"
    )
    user_message_burst: int = limit(120, "and so many at once")
    max_connections: int = limit(10_000, "to one server")
    max_user_connections: int = limit(50, "of one user to one server")
    max_queue: int = limit(500, "messages that may wait for a slow client")
    room_length: int = limit(10_000, "messages that a room keeps, about")
    remembered: int = limit(86_400, "seconds for which a message sent twice is known")
    heartbeat: float = limit(20.0, "seconds between Pings")
    heartbeat_timeout: float = limit(20.0, "seconds to answer one")
    present_seconds: float = limit(
        10.0, "seconds for which the users of a server that was killed are still shown"
    )
    guests: int = limit(
        0, "1: people without a token choose a name on the page, and keep it for a day"
    )
    codec: str = limit("fastframe", "fastframe, or default for uvicorn's own")
    prepared: int = limit(1, "0: each message is encoded for each member")
    deflate: int = limit(0, "1: permessage-deflate, if the client offers it")

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        for found in fields(cls):
            name = found.name.replace("_", "-")
            default = os.environ.get(f"CHAT_{found.name.upper()}", found.default)
            kind: Any = type(found.default)
            parser.add_argument(
                f"--{name}",
                type=kind,
                default=kind(default),
                help=f"{found.metadata['help']} (%(default)s)",
            )

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Settings:
        found = {field.name: getattr(options, field.name) for field in fields(cls)}
        return cls(**{**found, "secret": found["secret"] or kept_secret()})

    def environment(self) -> dict[str, str]:
        return {
            f"CHAT_{found.name.upper()}": str(getattr(self, found.name)) for found in fields(self)
        }


def kept_secret() -> str:
    """One for each user of this machine, so that `token` and `up` have the same."""
    path = (
        Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fastframe-chat" / "secret"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Written under another name first: who reads it meanwhile must not find it empty. Of
        # several that begin at once, one wins.
        mine = path.with_name(f"secret-{secrets.token_hex(8)}")
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return path.read_text()
