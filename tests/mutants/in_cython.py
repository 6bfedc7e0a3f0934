"""Mutants of the Cython modules on the path of a byte, and the Python tests that must find them."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import Queue
from typing import NamedTuple

from tests.mutants.operators import ROOT, Mutant

MEMORY = 4 * 2**30
"""Bytes that the tests of a mutant may take."""
SHORTEST_LIMIT = 60
"""Seconds of the CPU at least. A test that waits has ten times as long, as machines are busy."""
ENVIRONMENT = {
    "FASTFRAME_FEWER": "1",
    "FASTFRAME_MODULE_STATE": "0",  # the mends take longer than a module's C
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # nor are plugins of the environment of use here
    "FASTFRAME_FAILING_MEMORY": "1",  # these tests are alone in their process
}
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["Cython.Build", "hypothesis", "pytest", "setuptools", "wsproto"])


class Target(NamedTuple):
    module: str
    """The module that a change of the file is compiled into."""
    tests: tuple[str, ...]
    """Of tests/, the quickest first."""


IN_THE_END = ("codec/test_threads.py", "codec/test_out_of_memory.py")
INBOUND = ("codec/test_decoder.py", "codec/test_references.py", "deflate/test_messages.py")
TARGETS = {
    "fastframe/_codec/receive_buffer.pyx": Target("_codec.receive_buffer", INBOUND + IN_THE_END),
    "fastframe/_codec/inbound_frame.pxd": Target("_codec.message_reader", INBOUND),
    "fastframe/_codec/message_reader.pyx": Target(
        "_codec.message_reader", (*INBOUND, *IN_THE_END, "api/test_c_api.py")
    ),
    "fastframe/_codec/message_assembler.pyx": Target(
        "_codec.message_assembler", (*INBOUND, *IN_THE_END, "api/test_tricks.py")
    ),
    "fastframe/_codec/inflater.pyx": Target(
        "_codec.inflater",
        ("deflate/test_messages.py", "codec/test_out_of_memory.py", "deflate/test_inflation.py"),
    ),
    "fastframe/_codec/encoder.pyx": Target(
        "_codec.encoder",
        (
            "codec/test_encoder.py", "codec/test_prepared.py", "deflate/test_messages.py",
            *IN_THE_END,
        ),
    ),
    "fastframe/wsproto/_frame_decoder.pyx": Target(
        "wsproto._frame_decoder",
        (
            "wsproto/test_extensions.py", "wsproto/test_contract.py", "wsproto/test_events.py",
            "wsproto/test_foreign_code.py", "deflate/test_under_wsproto.py", *IN_THE_END,
            "wsproto/test_exhaustive.py::test_every_cut",
        ),
    ),
    "fastframe/wsproto/_frame_protocol.pyx": Target(
        "wsproto._frame_protocol",
        (
            "wsproto/test_contract.py", "wsproto/test_outbound.py", "wsproto/test_prepared.py",
            "wsproto/test_extensions.py", "wsproto/test_foreign_code.py", "wsproto/test_events.py",
            "deflate/test_under_wsproto.py", *IN_THE_END,
            "wsproto/test_exhaustive.py::test_every_cut",
        ),
    ),
    "fastframe/wsproto/_connection.pyx": Target(
        "wsproto._connection",
        (
            "wsproto/test_events.py", "wsproto/test_contract.py", "wsproto/test_outbound.py",
            "wsproto/test_foreign_code.py", "codec/test_references.py", *IN_THE_END,
            "wsproto/test_exhaustive.py::test_every_cut", "api/test_tricks.py",
        ),
    ),
}  # fmt: skip
"""What is mutated."""


class InCython:
    """The Python tests, on complete trees: one stays as it is, and each worker has one."""

    def __init__(self, folder: Path, workers: int, files: set[str]) -> None:
        self.pristine = folder / "pristine"
        copy_sources(self.pristine)
        if not built(self.pristine):
            raise RuntimeError("the extension modules cannot be built")
        self.seconds: dict[tuple[str, ...], float] = {}
        for tests in {TARGETS[file].tests for file in files}:
            started = time.monotonic()
            found = run_tests(self.pristine, tests, 600)
            if found is not None:
                raise RuntimeError(f"{found} fails without a mutant")
            self.seconds[tests] = time.monotonic() - started
        self.trees: Queue[Path] = Queue()
        for number in range(workers):
            self.trees.put(Path(shutil.copytree(self.pristine, folder / f"tree{number}")))

    def find(self, mutant: Mutant) -> str | None:
        """What finds it: the compiler, a test, or nothing."""
        target = TARGETS[mutant.path.as_posix()]
        tree = self.trees.get()
        mutant.plant(tree)
        try:
            if not built(tree, target.module):
                return "the compiler"
            limit = max(SHORTEST_LIMIT, int(2 * self.seconds[target.tests]))
            return run_tests(tree, target.tests, limit)
        finally:
            self._restore(tree, mutant.path, target)
            self.trees.put(tree)

    def _restore(self, tree: Path, path: Path, target: Target) -> None:
        # as new, so that Cython makes its C again
        (tree / path).write_text((self.pristine / path).read_text())
        where = "fastframe/" + target.module.replace(".", "/")
        for extension in self.pristine.glob(f"{where}.*.so"):
            shutil.copy(extension, tree / extension.relative_to(self.pristine))


def copy_sources(tree: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in listed.splitlines():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)


def built(tree: Path, *modules: str) -> bool:
    names = [f"fastframe.{module}" for module in modules]
    return run("tests.mutants.build_extensions", names, tree, 600) == 0


def run_tests(tree: Path, tests: tuple[str, ...], limit: int) -> str | None:
    """The test that fails first."""
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
    options += ["-p", "tests.mutants.fewer_examples", *(f"tests/{test}" for test in tests)]
    code = run("pytest", options, tree, limit)
    if code is None or code == -signal.SIGXCPU:
        return "its time"
    if code == 0:
        return None
    output = (tree / "output").read_text(errors="replace")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
    return failed[1] if failed else "a crash"


def run(module: str, arguments: list[str], tree: Path, limit: int) -> int | None:
    """Its exit code, if it ends in time. Forked from a process in which what is slow to import is
    there already."""
    process = FORKED.Process(target=run_in, args=(module, arguments, tree, limit))
    process.start()
    process.join(10 * limit)
    if process.is_alive():
        process.kill()
        process.join()
        return None
    return process.exitcode


def run_in(module: str, arguments: list[str], tree: Path, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    output = os.open(tree / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(tree)
    os.environ.update(ENVIRONMENT, PYTHONPATH=str(tree))
    sys.path[:] = [str(tree), *(path for path in sys.path if path not in ("", str(ROOT)))]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # they are the tree's from here on
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
