"""What is installed, what runs, and what does not and why."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fastframe
from fastframe._codec.kernels import MODULE_STATE
from fastframe._cpython.tricks import TRICKS
from fastframe._targets.install import TargetStatus

# Packages that fastframe knows something to do with, and the extra that installs each.
OPTIONAL = {"wsproto": "wsproto", "uvicorn": "uvicorn", "rich": "cli", "numpy": "numpy"}
SWITCHES = (
    "FASTFRAME_KERNEL", "FASTFRAME_DISABLE", "FASTFRAME_UNTESTED", "FASTFRAME_PLAIN",
    "FASTFRAME_TRACE", "FASTFRAME_TIMES",
)  # fmt: skip


@dataclass
class Findings:
    version: str
    location: str
    python: str
    machine: str
    kernel: str
    available_kernels: tuple[str, ...]
    module_state: bool
    tricks_off: dict[str, str]
    switches: dict[str, str]
    packages: dict[str, str | None]
    targets: dict[str, TargetStatus]

    @property
    def healthy(self) -> bool:
        """True if every target that is installed can run on fastframe."""
        return all(target.ready for target in self.targets.values() if target.version is not None)

    def as_json(self) -> dict[str, Any]:
        targets = {name: asdict(target) for name, target in self.targets.items()}
        return {**vars(self), "targets": targets, "healthy": self.healthy}


def tricks_off() -> dict[str, str]:
    """Why each trick that is not in use is not, and what that costs. A check that is made where a
    library is used counts if it was made."""
    return {trick.name: f"{trick.off}; {trick.costs}" for trick in TRICKS if trick.off is not None}


def package_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def examine() -> Findings:
    return Findings(
        version=fastframe.__version__,
        location=str(Path(fastframe.__file__).parent),
        python=f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})",
        machine=f"{platform.system()} {platform.machine()}",
        kernel=fastframe.active_kernel(),
        available_kernels=fastframe.available_kernels(),
        module_state=MODULE_STATE,
        tricks_off=tricks_off(),
        switches={name: os.environ[name] for name in SWITCHES if name in os.environ},
        packages={name: package_version(name) for name in OPTIONAL},
        targets=fastframe.status(),
    )


def lines(findings: Findings) -> list[tuple[str, str]]:
    """The findings as pairs of label and text, in the order to be read."""
    rows = [
        ("fastframe", f"{findings.version}, in {findings.location}"),
        ("Python", f"{findings.python}, {findings.machine}"),
        (
            "kernel",
            f"{findings.kernel} (this machine can run: {', '.join(findings.available_kernels)})",
        ),
    ]
    if not findings.module_state:
        rows.append(("build", "without module state: for the main interpreter only"))
    for name, why in findings.tricks_off.items():
        rows.append((name, f"off: {why}"))
    rows += [(name, f"is set to {value!r}") for name, value in findings.switches.items()]
    for name, version in findings.packages.items():
        rows.append(
            (
                name,
                version
                or f"not installed; to install it: pip install 'fastframe[{OPTIONAL[name]}]'",
            )
        )
    for name, target in findings.targets.items():
        state = (
            "active"
            if target.active
            else f"ready: {target.reason}"
            if target.ready
            else f"not ready: {target.reason}"
        )
        rows.append(
            (f"target {name}", state if target.note is None else f"{state} ({target.note})")
        )
        for why, count in target.left.items():
            rows.append((name, f"connections on its own path: {count}, as {why}"))
    return rows
