"""Kept results as text: for each group the time of each contender, and how many times as fast as
the first one it is.

usage: python -m benchmarks.report.ratios KEPT.json [TEXT]     only groups with TEXT in the name
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.report.results import Medians, load


def lines(found: Medians) -> list[str]:
    shown = []
    for group, times in found.items():
        first = next(iter(times.values()))
        shown.append(group)
        for contender, seconds in times.items():
            shown.append(f"    {contender:<28} {seconds * 1e6:12.3f} µs  {first / seconds:8.2f} x")
    return shown


if __name__ == "__main__":
    part = "".join(sys.argv[2:])
    medians = load(Path(sys.argv[1]))["medians"]
    print("\n".join(lines({group: times for group, times in medians.items() if part in group})))
