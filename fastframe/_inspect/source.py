"""The file, read in blocks: never mapped, as a file that shrinks would end the process then."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from fastframe._inspect.events import InspectError

BLOCK = 1 << 20
POLL_SECONDS = 0.1


def sleep() -> bool:
    """Waits for a followed file to grow. True to go on; ctrl-C ends it."""
    time.sleep(POLL_SECONDS)
    return True


class Source:
    """A file that is read once from its start, and in which an earlier part can be looked up.

    follow: wait for more at the end of the file. `advance`, if it is set, is called with how many
    bytes were read. InspectError if the file cannot be read.
    """

    def __init__(self, path: str, *, follow: bool = False) -> None:
        self._follow = follow
        self.advance: Callable[[int], None] | None = None
        self.position = 0
        self.interrupted = False
        try:
            place = Path(path)
            if not place.exists():
                raise InspectError("no such file")
            if place.is_dir():
                raise InspectError("a folder, not a file")
            if not place.is_file():
                raise InspectError("not a regular file: write the capture to one")
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115
            self._earlier = open(path, "rb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise InspectError(error.strerror or str(error)) from None
        self.size = Path(path).stat().st_size

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()
        self._earlier.close()

    def read(self, size: int = BLOCK) -> bytes:
        """The next bytes, at most `size`; b"" at the end of the file, or of following it."""
        while True:
            try:
                data = self._file.read(size)
                if not data and self._follow and not self.interrupted:
                    if os.fstat(self._file.fileno()).st_size < self.position:
                        raise InspectError("the file has become shorter")
                    self.interrupted = not sleep()
                    if not self.interrupted:
                        continue
            except KeyboardInterrupt:
                if not self._follow:
                    raise
                self.interrupted = True
                return b""
            except OSError as error:
                raise InspectError(error.strerror or str(error)) from None
            self.position += len(data)
            if self.advance is not None:
                self.advance(len(data))
            return data

    def read_exactly(self, size: int) -> bytes:
        """The next `size` bytes, or what there is before the end."""
        data = self.read(size)
        while len(data) < size:
            more = self.read(size - len(data))
            if not more:
                break
            data += more
        return data

    def look_up(self, offset: int, size: int) -> bytes:
        """Bytes of an earlier part."""
        self._earlier.seek(offset)
        return self._earlier.read(size)
