"""The kernels beside simdutf: validation, `str` to UTF-8, and from the wire to `str`.

usage: python -m benchmarks.measure.beside_simdutf KEPT.json [--runs RUNS]

Both are measured in one process of C++, in turns (contenders/beside_simdutf.cpp); what is kept is
the median of several such runs: how many times as fast fastframe is. simdutf and a compiler are
those of Debian sid, in a folder that is made once; that needs root, debootstrap and chroot.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
from pathlib import Path

from benchmarks.report import results
from tests.reach.commands import get
from tests.reach.debian import Debian, install, root_of

ROOT = Path(__file__).parent.parent.parent
PEERS = {"avx512": "icelake", "avx2": "haswell", "sse41": "westmere"}
BUILD = (
    "cd /beside_simdutf; for source in src_c/*.c; do gcc -O3 -std=c11 -c $source; done; "
    "g++ -O3 -std=c++20 -Isrc_c beside_simdutf.cpp *.o -o beside_simdutf -lsimdutf"
)


def built() -> list[str]:
    """The command, without its arguments."""
    root = root_of(Debian("sid", "amd64"))
    install(root, "usr/include/simdutf.h", "g++ libsimdutf-dev")
    folder = root / "beside_simdutf"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "src_c", folder / "src_c")
    shutil.copy(ROOT / "benchmarks/contenders/beside_simdutf.cpp", folder)
    get(f"chroot {root} sh -ec '{BUILD}'")
    return ["chroot", str(root), "/beside_simdutf/beside_simdutf"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    command = built()
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(arguments.runs):
        for kernel, peer in PEERS.items():
            run = subprocess.run(
                [*command, kernel, peer], stdout=subprocess.PIPE, text=True, check=False
            )
            if run.returncode == 2:  # this CPU does not have it
                continue
            run.check_returncode()
            for line in run.stdout.splitlines():
                text, size, what, ratio = line.split("\t")
                cells = found.setdefault(f"{kernel}, {what}: {size} B", {})
                cells.setdefault(text, []).append(float(ratio))
    medians: results.Medians = {
        group: {text: float(f"{statistics.median(of_runs):.3g}") for text, of_runs in cells.items()}
        for group, cells in found.items()
    }
    for kernel in PEERS:
        ratios = {
            (group, text): ratio
            for group, of_group in medians.items()
            if group.startswith(kernel)
            for text, ratio in of_group.items()
        }
        if ratios:
            below = sum(ratio < 1 for ratio in ratios.values())
            worst = min(ratios, key=lambda cell: ratios[cell])
            print(f"{below} of {len(ratios)} below simdutf; worst: {worst}, {ratios[worst]}")
    results.keep(arguments.kept, medians)


if __name__ == "__main__":
    main()
