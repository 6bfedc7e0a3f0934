"""Which wsproto is installed, and whether this package was tested with it."""

from __future__ import annotations

from fastframe._target import refuse_untested

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
    refuse_untested("wsproto", version, SUPPORTED_VERSIONS)
    return version
