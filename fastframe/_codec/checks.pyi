from typing import Final

def _number_from(name: str, value: object, smallest: int, largest: int) -> int: ...
def _flag_from(name: str, value: object) -> bool: ...

_NO_ROLE: Final[object]
RULES: Final[dict[str, str]]
