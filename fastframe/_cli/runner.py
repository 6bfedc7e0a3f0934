"""`fastframe run`: a program with fastframe under it, in every Python process of it.

The program replaces this process, so its signals, its exit code and its terminal are its own.
What makes fastframe active are two variables in its environment, which its workers inherit:

PYTHONPATH      begins with the folder `startup`, whose sitecustomize calls `activate` at the start
                of each Python
FASTFRAME_RUN   what to install, as JSON
"""

from __future__ import annotations

import atexit
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NoReturn, cast

from fastframe._cli.reports import Reports
from fastframe._targets.target import PLACES, connections, watch_connections

VARIABLE = "FASTFRAME_RUN"
STARTUP = str(Path(__file__).parent / "startup")
CANNOT_EXECUTE = 126  # as a shell says it


class ProgramNotFoundError(Exception):
    """The program does not exist."""


# ---- in `fastframe run` --------------------------------------------------------------------------


def command_for(program: str, arguments: Sequence[str]) -> list[str]:
    """The command line of a program on PATH, or of a script for this Python."""
    if program.endswith((".py", ".pyw")) and os.path.exists(program):
        return [sys.executable, program, *arguments]
    # Programs of this Python's environment are found even if that is not on PATH.
    found = shutil.which(program) or shutil.which(program, path=os.path.dirname(sys.executable))
    if found is None:
        if os.path.sep in program or program.endswith(".py"):
            raise ProgramNotFoundError(
                f"{program}: not a script (.py) or an executable file that exists"
            )
        raise ProgramNotFoundError(
            f"{program}: not found on PATH; a module is run with -m, a script by its path"
        )
    return [found, *arguments]


def run(command: Sequence[str], wanted: dict[str, Any] | None) -> NoReturn:
    """Becomes the program. wanted: `targets`, `verbose` and `options`; None for the program as it
    is."""
    environment = dict(os.environ)
    if wanted is not None:
        environment[VARIABLE] = json.dumps(
            {**wanted, "process": os.getpid(), "run": secrets.token_hex(8)}
        )
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [STARTUP, environment.get("PYTHONPATH")])
        )
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform == "win32":  # there exec would return to the shell at once
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    try:
        os.execve(command[0], list(command), environment)
    except OSError as error:
        print(f"fastframe: {command[0]} cannot be executed: {error.strerror}", file=sys.stderr)
        sys.exit(CANNOT_EXECUTE)


# ---- in each Python of the program ---------------------------------------------------------------


def activate() -> None:
    """Installs fastframe as soon as this process imports what it goes under."""
    wanted = json.loads(os.environ[VARIABLE])
    is_first = wanted["process"] == os.getpid()
    if is_first:  # those that this process starts may report to it
        os.environ[VARIABLE] = json.dumps({**wanted, "reads_reports": True})
    reports = Reports(
        wanted["run"] if is_first or wanted.get("reads_reports") else None,
        wanted["process"],
        numbers=wanted["verbose"],
    )
    finder = InstallOnImport(
        wanted["targets"],
        wanted["options"],
        reports,
        verbose=wanted["verbose"],
        untested=wanted["untested"],
        first=wanted["process"],
    )
    sys.meta_path.insert(0, finder)
    watch_connections(reports.used)
    for module in [module for module in finder.waiting if module in sys.modules]:
        finder.install_under(module)
    atexit.register(finder.report_at_exit, wanted["process"])
    if wanted["verbose"]:
        report_before_sigterm(finder, wanted["process"])


def report_before_sigterm(finder: InstallOnImport, first: int) -> None:
    """Docker, systemd and Kubernetes end a program by SIGTERM, and a server that has shut down
    sends it to itself once more: then Python ends without a call of atexit's functions. The program
    may put its own handler there; what it finds is as good as the default one."""

    def handle(number: int, frame: FrameType | None) -> None:
        finder.report_at_exit(first)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, handle)


