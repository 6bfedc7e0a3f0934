"""python -m examples.chat up | token | server | load"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

try:
    from examples.chat.door import token
    from examples.chat.server import serve
    from examples.chat.settings import Settings, kept_secret
    from examples.chat.up import MissingProgramError, System, running, until_stopped
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed: pip install -e '.[chat]'")


async def up(arguments: argparse.Namespace) -> None:
    settings = Settings.from_options(arguments)
    async with running(
        settings, arguments.servers, (arguments.host, arguments.port), arguments.data
    ) as system:
        if arguments.json:
            print(json.dumps(system.description()), flush=True)
            await until_stopped(lambda: None, 3600)
            return
        print(f"{system.url}\n")
        if settings.guests:
            print(f"{system.page}   for everybody: choose a name")
        for user in ("ada", "grace"):
            print(f"{system.page}#token={token(user, 86_400, settings.secret)}   for {user}")
        print(
            f"\nThe browser will ask about the certificate; {system.certificate} is the "
            f"authority. Ctrl-C stops everything.\n"
        )
        await until_stopped(lambda: show(system), 5)
        print("\nstopping")


def show(system: System) -> None:
    """One line, again and again."""
    state = [
        f"{program.name} {program.pid}"
        + (f" (start {program.starts})" if program.starts > 1 else "")
        for program in (system.redis, *system.servers, system.nginx)
    ]
    print("\r" + ", ".join(state), end=" ", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m examples.chat", description="A chat over several servers, on fastframe."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    run = commands.add_parser("up", help="start Redis, nginx and servers, until Ctrl-C")
    run.add_argument("--servers", type=int, default=2, metavar="N", help="how many (%(default)s)")
    run.add_argument("--json", action="store_true", help="print one line of JSON when all is ready")
    run.add_argument("--host", default="127.0.0.1", help="where nginx listens (%(default)s)")
    run.add_argument("--port", type=int, help="where nginx listens; by default a free one")
    run.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="where Redis keeps the messages; by default they are gone at the end",
    )
    Settings.add_options(run)

    sign = commands.add_parser("token", help="print a token")
    sign.add_argument("--user", required=True, metavar="NAME")
    sign.add_argument(
        "--expires",
        type=float,
        default=86_400,
        metavar="SECONDS",
        help="for so long it holds (%(default)s)",
    )
    sign.add_argument("--secret", help="by default that of `up`")

    server = commands.add_parser("server", help="one server; `up` starts them")
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--port", type=int, required=True)
    Settings.add_options(server)

    load = commands.add_parser("load", help="measure how much a server carries")
    load.add_argument("--clients", type=int, default=1000)
    load.add_argument("--messages", type=int, default=200)

    arguments = parser.parse_args()
    try:
        if arguments.command == "up":
            asyncio.run(up(arguments))
        elif arguments.command == "token":
            print(
                token(
                    arguments.user,
                    arguments.expires,
                    arguments.secret or os.environ.get("CHAT_SECRET") or kept_secret(),
                )
            )
        elif arguments.command == "server":
            serve(Settings.from_options(arguments), arguments.host, arguments.port)
        else:
            from examples.chat.load import measure

            asyncio.run(measure(arguments.clients, arguments.messages))
    except MissingProgramError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
