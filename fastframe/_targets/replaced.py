"""Attributes that are replaced, and put back."""

from __future__ import annotations

import logging
from types import FunctionType
from typing import Any

_log = logging.getLogger("fastframe")


def written_in(found: Any) -> str:
    """The module in which a function or class was written. "" for what stands in for another one;
    its `__module__` may be that of the other."""
    function = getattr(found, "__func__", found)  # the function of a staticmethod
    if isinstance(function, FunctionType):
        return str(function.__globals__.get("__name__", ""))
    if hasattr(function, "__wrapped__"):
        return ""
    return getattr(function, "__module__", None) or ""


class Replaced:
    """Attributes of classes and modules that fastframe has replaced, and puts back."""

    def __init__(self, library: str) -> None:
        self._library = library  # for the log
        self._attributes: list[
            tuple[Any, str, Any, Any]
        ] = []  # of what, its name, what was there, what was put there

    def __bool__(self) -> bool:
        return bool(self._attributes)

    def replace(self, owner: Any, name: str, replacement: Any) -> None:
        self._attributes.append((owner, name, vars(owner)[name], replacement))
        setattr(owner, name, replacement)

    def owners(self) -> list[Any]:
        return [attribute[0] for attribute in self._attributes]

    def original(self, owner: Any, name: str) -> Any:
        """What was there; KeyError if it is not replaced."""
        return {(id(of), called): was for of, called, was, _ in self._attributes}[id(owner), name]

    def put_back(self) -> None:
        """All of them, except what other code has replaced since."""
        while self._attributes:
            owner, name, original, replacement = self._attributes.pop()
            if vars(owner).get(name) is replacement:
                setattr(owner, name, original)
            else:
                _log.warning(
                    "%s: %s was replaced by other code after fastframe, and is left as it is",
                    self._library,
                    name,
                )
