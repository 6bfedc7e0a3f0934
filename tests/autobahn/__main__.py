"""Runs the Autobahn TestSuite in both directions: python -m tests.autobahn [--cases fast] [--wstest
PROGRAM].

The suite is a program for Python 2.7, `wstest`. Without --wstest it is looked for on PATH, then
installed into build/autobahn, which needs a `python2.7` (on PATH or under pyenv). Exit code 0:
every case is as README.md says; 1: one is not.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.servers.programs import free_port, is_listening

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
REPORTS = ROOT / "build" / "autobahn"
SUITE = "autobahntestsuite==25.10.1"

FAST = [f"{group}.*" for group in range(1, 11)] + ["12.1.1", "13.1.1"]
"""All but most of the cases about compression, which take minutes; these take seconds."""

KINDS = ("native", "wsproto")
GOOD = ("OK", "INFORMATIONAL")

Results = dict[str, dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.autobahn", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--cases", choices=["all", "fast"], default="all")
    parser.add_argument("--wstest", help="the suite's program")
    parser.add_argument(
        "--summary", type=Path, help="write the tables of docs/explanation/autobahn.md to this file"
    )
    options = parser.parse_args(arguments)
    wstest = options.wstest or shutil.which("wstest") or install()
    cases = ["*"] if options.cases == "all" else FAST
    shutil.rmtree(REPORTS / "reports", ignore_errors=True)

    results: dict[str, Results] = {}
    for kind in KINDS:
        results[f"{kind} server"] = test_server(wstest, kind, cases)
        results[f"{kind} client"] = test_client(wstest, kind, cases)
    table = summary(results)
    print(table)
    if options.summary:
        options.summary.write_text(replaced(options.summary.read_text(), table))
    unexpected = differences(results)
    for line in unexpected:
        print(line, file=sys.stderr)
    return 1 if unexpected else 0


# ---- the suite -----------------------------------------------------------------------------------


def install() -> str:
    """Installs the suite for Python 2.7, for which there is only an old virtualenv."""
    program = REPORTS / "python2.7" / "bin" / "wstest"
    if not program.exists():
        found = [
            shutil.which("python2.7"),
            *glob.glob(os.path.expanduser("~/.pyenv/versions/2.7*/bin/python2.7")),
        ]
        pythons = [
            python
            for python in found
            if python
            and subprocess.run([python, "-V"], check=False, capture_output=True).returncode == 0
        ]
        if not pythons:
            raise SystemExit("the Autobahn TestSuite needs python2.7, and there is none here")
        helper = REPORTS / "virtualenv"
        subprocess.run([sys.executable, "-m", "venv", helper], check=True)
        subprocess.run([helper / "bin" / "pip", "install", "-q", "virtualenv<20.22"], check=True)
        subprocess.run(
            [helper / "bin" / "virtualenv", "-q", "-p", pythons[-1], REPORTS / "python2.7"],
            check=True,
        )
        subprocess.run([REPORTS / "python2.7" / "bin" / "pip", "install", "-q", SUITE], check=True)
    return str(program)


def test_server(wstest: str, kind: str, cases: list[str]) -> Results:
    port = free_port()
    output = REPORTS / "reports" / f"{kind}-server"
    with running(
        sys.executable, "-m", "tests.autobahn.agents", "server", kind, str(port), port=port
    ):
        spec = {
            "servers": [{"agent": f"fastframe, {kind} server", "url": f"ws://127.0.0.1:{port}"}]
        }
        subprocess.run(
            [wstest, "-m", "fuzzingclient", "-s", spec_file(output, spec, cases)],
            cwd=REPORTS,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return read(output)


def test_client(wstest: str, kind: str, cases: list[str]) -> Results:
    port = free_port()
    output = REPORTS / "reports" / f"{kind}-client"
    spec = spec_file(output, {"url": f"ws://127.0.0.1:{port}"}, cases)
    with running(wstest, "-m", "fuzzingserver", "--webport", "0", "-s", spec, port=port):
        subprocess.run(
            [sys.executable, "-m", "tests.autobahn.agents", "client", kind, str(port)],
            cwd=ROOT,
            check=True,
        )
    return read(output)


def spec_file(output: Path, spec: dict[str, Any], cases: list[str]) -> str:
    output.mkdir(parents=True)
    path = output / "spec.json"
    common = {"outdir": str(output), "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}}
    path.write_text(json.dumps({**spec, **common}))
    return str(path)


@contextlib.contextmanager
def running(*command: str, port: int) -> Iterator[None]:
    """A server, from when it listens until the block ends."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not is_listening(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(command)} does not listen")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


# ---- the report ----------------------------------------------------------------------------------


def read(output: Path) -> Results:
    (results,) = json.loads((output / "index.json").read_text()).values()
    return dict(results)


def summary(results: dict[str, Results]) -> str:
    lines = ["| agent | cases | OK | informational | other |", "| --- | --- | --- | --- | --- |"]
    for agent, cases in results.items():
        counts = {"OK": 0, "INFORMATIONAL": 0}
        others = [case for case, result in cases.items() if outcome(result) not in counts]
        for result in cases.values():
            counts[outcome(result)] = counts.get(outcome(result), 0) + 1
        lines.append(
            f"| {agent} | {len(cases)} | {counts['OK']} | {counts['INFORMATIONAL']} | "
            f"{', '.join(others) or 'none'} |"
        )
    return "\n".join(lines)


def outcome(result: dict[str, Any]) -> str:
    """The worse of how the case went and of how its connection ended."""
    behavior, close = str(result["behavior"]), str(result["behaviorClose"])
    return behavior if behavior != "OK" else close


def differences(results: dict[str, Results]) -> list[str]:
    """What is not as README.md says; an agent or a case that did not run, as well."""
    listed = set(re.findall(r"^\| ([\d.]+) \|", (HERE / "README.md").read_text(), re.M))
    found = []
    for agent, cases in results.items():
        if len(cases) < 300:
            found.append(f"{agent}: only {len(cases)} cases ran")
        for case, result in cases.items():
            if outcome(result) != "OK" and case not in listed:
                found.append(
                    f"{agent}: case {case} is {outcome(result)}, and README.md does not say why"
                )
    return found


def replaced(document: str, table: str) -> str:
    pattern = re.compile(r"(<!-- table: autobahn -->\n).*?(<!-- end of table -->)", re.S)
    return pattern.sub(lambda match: f"{match[1]}\n{table}\n\n{match[2]}", document)


if __name__ == "__main__":
    sys.exit(main())
