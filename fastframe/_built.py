"""Imported first: says what to do where the extension modules are missing."""

from pathlib import Path

try:
    import fastframe._core  # noqa: F401
except ModuleNotFoundError:
    raise ImportError(
        f"the extension modules of fastframe are not built in {Path(__file__).parent}: if that is the source folder, leave "
        "it, or build them there with: pip install -e ."
    ) from None
