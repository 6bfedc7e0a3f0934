"""The tables and the plot of docs/explanation/comparison.md.

usage: python -m benchmarks.report.comparison KEPT.json PLOT.png
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.contenders.side_by_side import FLOOR, OWN
from benchmarks.measure.comparison import SIZES
from benchmarks.report.results import load, markdown

WAYS = ("one at a time", "at once")


def echoes(loop: str) -> Callable[[dict[str, Any]], str]:
    """A row for each server: microseconds for each message, the quickest first, of servers that
    have a loop of their own under each loop."""

    def table(results: dict[str, Any]) -> str:
        columns = [by_server(results, loop, way, size) for way in WAYS for size in SIZES]
        names = sorted(columns[0], key=columns[0].__getitem__)
        fastest = [
            min(shown(seconds) for name, seconds in column.items() if name != FLOOR)
            for column in columns
        ]
        rows = []
        for name in names:
            cells = [
                bold(microseconds(column[name]), name != FLOOR and shown(column[name]) == best)
                for column, best in zip(columns, fastest)
            ]
            rows.append([title(name), *cells, f"{spread(results, loop, name):.0f} %"])
        heads = [f"{size}{after(way, size)}" for way in WAYS for size in SIZES]
        return markdown(["µs for each message", *heads, "spread"], rows)

    return table


def after(way: str, size: str) -> str:
    return f", {SIZES[size][1]} at once" if way == "at once" else ""


def by_server(results: dict[str, Any], loop: str, way: str, size: str) -> dict[str, float]:
    medians = results["medians"]
    found: dict[str, float] = medians[f"{loop}, {way}: {size}"] | medians.get(
        f"{OWN}, {way}: {size}", {}
    )
    return found


def spread(results: dict[str, Any], loop: str, name: str) -> float:
    """Half of what lies between the quickest round and the slowest, for the middle one of the
    sizes, in percent of the median."""
    found: list[float] = []
    for group, of_all in results["spread"].items():
        if name in of_all and group.startswith((f"{loop}, ", f"{OWN}, ")):
            low, high = of_all[name]
            found.append((high - low) / 2 / results["medians"][group][name] * 100)
    return sorted(found)[len(found) // 2]


def title(name: str) -> str:
    if name == FLOOR:
        return "*the floor of ASGI*"
    if name == "socketify":
        return "socketify, its own loop"
    return name


def microseconds(seconds: float) -> str:
    value = shown(seconds)
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def shown(seconds: float) -> float:
    value = round(seconds * 1e6, 1)
    return value if value < 100 else round(value)


def bold(cell: str, best: bool) -> str:
    return f"**{cell}**" if best else cell


def memory(results: dict[str, Any]) -> str:
    """KiB for each quiet connection, without and with permessage-deflate."""
    groups = [results["medians"][group] for group in ("memory", "memory, deflate")]
    best = [min(group.values()) for group in groups]
    rows = [
        [
            title(name),
            *(
                bold(f"{group[name] / 1024:.1f}", group[name] == least) if name in group else ""
                for group, least in zip(groups, best)
            ),
        ]
        for name in sorted(groups[0], key=groups[0].__getitem__)
    ]
    return markdown(
        [f"KiB for each of {results['connections']:,} quiet connections", "", "permessage-deflate"],
        rows,
    )


def probes(results: dict[str, Any]) -> str:
    """What servers do with hostile clients."""
    rows = [
        [
            title(name),
            announced(found["announced"]),
            "" if found["bomb"] is None else f"{found['bomb']:.0f} MiB",
            f"{found['unread']:.0f} MiB",
            f"`{found['deflate']}`" if found["deflate"] else "no",
            "yes" if found["http_2"] else "no",
        ]
        for name, found in results["probes"].items()
    ]
    heads = [
        "a frame says that it has 1 GiB",
        "64 MiB of text in a small compressed message",
        "64 MiB of echoes that nobody reads",
        "permessage-deflate",
        "WebSockets over HTTP/2",
    ]
    return markdown(["", *heads], rows)


def announced(end: str) -> str:
    if end.isdigit():
        return f"Close {end} at once"
    return "closes at once, without a Close frame" if end else "waits for it"


# ---- the plot ------------------------------------------------------------------------------------


def draw(results: dict[str, Any], path: str, loop: str = "uvloop") -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    first = by_server(results, loop, WAYS[0], "32 B")
    names = sorted(first, key=first.__getitem__, reverse=True)
    figure, panels = plt.subplots(
        1, len(SIZES), figsize=(12, 5.6), sharey=True, layout="constrained"
    )
    for panel, size in zip(panels, SIZES):
        for way, marker in zip(WAYS, "os"):
            times = by_server(results, loop, way, size)
            for place, name in enumerate(names):
                group = f"{OWN if name == 'socketify' else loop}, {way}: {size}"
                low, high = results["spread"][group][name]
                colour = "#0b6e4f" if "fastframe" in name else "#8a3ffc" if name == FLOOR else "C7"
                panel.plot(
                    [low * 1e6, high * 1e6], [place, place], color=colour, linewidth=1, alpha=0.6
                )
                panel.plot(
                    times[name] * 1e6,
                    place,
                    marker=marker,
                    markersize=5,
                    color=colour,
                    markerfacecolor=colour if way == WAYS[0] else "white",
                )
        panel.set(xscale="log", title=f"{size}: ● one at a time, □ {SIZES[size][1]} at once")
        panel.title.set_fontsize(8)
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.xaxis.set_minor_formatter(lambda value, _: "")
        panel.tick_params(labelsize=8)
        panel.grid(True, axis="both", which="major", alpha=0.3)
    labels = [title(name).strip("*") for name in names]
    panels[0].set_yticks(range(len(names)), labels)
    for label, name in zip(panels[0].get_yticklabels(), names):
        label.set_fontweight("bold" if "fastframe" in name else "normal")
    figure.suptitle(
        "CPU time of the server for each echoed text, µs (logarithmic; lines: quickest to slowest "
        f"round), {loop}\n{results['cpu']}, {results['python']}, {results['date']}",
        fontsize=9,
    )
    figure.savefig(path, dpi=80, metadata={"Software": None})  # the same plot gives the same file


if __name__ == "__main__":
    draw(load(Path(sys.argv[1])), sys.argv[2])
