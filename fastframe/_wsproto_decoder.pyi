# As in _wsproto.pyi: for type checkers this is wsproto's own class.
from typing_extensions import disjoint_base
from wsproto import frame_protocol as _original
from wsproto.extensions import Extension

from fastframe.deflate import Deflate

@disjoint_base
class FrameDecoder(_original.FrameDecoder):
    def __init__(self, client: bool, extensions: list[Extension] | None = None) -> None: ...

def set_options(
    max_message_size: int | None = None,
    max_fragments: int | None = None,
    deflate: Deflate | None = None,
    fix_interleaved_control: bool = False,
) -> None: ...
