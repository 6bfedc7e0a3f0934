"""Plots of kept results: one PNG for each kernel, speed over size, contenders side by side.

usage: python -m benchmarks.report.plot KEPT.json FOLDER
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report.results import load

# "kernel: 125 B text", the groups of bench_kernels.py
GROUP = re.compile(r"(?P<kernel>[^:]+): (?P<size>\d+) B ?(?P<text>.*)")
TICKS = {
    1: "1 B",
    16: "16 B",
    256: "256 B",
    2**12: "4 KiB",
    2**16: "64 KiB",
    2**20: "1 MiB",
    2**24: "16 MiB",
}

# Size and seconds by contender, by text, by kernel.
Curves = dict[str, list[tuple[int, float]]]
Panels = dict[str, Curves]


def panels_by_kernel(medians: dict[str, dict[str, float]]) -> dict[str, Panels]:
    found: dict[str, Panels] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for group, times in medians.items():
        match = GROUP.fullmatch(group)
        if match is None:
            raise ValueError(f"not a group of bench_kernels.py: {group}")
        for contender, seconds in times.items():
            found[match["kernel"]][match["text"]][contender].append((int(match["size"]), seconds))
    return found


def draw(axes: Axes, title: str, curves: Curves) -> None:
    for number, (contender, points) in enumerate(curves.items()):
        points.sort()
        own = contender in ("avx512", "avx2", "sse41", "neon", "portable")
        axes.plot(
            [size for size, _ in points],
            [size / seconds / 1e9 for size, seconds in points],
            label=contender,
            color=f"C{number}",
            linestyle="-" if own else "--",
            marker=".",
            markersize=4,
            linewidth=1.2,
        )
    axes.set(title=title, xscale="log", yscale="log", xlabel="payload", ylabel="GB/s")
    axes.set_xticks(list(TICKS), list(TICKS.values()), fontsize=7)
    axes.minorticks_off()
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=7)


def plot(kernel: str, panels: Panels, subtitle: str) -> Figure:
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(6 * columns, 3.6 * rows), squeeze=False, layout="constrained"
    )
    figure.suptitle(f"{kernel}\n{subtitle}", fontsize=10)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, (text, curves) in zip(grid.flat, panels.items(), strict=False):
        draw(axes, text, curves)
    return figure


if __name__ == "__main__":
    results = load(Path(sys.argv[1]))
    for kernel, panels in panels_by_kernel(results["medians"]).items():
        figure = plot(kernel, panels, f"{results['cpu']}, {results['python']}, {results['date']}")
        figure.savefig(
            Path(sys.argv[2]) / f"{kernel.replace(' ', '_')}.png",
            dpi=80,
            metadata={"Software": None},
        )  # the same plot gives the same file
        plt.close(figure)
