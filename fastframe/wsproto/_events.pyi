import builtins
from typing import final

@final
class EventClass:
    type: builtins.type
    has_inline_values: bool
    def __new__(cls, kind: builtins.type, fields: tuple[tuple[str, object], ...]) -> EventClass: ...
    def is_unchanged(self) -> bool: ...
    def hook(self) -> bool: ...
    def unhook(self) -> bool: ...

MESSAGE_FIELDS: tuple[tuple[str, object], ...]
PAYLOAD_FIELDS: tuple[tuple[str, object], ...]
