"""Tables and a plot of the load run of examples/chat, for docs/explanation/scaling.md: python -m
benchmarks.report.chat KEPT.json PLOT.png"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.report.results import load, markdown
from examples.chat.scaling import Costs, plan, simulated

USUAL = "fastframe, prepared"


def load_run(results: dict[str, Any]) -> str:
    rows = [
        [
            name, f"{found['deliveries_per_second']:,.0f}", f"{found['cpu_microseconds']:.1f}",
            f"{found['median_milliseconds']:.1f}",
            f"{found['p99_milliseconds']:.1f}", f"{found['kilobytes']:.0f}",
            f"{found['connect_microseconds']:,.0f}",
        ]
        for name, found in results["figures"].items()
    ]  # fmt: skip
    columns = [
        "deliveries a second",
        "CPU for each, µs",
        "p50, ms",
        "p99, ms",
        "memory for each connection, KiB",
        "CPU to connect and join, µs",
    ]
    return markdown(["one server, 1,000 clients in a room", *columns], rows)


def simulation(results: dict[str, Any]) -> str:
    sizes = {int(clients): found for clients, found in results["sizes"].items()}
    trip = sizes.pop(1)["median_milliseconds"]
    rows = []
    for clients, found in sizes.items():
        server, client = found["steady_microseconds"], found["steady_client_microseconds"]
        median, p99 = simulated(clients, results["rate"], server, client, trip)
        rows.append(
            [f"{clients:,}", f"{server:.1f}, {client:.1f}", f"{found['median_milliseconds']:.1f}",
            f"{median:.1f}", f"{found['p99_milliseconds']:.1f}", f"{p99:.1f}"]
        )  # fmt: skip
    columns = [
        "CPU for each delivery, server and clients, µs",
        "p50, ms",
        "simulated",
        "p99, ms",
        "simulated",
    ]
    return markdown(["members", *columns], rows)


def costs(results: dict[str, Any]) -> Costs:
    usual, alone = results["figures"][USUAL], results["sizes"]["1"]
    delivery = usual[
        "steady_microseconds"
    ]  # not the one of a busy server: planned for is one that is half idle
    read = results["read_microseconds"]
    append = alone["cpu_microseconds"] - read
    return Costs(
        delivery,
        append,
        read - usual["cpu_microseconds"],
        usual["connect_microseconds"],
        usual["kilobytes"],
    )


def plans(results: dict[str, Any]) -> str:
    rows = []
    for by_room in (False, True):
        for connections in (10_000, 100_000, 1_000_000, 10_000_000):
            found = plan(costs(results), connections, members=100, rate=1 / 60, by_room=by_room)
            rows.append([
                f"{connections:,}", "one server a room" if by_room else "anywhere",
                f"{found.deliveries:,.0f}", f"{found.servers:,}", found.limited_by,
                f"{found.servers_of_room:.1f}", f"{found.logs:,}", f"{found.gigabytes:,.1f}",
                f"{found.storm_cores:.1f}",
            ])  # fmt: skip
    columns = [
        "members of a room are",
        "deliveries a second",
        "servers",
        "limited by",
        "servers that read a message",
        "nodes of Redis",
        "memory, GiB",
        "cores for a storm",
    ]
    return markdown(["connections", *columns], rows)


def draw(results: dict[str, Any], path: str) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figures = results["figures"]
    figure, panels = plt.subplots(1, 2, figsize=(9, 2.8), sharey=True)
    names = list(figures)[::-1]
    shown = [
        ("cpu_microseconds", 1, "CPU of the server for each delivery, µs"),
        ("deliveries_per_second", 1000, "thousands of deliveries a second"),
    ]
    for panel, (key, unit, title) in zip(panels, shown):
        panel.barh(
            names,
            [figures[name][key] / unit for name in names],
            color=["C0" if "fastframe" in name else "C7" for name in names],
        )
        panel.set_title(title, fontsize=9)
        panel.tick_params(labelsize=8)
        panel.grid(True, axis="x", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    draw(load(Path(sys.argv[1])), sys.argv[2])
