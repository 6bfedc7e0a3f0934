"""The command `fastframe inspect`: its options, and what its exit code says."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastframe._inspect.events import Settings
    from fastframe._inspect.filters import Filter
    from fastframe._inspect.report import Report

FINE, BROKEN, TROUBLE = 0, 1, 2
OPCODES = ("continuation", "text", "binary", "close", "ping", "pong")
UNITS = {"": 0, "k": 10, "m": 20, "g": 30}
LARGEST_MESSAGE = 1 << 30


def add_inspect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to `fastframe`."""
    inspect = commands.add_parser(
        "inspect",
        help="show the WebSocket messages of captured traffic, and the rules that it breaks",
        description="Shows the WebSocket connections and messages in captured traffic: a pcap or "
        "pcapng file, or the bytes that one end of a connection has sent. Exit code 0: no rule is "
        "broken; 1: a rule of RFC 6455 is broken; 2: a file cannot be read, or not all of it could "
        "be checked.",
    )
    inspect.add_argument("files", nargs="+", metavar="FILE")
    inspect.add_argument("--frames", action="store_true", help="show frames, not whole messages")
    inspect.add_argument(
        "--preview", type=positive, metavar="N",
        help="at most so many characters of each payload (default: what fits into the line; "
        "120 in a pipe, 4096 in JSON and CSV)",
    )  # fmt: skip
    inspect.add_argument("--follow", action="store_true", help="wait for more as the file grows")

    which = inspect.add_argument_group("which messages")
    which.add_argument("--opcode", action="append", choices=OPCODES, help="may be repeated")
    which.add_argument("--min-size", type=size, default=0, metavar="SIZE", help="such as 64K")
    which.add_argument(
        "--connection", action="append", type=positive, metavar="N", help="may be repeated"
    )
    which.add_argument("--direction", choices=("client", "server"), help="who sent them")
    which.add_argument("--grep", type=pattern, metavar="REGEX", help="texts that contain this")

    how = inspect.add_argument_group("what is printed")
    formats = how.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="one JSON object a line")
    formats.add_argument("--csv", action="store_true", help="one message a line")
    how.add_argument("--stats", action="store_true", help="figures in place of messages")
    how.add_argument("--plot", metavar="FILE.png", help="draw the figures, too")

    what = inspect.add_argument_group("what the file does not say")
    what.add_argument(
        "--sent-by", choices=("client", "server"), default="",
        help="who sent a stream that has no handshake (default: as its first frame is masked)",
    )  # fmt: skip
    what.add_argument(
        "--deflate", type=extensions, metavar="EXTENSIONS",
        help="what a handshake that is missing agreed on, such as 'permessage-deflate'",
    )  # fmt: skip

    limits = inspect.add_argument_group("limits")
    limits.add_argument(
        "--max-message-size", type=message_size, default=16 << 20, metavar="SIZE",
        help="the largest message that is read (default: 16M)",
    )  # fmt: skip
    limits.add_argument(
        "--memory", type=size, default=20 << 20, metavar="SIZE",
        help="for connections that are open at once (default: 20M)",
    )  # fmt: skip
    inspect.set_defaults(run=run_inspect, parser=inspect, hint="")


# ---- options -------------------------------------------------------------------------------------


def positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return int(text)


def size(text: str) -> int:
    """Bytes: 65536, 64K, 16M, 1G."""
    match = re.fullmatch(r"([0-9]{1,15})([kmg]?)", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"must be a size such as 64K or 16M, not {text!r}")
    return int(match[1]) << UNITS[match[2].lower()]


def message_size(text: str) -> int:
    number = size(text)
    if not 1 <= number <= LARGEST_MESSAGE:
        raise argparse.ArgumentTypeError(f"must be from 1 to 1G, not {text!r}")
    return number


def pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"is not a regular expression: {error}") from None


