"""Messages and bytes over time by direction, and how large messages are, as a PNG."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastframe._inspect.events import CLIENT, SERVER, Batch
from fastframe._inspect.stats import Stats

BINS = 256
SIZES = {0: "0", 4: "< 16", 7: "< 128", 10: "< 1 KiB", 13: "< 8 KiB", 16: "< 64 KiB",
         20: "< 1 MiB", 24: "< 16 MiB"}  # fmt: skip
COLOURS = {CLIENT: "tab:green", SERVER: "tab:blue"}


@dataclass
class Series:
    """A sum for each part of the time, in at most BINS parts of equal length: where one is past
    the last, two become one."""

    width: int = 1
    messages: list[int] = field(default_factory=lambda: [0] * BINS)
    bytes: list[int] = field(default_factory=lambda: [0] * BINS)

    def add(self, x: int, messages: int, size: int) -> None:
        """x: from 0 on."""
        while x >= BINS * self.width:
            self.widen()
        self.messages[x // self.width] += messages
        self.bytes[x // self.width] += size

    def widen(self) -> None:
        self.width *= 2
        for values in (self.messages, self.bytes):
            values[:] = [a + b for a, b in zip(values[::2], values[1::2])] + [0] * (BINS // 2)


class Plot:
    """Takes batches, then draws. Without times, what is drawn is over the offset in the stream."""

    def __init__(self) -> None:
        self.series = {CLIENT: Series(), SERVER: Series()}
        self._start: int | None = None
        self._timed = False

    def batch(self, batch: Batch) -> None:
        if batch.time is None:
            x = batch.offset
        else:
            self._timed = True
            if self._start is None:
                self._start = batch.time
            x = max(batch.time - self._start, 0)
        size = sum([size * count for size, count in batch.sizes.items()])
        self.series[batch.sender].add(x, batch.texts + batch.binaries, size)

    def draw(self, stats: Stats, path: str) -> None:
        """Writes the picture. ModuleNotFoundError without matplotlib, OSError if it cannot be
        written."""
        from matplotlib.figure import Figure

        unit, scale = ("seconds", 1e9) if self._timed else ("offset in the stream, MB", 1e6)
        figure = Figure(figsize=(10, 9), layout="constrained")
        over_messages, over_bytes, sizes = figure.subplots(3, 1)
        width = max(series.width for series in self.series.values())
        for sender, series in self.series.items():
            while series.width < width:
                series.widen()
            xs = [i * width / scale for i in range(BINS)]
            last = max((i for i, count in enumerate(series.messages) if count), default=0) + 1
            each = width / scale
            label = f"sent by the {sender}"
            for axes, values in ((over_messages, series.messages), (over_bytes, series.bytes)):
                rates = [value / each for value in values[:last]]
                axes.step(xs[:last], rates, where="post", label=label, color=COLOURS[sender])
        per = "second" if self._timed else "MB"
        label_axes(over_messages, unit, f"messages per {per}")
        label_axes(over_bytes, unit, f"bytes per {per}")
        self._draw_sizes(sizes, stats)
        figure.savefig(path, dpi=100)

    def _draw_sizes(self, axes: Any, stats: Stats) -> None:
        for shift, (sender, side) in enumerate(stats.sides.items()):
            powers: dict[int, int] = {}
            for size, count in side.sizes.counts.items():
                powers[size.bit_length()] = powers.get(size.bit_length(), 0) + count
            places = [power + 0.4 * shift for power in sorted(powers)]
            axes.bar(places, [powers[power] for power in sorted(powers)], width=0.4,
                     label=f"sent by the {sender}", color=COLOURS[sender])  # fmt: skip
        # Bar n has the sizes of n bits: those below 2 to the power of n.
        axes.set_xticks(list(SIZES), list(SIZES.values()))
        label_axes(axes, "size of a message in bytes", "messages")


def label_axes(axes: Any, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend()
