"""Interpreters and machines besides the ones that are at hand: python -m tests.reach [--quick]
[TARGET ...]

Gets each target (what takes long is kept in the cache folder), builds every extension module for
it, runs the tests on it, and prints a table. A target that is not to be had here says why, and is
no failure; one that fails to build or to pass is. Debian's packages, debootstrap and chroot need
root.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from tests.reach.commands import CACHE, FailedError, Outcome, UnavailableError
from tests.reach.compilers import windows, zig
from tests.reach.debian import Debian, in_debian
from tests.reach.free_threading import thread_sanitizer, without_gil
from tests.reach.wheels import manylinux

TARGETS: dict[str, tuple[str, bool, Callable[[argparse.Namespace], Outcome]]] = {
    "free-threaded": ("CPython without the GIL, from Debian's source", True, without_gil),
    "thread-sanitizer": ("the same, built with ThreadSanitizer", False, thread_sanitizer),
    "sid-3.14": ("Debian sid", False, in_debian(Debian("sid", "amd64", "python3.14"))),
    "sid-3.15": ("Debian sid", False, in_debian(Debian("sid", "amd64", "python3.15"))),
    "i386": ("Debian bookworm, 32 bits", False, in_debian(Debian("bookworm", "i386"))),
    "arm64": (
        "Debian bookworm under qemu-user",
        False,
        in_debian(Debian("bookworm", "arm64", compiler="aarch64-linux-gnu-gcc")),
    ),
    "s390x": (
        "Debian bookworm under qemu-user, big-endian",
        False,
        in_debian(Debian("bookworm", "s390x", compiler="s390x-linux-gnu-gcc")),
    ),
    "windows": ("mingw-w64", True, windows),
    "macos-arm64": ("Zig", True, zig("aarch64-macos", "-shared -undefined dynamic_lookup")),
    "macos-x86-64": ("Zig", False, zig("x86_64-macos", "-shared -undefined dynamic_lookup")),
    "musl": ("Zig", False, zig("x86_64-linux-musl", "-shared")),
    "manylinux": ("Zig, glibc 2.17", False, manylinux),
}
"""By name: how it is had, whether it is quick, and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--quick", action="store_true", help="only those that take minutes")
    parser.add_argument("--seconds", type=float, default=26, help="of stress, in all")
    arguments = parser.parse_args()
    names = arguments.targets or [
        name for name, (_, quick, _) in TARGETS.items() if quick or not arguments.quick
    ]
    CACHE.mkdir(parents=True, exist_ok=True)
    table = Table("target", "by", "CPython", "build", "tests")
    failed = False
    for name in names:
        by, _, run = TARGETS[name]
        print(f"== {name}", flush=True)
        try:
            outcome = run(arguments)
        except UnavailableError as reason:
            outcome = Outcome("", "", f"not to be had: {reason}")
        except FailedError as error:
            print(error, file=sys.stderr)
            outcome, failed = Outcome("", "", "FAILED"), True
        table.add_row(name, by, *outcome)
        print("   " + ", ".join(outcome), flush=True)
    Console(width=160).print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
