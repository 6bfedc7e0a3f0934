import sys
from collections.abc import Iterator

from typing_extensions import disjoint_base

from fastframe._core import Close, Ping, Pong
from fastframe._types import Role
from fastframe.deflate import Agreement

if sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    from typing_extensions import Buffer

@disjoint_base
class Decoder(Iterator[str | bytes | Ping | Pong | Close]):
    def __init__(
        self,
        role: Role,
        *,
        max_message_size: int = 16777216,
        max_frame_size: int = 16777216,
        max_fragments: int = 8192,
        deflate: Agreement | None = None,
        decode_text: bool = True,
    ) -> None: ...
    @property
    def role(self) -> Role: ...
    @property
    def finished(self) -> bool: ...
    def feed(self, data: Buffer) -> Decoder: ...
    def get_buffer(self, sizehint: int = -1) -> memoryview: ...
    def buffer_updated(self, nbytes: int) -> Decoder: ...
    def __iter__(self) -> Decoder: ...
    def __next__(self) -> str | bytes | Ping | Pong | Close: ...
