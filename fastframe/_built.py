"""Imported first: says what to do where the extension modules are missing, or the kernel that was asked for."""

import os
import sys


def started_as_the_command() -> bool:
    module = sys.orig_argv[sys.orig_argv.index("-m") + 1 :][:1] if "-m" in sys.orig_argv else []
    return module == ["fastframe"] or os.path.basename(sys.argv[0]) in ("fastframe", "fastframe.exe")


try:
    import fastframe._kernels  # noqa: F401
except ModuleNotFoundError:
    raise ImportError(
        f"the extension modules of fastframe are not built in {os.path.dirname(__file__)}: if that is the source folder, leave "
        "it, or build them there with: pip install -e ."
    ) from None
except ImportError:
    if started_as_the_command():  # which cannot catch this: its own module is inside this package
        print(f"fastframe: {sys.exc_info()[1]}", file=sys.stderr)
        sys.exit(2)
    raise
