"""Which wsproto is installed, and whether this package was tested with it."""

from __future__ import annotations

SUPPORTED_VERSIONS = ("1.2.0", "1.3.0", "1.3.1", "1.3.2")


def installed_version() -> str:
    """The version of the wsproto that an import finds. ImportError if there is none."""
    try:
        import wsproto
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "wsproto is not installed; supported versions: "
            f"{', '.join(SUPPORTED_VERSIONS)}. Install it with: pip install 'fastframe[wsproto]'"
        ) from error
    return wsproto.__version__


def supported_version() -> str:
    """The installed version. ImportError that names it if it is not one that this package was tested with."""
    version = installed_version()
    if version not in SUPPORTED_VERSIONS:
        raise ImportError(
            f"wsproto {version} is installed; supported versions: {', '.join(SUPPORTED_VERSIONS)}. "
            f"Install one of them (pip install wsproto=={SUPPORTED_VERSIONS[-1]}), or a newer fastframe"
        )
    return version
