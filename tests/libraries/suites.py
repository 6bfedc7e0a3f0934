"""The libraries' own test suites, alone and on fastframe: python -m tests.libraries.suites [NAME
...]

Each suite comes from the sdist of the installed version, or from its tag where the sdist has no
tests, and runs twice. What counts is that each test has the same outcome; some fail on every
machine without network.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

PLUGIN = """
import json, logging, os

def pytest_configure(config):
    for name in os.environ["QUIET"].split():
        logging.getLogger(name).setLevel("CRITICAL")
    if os.environ["TARGET"]:
        import fastframe
        fastframe.install(os.environ["TARGET"])

outcomes = {}

def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome

def pytest_collectreport(report):
    if report.failed:
        outcomes[report.nodeid] = "cannot be collected"

def pytest_sessionfinish(session):
    if os.environ["TARGET"]:
        import fastframe
        status = fastframe.status()[os.environ["TARGET"]]
        assert status.active or "imported again" in status.reason  # by tests of its own
        connections = status.connections
    else:
        connections = 0
    with open(os.environ["OUTCOMES"], "w") as file:
        json.dump([outcomes, connections], file)
"""


class Suite(NamedTuple):
    distribution: str
    tests: tuple[str, ...]
    """Patterns of files and folders in the sdist."""
    least: int
    """So many tests pass at least."""
    options: tuple[str, ...] = ()
    """For pytest."""
    repository: str = ""
    """Whose tag of the version has the tests, where the sdist has none."""
    quiet: tuple[str, ...] = ()
    """Loggers that the suite's own runner silences, and needs to be silent."""
    connections: int = 0
    """So many run on fastframe at least; in some suites there are none."""


SUITES = {
    "websocket-client": Suite("websocket-client", ("websocket/tests",), 190),
    "gunicorn": Suite("gunicorn", ("tests/test_asgi_websocket*.py",), 100),
    "websockets": Suite(
        "websockets",
        (
            "tests/test_[cps]*.py",
            "tests/test_frames.py",
            "tests/asyncio",
            "tests/sync",
            "tests/extensions",
        ),
        1000,
        repository="https://github.com/python-websockets/websockets",
    ),
    "autobahn": Suite(
        "autobahn",
        ("src/autobahn/websocket/test", "autobahn/websocket/test"),
        50,
        ("--import-mode", "importlib"),
    ),
    "tornado": Suite(  # before 6.4.1 it needs a pytest before 8.2
        "tornado",
        ("tornado/test/websocket_test.py",),
        40,
        quiet=("tornado.access",),
        connections=50,
    ),
}


def sdist(distribution: str, folder: Path) -> Path:
    """The unpacked sdist of the installed version."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:",
         "--disable-pip-version-check", "--dest", str(folder),
         f"{distribution}=={version(distribution)}"],
        check=False,
    )  # fmt: skip
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def tag(repository: str, version: str, folder: Path) -> Path:
    """The repository as it was released."""
    root = folder / "repository"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", "--branch", version, repository, str(root)],
        check=True,
    )
    return root


def outcomes(suite: Suite, root: Path, target: str) -> tuple[dict[str, str], int]:
    """Of each test, by its id; and how many connections ran on fastframe."""
    folder = root.parent
    (folder / "outcomes_plugin.py").write_text(PLUGIN, encoding="utf-8")
    kept = folder / "outcomes.json"
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    kept.unlink(missing_ok=True)
    tests = [str(path) for pattern in suite.tests for path in sorted(root.glob(pattern))]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "outcomes_plugin", "-p", "no:cacheprovider",
        "-p", "no:randomly",
         "--rootdir", str(root), *suite.options, *tests],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path, "OUTCOMES": str(kept), "TARGET": target,
             "QUIET": " ".join(suite.quiet)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, check=False,
    )  # fmt: skip
    if not kept.exists():
        raise ValueError(result.stdout[-3000:])
    found: tuple[dict[str, str], int] = json.loads(kept.read_text())
    return found


def run(name: str, source: Path | None) -> bool:
    """True if all outcomes are the same. source: a folder that has the tests already."""
    suite = SUITES.get(name)
    if suite is None:
        print(f"{name}: it has no suite that can be run on fastframe, or tests/ runs it")
        return True
    try:
        print(f"{name} {version(suite.distribution)}", flush=True)
    except PackageNotFoundError:
        print(f"   not installed: pip install {suite.distribution}")
        return True
    with tempfile.TemporaryDirectory() as folder:
        if source:
            root = Path(shutil.copytree(source, Path(folder) / "source"))
        elif suite.repository:
            root = tag(suite.repository, version(suite.distribution), Path(folder))
        else:
            root = sdist(suite.distribution, Path(folder))
        alone, _ = outcomes(suite, root, "")
        fast, connections = outcomes(suite, root, name)
    for words, found in (("alone", alone), ("on fastframe", fast)):
        print(
            f"   {words}: "
            + ", ".join(
                f"{count} {outcome}" for outcome, count in Counter(found.values()).most_common()
            )
        )
    different = {test for test in alone.keys() | fast.keys() if alone.get(test) != fast.get(test)}
    for test in sorted(different):
        print(f"   different: {test}: {alone.get(test)}, {fast.get(test)}")
    print(f"   connections that ran on fastframe: {connections}")
    enough = Counter(fast.values())["passed"] >= suite.least
    if not enough:
        print(f"   fewer than {suite.least} tests passed: is this the suite?")
    return enough and not different and connections >= suite.connections


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SUITES))
    parser.add_argument(
        "--source", type=Path, help="the library's folder with its tests; then give one NAME"
    )
    arguments = parser.parse_args()
    failed = [name for name in arguments.names or SUITES if not run(name, arguments.source)]
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
