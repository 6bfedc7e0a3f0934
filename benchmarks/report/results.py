"""Results of pytest-benchmark, cut down to what is worth keeping: medians, and on what they were
measured.

usage: python -m benchmarks.report.results BENCHMARK.json KEPT.json
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pytest_benchmark.plugin import pytest_benchmark_generate_machine_info as machine_info

import fastframe

PACKAGES = (
    "fastframe", "wsproto", "uvicorn", "hypercorn", "uvloop", "websockets", "aiohttp", "picows",
    "tornado", "autobahn", "daphne", "gunicorn", "gevent-websocket", "websocket-client", "wsaccel",
    "isal", "zlib-ng", "starlette", "fastapi", "channels", "sanic", "flask-sock", "redis",
    "granian", "socketify", "Cython",
)  # fmt: skip

# Seconds for one operation by group and contender, in the order in which they were measured.
Medians = dict[str, dict[str, float]]


def versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def medians(report: Any) -> Medians:
    found: Medians = {}
    for result in report["benchmarks"]:
        seconds = result["stats"]["median"] / result["extra_info"].get("repeats", 1)
        found.setdefault(result["group"], {})[result["params"]["contender"]] = float(
            f"{seconds:.4g}"
        )
    return found


def keep(path: Path, medians: Medians, **more: Any) -> None:
    """Writes what was measured without pytest-benchmark, with today's date and this machine."""
    machine = machine_info()  # type: ignore[no-untyped-call]
    report = {"benchmarks": [], "datetime": str(date.today()), "machine_info": machine}
    write(path, {**kept(report), "medians": medians, **more})


def write(path: Path, contents: dict[str, Any]) -> None:
    path.write_text(json.dumps(contents, indent=1, ensure_ascii=False) + "\n")


def kept(report: Any) -> dict[str, Any]:
    machine = report["machine_info"]
    return {
        "date": report["datetime"][:10],
        "cpu": machine["cpu"]["brand_raw"],
        "system": f"{machine['system']} {machine['machine']}",
        "python": f"{machine['python_implementation']} {machine['python_version']}, "
        f"{machine['python_compiler']}",
        "cores": os.cpu_count(),
        "kernels": list(fastframe.available_kernels()),
        "versions": versions(),
        "medians": medians(report),
    }


def load(path: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads(path.read_text())
    return results


TIMES = "\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}"  # after a ratio, on the same line as it


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    write(target, kept(json.loads(source.read_text())))
