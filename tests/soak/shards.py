"""One part of the whole: what it compares is chosen by its seed."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import wsproto

from fastframe import available_kernels
from fastframe._codec.kernels import _select_kernel as select_kernel
from tests.helpers import ROOT

SIZES = {"frames": 1_000_000, "actions": 50_000}


def shard(what: str, seed: int) -> dict[str, Any]:
    kernels = available_kernels()
    kernel = kernels[seed % len(kernels)]
    select_kernel(kernel)
    started = time.perf_counter()
    if what == "frames":
        from tests.soak.frames import compare

        counts = compare(seed, SIZES[what])
    else:
        from tests.soak.actions import compare as compare_actions

        counts = compare_actions(seed, SIZES[what])
    return {
        "what": what, "seed": seed, "kernel": kernel, **counts,
        "seconds": round(time.perf_counter() - started, 1),
        "commit": commit(), "wsproto": wsproto.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
    }  # fmt: skip


def commit() -> str:
    """What was compared with wsproto."""
    command = ["git", "log", "-1", "--format=%h", "--", "fastframe", "src_c"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
