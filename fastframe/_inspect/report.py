"""From events to what is printed: messages as lines, JSON or CSV, or figures."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console

from fastframe._inspect.events import (
    CLIENT,
    SERVER,
    Batch,
    Broken,
    Ended,
    Event,
    Message,
    Note,
    Opened,
    Summary,
)
from fastframe._inspect.filters import Filter
from fastframe._inspect.lines import Lines
from fastframe._inspect.plot import Plot
from fastframe._inspect.records import CsvRecords
from fastframe._inspect.stats import Stats

SHOWN_FROM = 64 << 20  # bytes of a file; what is smaller is read before a bar is seen


class Writer(Protocol):
    """What Lines, JsonRecords and `CsvWithLines` have in common."""

    def heading(self, path: str) -> None: ...
    def opened(self, event: Opened) -> None: ...
    def message(self, message: Message) -> None: ...
    def note(self, note: Note) -> None: ...
    def broken(self, broken: Broken) -> None: ...
    def ended(self, event: Ended) -> None: ...
    def summary(self, summary: Summary, messages: int, rules: int) -> None: ...


class CsvWithLines:
    """Messages as CSV on standard output; what else a person must know on standard error."""

    def __init__(self, records: CsvRecords, lines: Lines) -> None:
        self._records = records
        self.message = records.message
        self.note = lines.note
        self.broken = lines.broken

    def heading(self, path: str) -> None:
        self._records.heading(path)

    def opened(self, event: Opened) -> None:
        """CSV has messages only."""

    def ended(self, event: Ended) -> None:
        """CSV has messages only."""

    def summary(self, summary: Summary, messages: int, rules: int) -> None:
        """CSV has messages only."""


@dataclass
class Report:
    """One file. `stats`, `plot`: figures are wanted; messages are not printed then."""

    writer: Writer
    wanted: Filter
    stats: Stats | None = None
    plot: Plot | None = None
    messages: int = field(default=0, init=False)
    """Text and binary, whether they are wanted or not."""
    rules: int = field(default=0, init=False)
    incomplete: bool = field(default=False, init=False)
    """Part of the file was not checked."""

    def take(self, event: Event) -> None:
        """Prints or counts one event."""
        if isinstance(event, Batch):
            self._batch(event)
        elif isinstance(event, Summary):
            self.writer.summary(event, self.messages, self.rules)
        elif isinstance(event, Note):
            self.incomplete |= event.incomplete
            if self._of_wanted_connection(event):
                self.writer.note(event)
        elif isinstance(event, Broken):
            self.rules += 1
            self.writer.broken(event)
        elif isinstance(event, Opened):
            if self.stats is None and self._of_wanted_connection(event):
                self.writer.opened(event)
        elif self.stats is not None:
            self.stats.ended(event)
        elif self._of_wanted_connection(event):
            self.writer.ended(event)

    def _of_wanted_connection(self, event: Opened | Note | Ended) -> bool:
        connection = event.connection
        return (
            connection is None
            or not self.wanted.connections
            or connection.number in self.wanted.connections
        )

    def _batch(self, batch: Batch) -> None:
        self.messages += batch.texts + batch.binaries
        if self.stats is not None:
            self.stats.batch(batch)
            if self.plot is not None:
                self.plot.batch(batch)
            return
        for message in batch.messages:
            if self.wanted.passes(message):
                self.writer.message(message)


def show_stats(console: Console, stats: Stats) -> None:
    """The figures as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for heading in (CLIENT, SERVER):
        table.add_column(f"sent by the {heading}", justify="right")
    for row in stats.rows():
        table.add_row(*row)
    console.print(table)


@contextlib.contextmanager
def progress(size: int, *, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error for a large file; None if there is none: `quiet`, or not a
    terminal."""
    console = Console(file=sys.stderr)
    if quiet or size < SHOWN_FROM or not console.is_terminal:
        yield None
        return
    # Takes long to import.
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("inspect"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=size)
        yield lambda count: bar.update(task, advance=count)
