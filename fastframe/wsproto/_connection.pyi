from collections.abc import Callable
from typing import Any

def connection_methods(
    original_receive_data: Callable[..., Any],
    original_events: Callable[..., Any],
    original_send: Callable[..., Any],
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]: ...
