"""How the command shows progress and tables: with rich, which shows no colours and no bar in a
pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from fastframe._cli.verify import Report


@contextlib.contextmanager
def progress(frames: int, *, quiet: bool) -> Iterator[Callable[[str, int], None]]:
    """A progress bar on standard error; none if `quiet`, or if standard error is not a terminal."""
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=frames)

        def advance(kind: str, number: int) -> None:
            bar.update(task, description=kind, advance=number)

        yield advance


def show_verify(report: Report) -> None:
    console = Console(highlight=False)
    console.soft_wrap = (
        not console.is_terminal
    )  # a line in a pipe stays a line; a terminal would break inside words
    facts = report.as_json()
    if report.difference is not None:
        console.print(
            f"[bold red]different[/]: fastframe {facts['fastframe']} and wsproto "
            f"{facts['wsproto']} do not agree on "
            f"{report.difference.session.kind!r} traffic; this program shows it, please report "
            f"it:\n"
        )
        console.print(str(report.difference), markup=False, soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("traffic")
    for heading in ("frames", "MB", "wsproto µs", "fastframe µs", "faster"):
        table.add_column(heading, justify="right")
    for kind in report.kinds:
        table.add_row(
            kind.kind,
            f"{kind.frames:,}",
            f"{kind.bytes / 1e6:.1f}",
            f"{kind.wsproto_seconds / kind.frames * 1e6:.2f}",
            f"{kind.fastframe_seconds / kind.frames * 1e6:.2f}",
            f"{kind.speedup:.1f} x",
        )
    console.print(table)
    console.print(
        "µs: time of the codec to receive one frame, in reads of 64 KiB, and to send each message "
        "back. A server gains less, as it also "
        "has sockets and an event loop. What is compared is cut in many other ways as well."
    )
    console.print(
        f"\n[bold green]identical[/]: {report.frames:,} frames, {report.bytes:,} bytes; wsproto "
        f"{facts['wsproto']} alone and "
        f"on fastframe {facts['fastframe']}, kernel {facts['kernel']}, seed {facts['seed']}"
    )
