"""Imported first: gives the package back where it is imported again, and says what to do if the
extension modules are missing or are of another interpreter, or the kernel that was asked for is
missing."""

import os
import sys
from collections.abc import Iterator
from types import ModuleType

KEPT = "_fastframe"
"""An attribute of sys, which each interpreter has for itself: the package, once it is imported."""


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """The package and all of its modules that are imported by now."""
    yield package
    for module in list(vars(package).values()):
        if isinstance(module, ModuleType) and module.__name__.startswith(package.__name__ + "."):
            yield from modules_of(module)


def keep_or_put_back(package: ModuleType | None) -> None:
    """Keeps the package, which is now imported; or puts back the one that was imported before.

    Test suites take modules out of sys.modules, and import them again. CPython cannot import an
    extension module twice in one interpreter, and two packages would not know each other's classes.
    """
    kept = getattr(sys, KEPT, None)
    if kept is not None:
        sys.modules.update({module.__name__: module for module in modules_of(kept)})
    elif package is not None:
        setattr(sys, KEPT, package)


def started_as_the_command() -> bool:
    module = sys.orig_argv[sys.orig_argv.index("-m") + 1 :][:1] if "-m" in sys.orig_argv else []
    return module == ["fastframe"] or os.path.basename(sys.argv[0]) in (
        "fastframe",
        "fastframe.exe",
    )


keep_or_put_back(None)
try:
    # In this form it raises ModuleNotFoundError if it is missing.
    import fastframe._codec.kernels as kernels  # noqa: PLR0402
except ModuleNotFoundError:
    raise ImportError(
        f"the extension modules of fastframe are not built in "
        f"{os.path.dirname(os.path.dirname(__file__))}: if that is the source folder, leave "
        "it, or build them there with: pip install -e ."
    ) from None
except ImportError:
    if started_as_the_command():  # which cannot catch this: its own module is inside this package
        print(f"fastframe: {sys.exc_info()[1]}", file=sys.stderr)
        sys.exit(2)
    raise
if (
    kernels.MODULE_STATE is None
):  # CPython has given back the module of an interpreter that ended, and emptied it
    raise ImportError(
        "fastframe is built without module state, so it cannot be imported again after "
        "Py_FinalizeEx: "
        "see docs/explanation/decisions/module-state.md"
    )