class InstallOnImport(importlib.abc.MetaPathFinder):
    """Notices the imports of the targets; finds nothing itself."""

    def __init__(  # noqa: PLR0913 (what `fastframe run` was given)
        self,
        targets: list[str],
        options: dict[str, Any],
        reports: Reports,
        *,
        verbose: bool,
        untested: bool = False,
        first: int = 0,
    ) -> None:
        self.first = first
        self.untested = untested
        self.reports = reports
        self.waiting = {PLACES[name].module: name for name in targets}
        self.all_targets = targets
        self.installed: list[str] = []
        self.failed = False
        self.options = options
        self.verbose = verbose
        self.sought: str | None = None  # by the finders after this one
        self.finalized_in = self.reported_in = 0  # processes

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
        if (
            spec is not None and spec.loader is not None
        ):  # it may be looked for only, and not loaded
            spec.loader = InstallAfterwards(spec.loader, self)
        return spec

    def install_under(self, module: str) -> None:
        import fastframe
        from fastframe._targets.install import TargetName, described
        from fastframe._targets.target import target

        name = self.waiting.pop(module)
        options = {
            option: value
            for option, value in self.options.items()
            if option in target(name).options
        }
        try:
            fastframe.install(cast(TargetName, name), untested=self.untested, **options)
        except fastframe.InstallError as error:
            self.failed = True
            self.say(f"{name} is not active: {error}")
        else:
            self.report_when_multiprocessing_ends()
            self.installed.append(name)
            self.reports.used(name, connections(name))
            if self.verbose:
                self.say(f"{described(name)} runs on fastframe, kernel {fastframe.active_kernel()}")

    def report_when_multiprocessing_ends(self) -> None:
        """A process of multiprocessing ends without a call of atexit's functions, but calls its
        own."""
        util = sys.modules.get("multiprocessing.util")
        if util is not None and self.finalized_in != os.getpid():
            self.finalized_in = os.getpid()
            util.Finalize(None, self.report_at_exit, args=(self.first,), exitpriority=-100)
            # the child of a fork forgets them
            util.register_after_fork(self, InstallOnImport.report_when_multiprocessing_ends)

    def report_at_exit(self, first: int) -> None:
        """first: the process that `fastframe run` has started. It also speaks for those that could
        not."""
        process, is_first = os.getpid(), os.getpid() == first
        if self.reported_in == process:
            return
        self.reported_in = process
        others_used_it = is_first and self.reports.others_used_it()
        counts = {name: connections(name) for name in self.installed}
        if is_first and not self.installed and not self.failed and not others_used_it:
            self.say(
                f"not active: no process of this program used any of "
                f"{', '.join(self.waiting.values())}, so there was nothing to accelerate"
                + self.left_alone()
            )
        if self.verbose and self.reports.may_speak():
            # The parent of workers need not say that it had no connection itself.
            if any(counts.values()) or (counts and not others_used_it):
                self.say_connections(counts, process)
                self.say_messages()
            for other, their_counts in self.reports.unspoken() if is_first else ():
                self.say_connections(their_counts, other)
        if is_first:
            self.reports.remove()

    def say_connections(self, counts: dict[str, int], process: int) -> None:
        # uvicorn imports websockets also where it does not use it; a worker may be ended before
        # the target uvicorn is active.
        hint = "" if any(counts.values()) or "uvicorn" in sys.modules else self.left_alone()
        self.say(
            f"connections that ran on fastframe: "
            f"{', '.join(f'{name} {count}' for name, count in counts.items())}{hint}",
            process,
        )

    def say_messages(self) -> None:
        """Of this process, where there were any."""
        from fastframe import metrics

        said = []
        for name, roles in metrics().items():
            received, sent = (
                sum(messages["text"] + messages["binary"] for messages in both)
                for both in zip(
                    *((of["received"]["messages"], of["sent"]["messages"]) for of in roles.values())
                )
            )
            if name in self.installed and received + sent:
                said.append(f"{name} {received} received and {sent} sent")
        if said:
            self.say(f"messages through fastframe: {', '.join(said)}")

    def left_alone(self) -> str:
        """What this process has imported that could run on fastframe, but is only accelerated where
        it is asked for."""
        found = [
            name
            for name, place in PLACES.items()
            if place.only_by_name and name not in self.all_targets and place.module in sys.modules
        ]
        return "".join(
            f"; {name} was imported: to accelerate it, add --target {name}" for name in found
        )

    def say(self, text: str, process: int | None = None) -> None:
        print(f"fastframe: {text} (process {process or os.getpid()})", file=sys.stderr, flush=True)


class InstallAfterwards(importlib.abc.Loader):
    """Loads a module as its own loader does, then installs fastframe under it."""

    def __init__(self, loader: importlib.abc.Loader, finder: InstallOnImport) -> None:
        self.loader = loader
        self.finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(
            self.loader, name
        )  # code that only looks for the module may ask for more of its loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        module.__loader__ = spec.loader = self.loader
        self.loader.exec_module(module)
        self.finder.install_under(module.__name__)
