"""`fastframe run`: a program with fastframe under it, in every Python process of it.

The program replaces this process, so its signals, its exit code and its terminal are its own. What makes fastframe active are
two variables in its environment, which its workers inherit:

PYTHONPATH      begins with the folder `startup`, whose sitecustomize calls `activate` at the start of each Python
FASTFRAME_RUN   what to install, as JSON
"""

from __future__ import annotations

import atexit
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from fastframe._target import PLACES, connections

VARIABLE = "FASTFRAME_RUN"
STARTUP = str(Path(__file__).parent / "startup")
CANNOT_EXECUTE = 126  # as a shell says it


class ProgramNotFoundError(Exception):
    """The program does not exist."""


# ---- in `fastframe run` --------------------------------------------------------------------------------------------


def command_for(program: str, arguments: Sequence[str]) -> list[str]:
    """The command line of a program on PATH, or of a script for this Python."""
    if program.endswith((".py", ".pyw")) and os.path.exists(program):
        return [sys.executable, program, *arguments]
    # Programs of this Python's environment are found even if that is not on PATH.
    found = shutil.which(program) or shutil.which(program, path=os.path.dirname(sys.executable))
    if found is None:
        if os.path.sep in program or program.endswith(".py"):
            raise ProgramNotFoundError(f"{program}: not a script (.py) or an executable file that exists")
        raise ProgramNotFoundError(f"{program}: not found on PATH; a module is run with -m, a script by its path")
    return [found, *arguments]


def run(command: Sequence[str], wanted: dict[str, Any] | None) -> NoReturn:
    """Becomes the program. wanted: `targets`, `verbose` and `options`; None for the program as it is."""
    environment = dict(os.environ)
    if wanted is not None:
        environment[VARIABLE] = json.dumps({**wanted, "process": os.getpid()})
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [STARTUP, environment.get("PYTHONPATH")]))
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform == "win32":  # there exec would return to the shell at once
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    try:
        os.execve(command[0], list(command), environment)
    except OSError as error:
        print(f"fastframe: {command[0]} cannot be executed: {error.strerror}", file=sys.stderr)
        sys.exit(CANNOT_EXECUTE)


# ---- in each Python of the program ---------------------------------------------------------------------------------


def activate() -> None:
    """Installs fastframe as soon as this process imports what it goes under."""
    wanted = json.loads(os.environ[VARIABLE])
    finder = InstallOnImport(wanted["targets"], wanted["options"], verbose=wanted["verbose"])
    sys.meta_path.insert(0, finder)
    for module in [module for module in finder.waiting if module in sys.modules]:
        finder.install_under(module)
    atexit.register(finder.report_at_exit, os.getpid(), is_first=wanted["process"] == os.getpid())


class InstallOnImport(importlib.abc.MetaPathFinder):
    """Notices the imports of the targets; finds nothing itself."""

    def __init__(self, targets: list[str], options: dict[str, Any], *, verbose: bool) -> None:
        self.waiting = {PLACES[name].module: name for name in targets}
        self.installed: list[str] = []
        self.failed = False
        self.options = options
        self.verbose = verbose
        self.sought: str | None = None  # by the finders after this one

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.waiting or fullname == self.sought:
            return None
        self.sought = fullname
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.sought = None
        if spec is not None and spec.loader is not None:  # it may be looked for only, and not loaded
            spec.loader = InstallAfterwards(spec.loader, self)
        return spec

    def install_under(self, module: str) -> None:
        import fastframe
        from fastframe._install import described
        from fastframe._target import target

        name = self.waiting.pop(module)
        options = {option: value for option, value in self.options.items() if option in target(name).options}
        try:
            fastframe.install(name, **options)
        except fastframe.InstallError as error:
            self.failed = True
            self.say(f"{name} is not active: {error}")
        else:
            self.installed.append(name)
            if self.verbose:
                self.say(f"{described(name)} runs on fastframe, kernel {fastframe.active_kernel()}")

    def report_at_exit(self, process: int, *, is_first: bool) -> None:
        if is_first and os.getpid() == process and not self.installed and not self.failed:
            self.say(
                f"not active: this process used none of {', '.join(self.waiting.values())}, so there was nothing to accelerate in it "
                "(its workers, if it has any, speak for themselves)"
            )
        if self.verbose and self.installed:
            counts = ", ".join(f"{name} {connections(name)}" for name in self.installed)
            self.say(f"connections that ran on fastframe: {counts}")

    def say(self, text: str) -> None:
        print(f"fastframe: {text} (process {os.getpid()})", file=sys.stderr, flush=True)


class InstallAfterwards(importlib.abc.Loader):
    """Loads a module as its own loader does, then installs fastframe under it."""

    def __init__(self, loader: importlib.abc.Loader, finder: InstallOnImport) -> None:
        self.loader = loader
        self.finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)  # code that only looks for the module may ask for more of its loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        module.__loader__ = spec.loader = self.loader
        self.loader.exec_module(module)
        self.finder.install_under(module.__name__)
