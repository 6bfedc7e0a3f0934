"""Runs at the start of every Python that `fastframe run` has started, and of those that these
start; see fastframe/_cli/runner.py.

Nothing of it is installed where other Pythons would find it: it is on their PYTHONPATH, which
`fastframe run` has set.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def run_the_other_sitecustomize() -> None:
    """Runs the sitecustomize that this one shadows."""
    sys.path[:] = [path for path in sys.path if path != os.path.dirname(__file__)]
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["sitecustomize"])


def activate_fastframe() -> None:
    try:
        from fastframe._cli.runner import activate
    except ImportError as error:
        print(f"fastframe: not active in {sys.executable}: {error}", file=sys.stderr)
    else:
        activate()


if "FASTFRAME_RUN" in os.environ:
    try:
        run_the_other_sitecustomize()
    finally:
        activate_fastframe()
