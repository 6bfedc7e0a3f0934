"""How a FrameLog gets the bytes of a connection, where the library calls methods of an object for
them: in front of one method, or of an object all of whose other attributes are its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hears = Callable[[Any], None]


def after(method: Callable[..., Any], hears: Hears) -> Callable[..., Any]:
    """For a method that returns the bytes that it has received."""

    def received(*arguments: Any) -> Any:
        data = method(*arguments)
        if data:
            hears(data)
        return data

    return received


def before(method: Callable[..., Any], hears: Hears) -> Callable[..., Any]:
    """For a method that is given bytes."""

    def given(data: Any, *arguments: Any) -> Any:
        hears(bytes(data))
        return method(data, *arguments)

    return given


def overhear_writes(owner: Any, hears: Hears) -> None:
    """Of the transport of `owner`, which stays the same where it may have an attribute more:
    asyncio's may, uvloop's may not."""
    transport = owner.transport
    write = before(transport.write, hears)
    try:
        transport.write = write
    except AttributeError:
        owner.transport = Overheard(transport, write=write)


class Overheard:
    """An object whose methods of these names are overheard."""

    def __init__(self, whole: Any, **methods: Callable[..., Any]) -> None:
        self._whole = whole
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)
