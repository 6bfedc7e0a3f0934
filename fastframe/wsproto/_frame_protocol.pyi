# For type checkers these are wsproto's own classes: frame_protocol.py puts them in front of those
# as a base, and they have the same attributes, most of them as properties.
from typing_extensions import disjoint_base
from wsproto import frame_protocol as _original
from wsproto.extensions import Extension

from fastframe.wsproto._frame_decoder import FrameDecoder

@disjoint_base
class FrameProtocol(_original.FrameProtocol):
    _decoder_class: type[FrameDecoder]
    def __init__(self, client: bool, extensions: list[Extension]) -> None: ...
