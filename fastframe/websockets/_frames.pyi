from types import ModuleType
from typing import Any

from typing_extensions import disjoint_base

@disjoint_base
class Frames:
    def __new__(cls, protocol: ModuleType, frames: ModuleType, streams: ModuleType, deflate: ModuleType) -> Frames: ...
    def receive_data(self, protocol: Any, data: Any) -> None: ...
    def serialize(self, frame: Any, mask: bool, extensions: Any) -> bytes: ...
