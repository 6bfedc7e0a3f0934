# As in _frame_protocol.pyi: for type checkers this is wsproto's own class.
from typing_extensions import disjoint_base
from wsproto import frame_protocol as _original
from wsproto.extensions import Extension

@disjoint_base
class FrameDecoder(_original.FrameDecoder):
    def __init__(self, client: bool, extensions: list[Extension] | None = None) -> None: ...
