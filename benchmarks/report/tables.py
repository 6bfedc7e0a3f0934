"""Writes the tables of kept results into the documents, between `<!-- table: NAME -->` and `<!--
end of table -->`, and what they were measured on into the foot of each document, between `<!--
measured -->` and `<!-- end of measured -->`.

usage: python -m benchmarks.report.tables
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import chat, comparison, front
from benchmarks.report.measured import machines, measured
from benchmarks.report.results import TIMES, Medians, load, markdown

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"
README = "README.md"
PERFORMANCE = "docs/explanation/performance.md"
COMPARISON = "docs/explanation/comparison.md"

TEXTS = ("ASCII", "French", "Latin-1", "Cyrillic", "CJK", "emoji", "rare accents",
    "JSON with CJK", "JSON with Cyrillic", "English with emoji", "HTML with French")  # fmt: skip
SIZES = {"20 B": 20, "125 B": 125, "1 KiB": 2**10, "16 KiB": 2**14, "1 MiB": 2**20}


def shown(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 3 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"


def ratio(medians: Medians, group: str, contender: str, to: str) -> str:
    times = medians[group]
    return shown(times[to] / times[contender])


def masking(results: dict[str, Any]) -> str:
    medians, kernels = results["medians"], results["kernels"]
    rows = [
        (f"`apply_mask`, {name}", f"mask into a new object: {size} B", peer)
        for peer in ("memcpy", "websockets")
        for name, size in SIZES.items()
    ]
    rows += [
        (f"in the Decoder, {name}", f"wire to bytes: {size} B", "memcpy")
        for name, size in SIZES.items()
    ]
    rows += [
        (f"in place, {name}", f"mask in place: {size} B", "memcpy") for name, size in SIZES.items()
    ]
    return markdown(
        ["", "against", *kernels],
        [
            [name, peer, *(ratio(medians, group, kernel, peer) for kernel in kernels)]
            for name, group, peer in rows
        ],
    )


def by_text(group: str, peer: str) -> Callable[[dict[str, Any]], str]:
    """Rows for texts and kernels, columns for sizes. Older results have fewer texts."""

    def table(results: dict[str, Any]) -> str:
        medians, kernels = (
            results["medians"],
            [name for name in results["kernels"] if name != "portable"],
        )
        return markdown(
            ["", "", *SIZES],
            [
                [
                    text,
                    kernel,
                    *(
                        ratio(medians, f"{group}: {size} B {text}", kernel, peer)
                        for size in SIZES.values()
                    ),
                ]
                for text in TEXTS
                if f"{group}: 20 B {text}" in medians
                for kernel in kernels
            ],
        )

    return table


def wsproto(results: dict[str, Any]) -> str:
    medians = results["medians"]
    columns = ("receive, 64 KiB reads", "receive, a frame a read", "send, server", "send, client")
    messages = dict.fromkeys(group.rpartition(": ")[2] for group in medians)
    rows = []
    for message in messages:
        groups = [f"{column}: {message}" for column in columns]
        rows.append(
            [
                message,
                *(f"{wsproto_ratio(medians[g])}{TIMES}" if g in medians else "" for g in groups),
            ]
        )
    return markdown(["", *columns], rows)


def wsproto_ratio(times: dict[str, float]) -> str:
    return f"{times['wsproto'] / times['fastframe']:.0f}"


def beside_peers(*columns: str) -> Callable[[dict[str, Any]], str]:
    """How many times as fast as each peer fastframe is; a row for each group of these columns."""

    def table(results: dict[str, Any]) -> str:
        medians = {
            group: times
            for group, times in results["medians"].items()
            if group.partition(":")[0] in columns
        }
        peers = list(
            dict.fromkeys(
                peer for times in medians.values() for peer in times if peer != "fastframe"
            )
        )
        rows = []
        for group, times in medians.items():
            own = times["fastframe"]
            nanoseconds = f"{own * 1e9:,.0f} ns"
            rows.append(
                [
                    group,
                    nanoseconds,
                    *(shown(times[peer] / own) if peer in times else "" for peer in peers),
                ]
            )
        return markdown(["", "fastframe", *peers], rows)

    return table


def by_contender(*groups: str) -> Callable[[dict[str, Any]], str]:
    """A row for each contender: microseconds in each group, and how many times as fast as the first
    contender that is."""

    def table(results: dict[str, Any]) -> str:
        medians = results["medians"]
        rows = []
        first = next(iter(medians[groups[0]]))
        for contender in medians[groups[0]]:
            cells = [contender]
            for group in groups:
                seconds = medians[group][contender]
                cells.append(f"{seconds * 1e6:.1f} µs, {shown(medians[group][first] / seconds)}")
            rows.append(cells)
        return markdown(["", *groups], rows)

    return table


# What is asked of a server's CPU time: the gain of the second over the first.
GAINS = {
    "uvicorn: fastframe's class against `--ws wsproto`": ("uvicorn, wsproto", "uvicorn, fastframe"),
    "uvicorn: fastframe's class against its default, websockets-sansio": (
        "uvicorn, websockets-sansio",
        "uvicorn, fastframe",
    ),
    "uvicorn: fastframe's class against `--ws websockets`": (
        "uvicorn, websockets",
        "uvicorn, fastframe",
    ),
    "uvicorn `--ws wsproto`: `fastframe run` against without": (
        "uvicorn, wsproto",
        "uvicorn, wsproto, fastframe run",
    ),
    "hypercorn: `fastframe run` against without": ("hypercorn", "hypercorn, fastframe run"),
}


def gains(setting: str) -> Callable[[dict[str, Any]], str]:
    """A row for each pair of servers, a column for each size."""

    def table(results: dict[str, Any]) -> str:
        medians = {
            group.rpartition(": ")[2]: times
            for group, times in results["medians"].items()
            if group.startswith(setting)
        }
        rows = [
            [name, *(f"{shown(times[old] / times[new])}{TIMES}" for times in medians.values())]
            for name, (old, new) in GAINS.items()
        ]
        return markdown(["", *medians], rows)

    return table


def libraries(results: dict[str, Any]) -> str:
    """A row for each library and kind of message, a column for each size: how many times as long
    the library alone takes."""
    rows: dict[str, list[str]] = {}
    sizes: dict[str, None] = {}
    for group, times in results["medians"].items():
        name, _, message = group.partition(": ")
        number, unit, kind = message.split(" ", 2)
        sizes[f"{number} {unit}"] = None
        rows.setdefault(f"{name}, {kind}", []).append(
            f"{shown(times['alone'] / times['on fastframe'])}{TIMES}"
        )
    return markdown(["", *sizes], [[name, *cells] for name, cells in rows.items()])


BROADCASTS = ("125 B", "1 KiB", "16 KiB")


def broadcasts(results: dict[str, Any]) -> str:
    """A row for each server, a column for each size, without compression and with it: microseconds
    for one receiver."""
    medians = results["medians"]
    groups = [f"broadcast{deflate}: {size}" for deflate in ("", ", deflate") for size in BROADCASTS]
    rows = [
        [name, *(f"{medians[group][name] * 1e6:,.1f}" for group in groups)]
        for name in medians[groups[0]]
    ]
    return markdown(
        ["µs of CPU for each receiver", *BROADCASTS, *(f"deflate, {size}" for size in BROADCASTS)],
        rows,
    )


def broadcast_gains(results: dict[str, Any]) -> str:
    """What prepared messages gain on fastframe's uvicorn class, against it and against uvicorn's
    default."""
    medians = results["medians"]
    new = "uvicorn, fastframe, prepared"
    rows = []
    for deflate, words in (("", "without compression"), (", deflate", "with permessage-deflate")):
        for old, name in (
            ("uvicorn, fastframe", "fastframe's class, not prepared"),
            ("uvicorn, websockets-sansio", "uvicorn's default"),
        ):
            ratios = [
                ratio(medians, f"broadcast{deflate}: {size}", new, old) for size in BROADCASTS
            ]
            rows.append([f"{words}, against {name}", *(f"{text}{TIMES}" for text in ratios)])
    return markdown(["a prepared message to 1,000 clients", *BROADCASTS], rows)


def beside_simdutf(kernel: str) -> Callable[[dict[str, Any]], str]:
    """Rows for texts and work, columns for sizes: how many times as fast."""

    def table(results: dict[str, Any]) -> str:
        medians = results["medians"]
        work = ("valid?", "to UTF-8", "wire to str")
        rows = [
            [
                text,
                what,
                *(shown(medians[f"{kernel}, {what}: {size} B"][text]) for size in SIZES.values()),
            ]
            for text in medians[f"{kernel}, valid?: 20 B"]
            for what in work
        ]
        return markdown([kernel, "", *SIZES], rows)

    return table


def connections(results: dict[str, Any]) -> str:
    """A row for each server: what a connection costs to come and go, and while it is quiet."""
    medians = results["medians"]
    columns = [
        ("µs of CPU", "a connection, CPU", 1e-6),
        ("KiB, asyncio", "a connection, memory, asyncio", 1024),
        ("KiB, uvloop", "a connection, memory, uvloop", 1024),
    ]
    columns += [(f"{head}, deflate", f"{group}, deflate", unit) for head, group, unit in columns]
    rows = [
        [
            name,
            *(
                f"{medians[group][name] / unit:.{0 if unit < 1 else 1}f}"
                if name in medians[group]
                else ""
                for _, group, unit in columns
            ),
        ]
        for name in medians["a connection, CPU"]
    ]
    return markdown(["", *(head for head, _, _ in columns)], rows)


def latency(results: dict[str, Any]) -> str:
    medians = results["medians"]
    groups = [f"100 connections, {what}" for what in ("CPU", "p50", "p99")]
    rows = [
        [
            name,
            f"{medians[groups[0]][name] * 1e6:.1f}",
            *(f"{medians[group][name] * 1e3:.2f}" for group in groups[1:]),
        ]
        for name in medians[groups[0]]
    ]
    return markdown(["", "CPU for each, µs", "p50, ms", "p99, ms"], rows)


def microseconds(results: dict[str, Any]) -> str:
    """A row for each server and setting, a column for each size."""
    settings: dict[str, dict[str, dict[str, float]]] = {}
    for group, times in results["medians"].items():
        setting, _, size = group.rpartition(": ")
        settings.setdefault(setting, {})[size] = times
    rows = [
        [setting, contender, *(f"{sizes[size][contender] * 1e6:,.1f}" for size in sizes)]
        for setting, sizes in settings.items()
        for contender in next(iter(sizes.values()))
    ]
    return markdown(["", "µs", *next(iter(settings.values()))], rows)


TABLES: dict[str, tuple[str, str, Callable[[dict[str, Any]], str]]] = {
    "masking": ("docs/explanation/kernels.md", "kernels.json", masking),
    "is_utf8": (
        "docs/explanation/kernels.md",
        "kernels.json",
        by_text("is it UTF-8", "bytes.decode"),
    ),
    "wire_to_str": (
        "docs/explanation/kernels.md",
        "kernels.json",
        by_text("wire to str", "unmask and CPython"),
    ),
    "str_to_frame": (
        "docs/explanation/kernels.md",
        "kernels.json",
        by_text("str to frame", "encode, then frame"),
    ),
    "simdutf_avx512": ("docs/explanation/kernels.md", "simdutf.json", beside_simdutf("avx512")),
    "simdutf_avx2": ("docs/explanation/kernels.md", "simdutf.json", beside_simdutf("avx2")),
    "receive": (
        PERFORMANCE,
        "codec.json",
        beside_peers("receive, 64 KiB reads", "receive, 1 KiB reads", "receive, a frame a read"),
    ),
    "send": (
        PERFORMANCE,
        "codec.json",
        beside_peers("send, server", "send, client"),
    ),
    "deflate_receive": (
        "docs/explanation/deflate.md",
        "deflate.json",
        by_contender("receive: 1 KiB", "receive: 64 KiB"),
    ),
    "deflate_send": (
        "docs/explanation/deflate.md",
        "deflate.json",
        by_contender("send: 1 KiB", "send: 64 KiB"),
    ),
    "websockets_deflate": (
        "docs/reference/libraries.md",
        "deflate.json",
        by_contender(*(f"websockets echoes: {size}" for size in ("1 KiB", "64 KiB", "1 MiB"))),
    ),
    "chat_load": ("docs/explanation/scaling.md", "chat.json", chat.load_run),
    "chat_simulation": ("docs/explanation/scaling.md", "chat.json", chat.simulation),
    "chat_plans": ("docs/explanation/scaling.md", "chat.json", chat.plans),
    "servers": (PERFORMANCE, "end_to_end.json", gains("asyncio, text")),
    "servers_uvloop": (PERFORMANCE, "end_to_end.json", gains("uvloop, text")),
    "servers_all": (PERFORMANCE, "end_to_end.json", microseconds),
    "connections": (PERFORMANCE, "connections.json", connections),
    "latency": (PERFORMANCE, "latency.json", latency),
    "libraries": ("docs/reference/libraries.md", "libraries.json", libraries),
    "broadcast": ("docs/howto/broadcasting.md", "broadcast.json", broadcast_gains),
    "broadcast_all": ("docs/howto/broadcasting.md", "broadcast.json", broadcasts),
    "wsproto": (PERFORMANCE, "wsproto.json", wsproto),
    "comparison_uvloop": (COMPARISON, "comparison.json", comparison.echoes("uvloop")),
    "comparison_asyncio": (COMPARISON, "comparison.json", comparison.echoes("asyncio")),
    "comparison_memory": (COMPARISON, "comparison.json", comparison.memory),
    "comparison_probes": (COMPARISON, "comparison.json", comparison.probes),
    "front": (README, "end_to_end.json", front.table),
}


def write(name: str) -> None:
    document, source, make = TABLES[name]
    table = make(load(RESULTS / source))
    text = f"<!-- table: {name} -->\n\n{table}\n\n<!-- end of table -->"
    put(document, f"<!-- table: {name} -->.*?<!-- end of table -->", text)


def write_measured(document: str) -> None:
    """The foot of a document with tables. The README's has no versions: they are in the others."""
    sources = [source for where, source, _ in TABLES.values() if where == document]
    if document == README:
        text = machines(load(RESULTS / source) for source in front.SOURCES)
        text += f" [Versions]({PERFORMANCE}#versions)."
    else:
        text = measured(load(RESULTS / source) for source in dict.fromkeys(sources))
    put(
        document,
        "<!-- measured -->.*?<!-- end of measured -->",
        f"<!-- measured -->\n\n{text}\n\n<!-- end of measured -->",
    )


def put(document: str, pattern: str, text: str) -> None:
    path = ROOT / document
    changed, count = re.subn(
        pattern, lambda _: text, path.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{document} needs one place like {pattern}")
    path.write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    for name in TABLES:
        write(name)
    for document in dict.fromkeys(document for document, _, _ in TABLES.values()):
        write_measured(document)