def extensions(text: str) -> str:
    from fastframe._inspect.handshake import agreement
    from fastframe.deflate import NegotiationError

    try:
        agreed = agreement(text)
    except NegotiationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if agreed is None:
        raise argparse.ArgumentTypeError(f"must name permessage-deflate, not {text!r}")
    return text


# ---- the command ---------------------------------------------------------------------------------


def run_inspect(options: argparse.Namespace) -> int:
    from fastframe._cli.main import MissingExtraError

    if options.csv and (options.stats or options.plot):
        options.parser.error("--csv has messages, --stats and --plot have figures")
    for name in ("follow", "plot"):
        if getattr(options, name) and len(options.files) > 1:
            options.parser.error(f"--{name} is for one file")
    try:
        import rich  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error}; inspect needs the inspect extra: pip install 'fastframe[inspect]'"
        ) from error
    if options.plot:
        try:
            import matplotlib  # noqa: F401
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"{error}; --plot needs the plot extra: pip install 'fastframe[plot]'"
            ) from error
    # What a peer sent may have characters that the encoding of a pipe does not.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    writer = make_writer(options)
    return max(inspect_file(path, options, writer) for path in options.files)


def make_writer(options: argparse.Namespace) -> Any:
    from rich.console import Console

    from fastframe._inspect.lines import Lines
    from fastframe._inspect.records import CsvRecords, JsonRecords
    from fastframe._inspect.report import CsvWithLines

    if options.json:
        return JsonRecords(sys.stdout, frames=options.frames, preview=options.preview)
    if options.csv:
        lines = Lines(Console(stderr=True), frames=options.frames, preview=options.preview)
        return CsvWithLines(CsvRecords(sys.stdout, preview=options.preview), lines)
    return Lines(Console(), frames=options.frames, preview=options.preview)


def inspect_file(path: str, options: argparse.Namespace, writer: Any) -> int:
    """Prints what is in one file, and returns the exit code for it."""
    from rich.console import Console

    from fastframe._inspect.escapes import shown
    from fastframe._inspect.events import InspectError
    from fastframe._inspect.plot import Plot
    from fastframe._inspect.reading import events
    from fastframe._inspect.report import Report, progress, show_stats
    from fastframe._inspect.source import Source
    from fastframe._inspect.stats import Stats

    wanted = wanted_from(options)
    figures = options.stats or options.plot
    report = Report(
        writer, wanted, Stats(wanted) if figures else None, Plot() if options.plot else None
    )
    if options.json or options.csv or len(options.files) > 1:
        writer.heading(path)
    quiet = options.follow or not figures
    try:
        with Source(path, follow=options.follow) as source:
            with progress(source.size, quiet=quiet) as source.advance:
                for event in events(source, settings_from(options, wanted)):
                    report.take(event)
                    if options.follow:
                        sys.stdout.flush()
            if report.stats is not None:
                if options.json:
                    writer.write("stats", report.stats.figures())
                else:
                    show_stats(Console(), report.stats)
            if report.plot is not None and report.stats is not None:
                report.plot.draw(report.stats, options.plot)
    except (InspectError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        print(f"fastframe: {shown(path)}: {shown(str(error))}", file=sys.stderr)
        return TROUBLE
    return exit_code(report)


def exit_code(report: Report) -> int:
    if report.incomplete:
        return TROUBLE
    return BROKEN if report.rules else FINE


def wanted_from(options: argparse.Namespace) -> Filter:
    from fastframe._inspect.filters import Filter

    return Filter(
        frozenset(options.opcode or ()), options.min_size, frozenset(options.connection or ()),
        options.direction or "", options.grep,
    )  # fmt: skip


def settings_from(options: argparse.Namespace, wanted: Filter) -> Settings:
    from fastframe._inspect.events import Settings

    if options.stats or options.plot:
        detail = "messages" if wanted.active else "none"
    else:
        detail = "frames" if options.frames else "messages"
    return Settings(
        detail, options.sent_by, options.deflate or "", options.max_message_size, options.memory
    )
