"""What the processes of one `fastframe run` know of each other: who used fastframe, and for how
many connections.

A process may end in ways in which it cannot say anything: by a signal that nobody handles, or by
os._exit. So each process but the first keeps its numbers in a small file, and the first one reads
what is left of them when it ends. Nothing is written before a library runs on fastframe, and a
program of one process writes nothing at all. Without -v there are no numbers to be said, only
whether any process used it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fastframe._targets.target import target_names

NUMBER = struct.Struct("<q")
NOT_USED = -1  # else the number of connections
USED = "used"  # the name of an empty file: some process has used fastframe


class Reports:
    """run: the name of this `fastframe run`, which nobody can guess; None where the process that it
    has started, `first`, is no Python that could read them."""

    def __init__(self, run: str | None, first: int, *, numbers: bool) -> None:
        self._folder = Path(tempfile.gettempdir()) / f"fastframe-run-{run}"
        self._is_read = run is not None
        self._first = first
        self._keeps_numbers = numbers
        self._names = target_names()
        self._numbers: mmap.mmap | None = None
        self._process = 0  # whose numbers these are

    def used(self, name: str, connections: int) -> None:
        """A library runs on fastframe in this process, and so many connections have. Costs well
        below a microsecond after the first time."""
        if self._process != os.getpid():  # also after a fork
            self._process = os.getpid()
            self._numbers = (
                self._new_numbers() if self._is_read and self._process != self._first else None
            )
        if self._numbers is not None:
            NUMBER.pack_into(self._numbers, self._names.index(name) * NUMBER.size, connections)

    def _new_numbers(self) -> mmap.mmap | None:
        with contextlib.suppress(
            OSError
        ):  # no place for it: then this process can only speak for itself
            self._folder.mkdir(mode=0o700, exist_ok=True)
            (self._folder / USED).touch()
            if not self._keeps_numbers:
                return None
            path = self._folder / str(self._process)
            path.write_bytes(NUMBER.pack(NOT_USED) * len(self._names))
            with path.open("r+b") as file:
                return mmap.mmap(file.fileno(), 0)
        return None

    def may_speak(self) -> bool:
        """Before this process says its numbers itself: the first one will not, unless it already
        has. Whoever removes the file says them, so that they are said once."""
        if self._numbers is None or self._process != os.getpid():  # it keeps none
            return True
        return removed(self._folder / str(self._process))

    def others_used_it(self) -> bool:
        return (self._folder / USED).exists()

    def unspoken(self) -> Iterator[tuple[int, dict[str, int]]]:
        """The processes that have ended without a word, and their connections by library."""
        for path in sorted(self._folder.glob("[0-9]*")):
            try:
                found = [number for (number,) in NUMBER.iter_unpack(path.read_bytes())]
            except FileNotFoundError:  # it is speaking at this moment
                continue
            if not removed(path):
                continue
            yield (
                int(path.name),
                {name: number for name, number in zip(self._names, found) if number != NOT_USED},
            )

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def removed(path: Path) -> bool:
    """False if another process was quicker."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError:  # it cannot be removed, and is said twice rather than never
        pass
    return True
