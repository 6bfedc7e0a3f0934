from fastframe.deflate import Deflate
from fastframe.wsproto._events import EventClass

def set_options(
    max_message_size: int | None = None,
    max_fragments: int | None = None,
    deflate: Deflate | None = None,
    fix_interleaved_control: bool = False,
) -> None: ...
def event_classes() -> tuple[EventClass, ...]: ...
def held() -> list[tuple[str, str, object]]: ...
