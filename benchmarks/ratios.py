"""The medians of a pytest-benchmark JSON file: for each group the time of each contender, and how many times the first one's.

usage: python benchmarks/ratios.py FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Medians = dict[str, dict[str, float]]


def medians(report: Any) -> Medians:
    """Seconds by group and contender, in the order of the file."""
    found: Medians = {}
    for result in report["benchmarks"]:
        found.setdefault(result["group"], {})[result["params"]["contender"]] = result["stats"]["median"]
    return found


def lines(found: Medians) -> list[str]:
    shown = []
    for group, times in found.items():
        first = next(iter(times.values()))
        shown.append(group)
        for contender, seconds in times.items():
            shown.append(f"    {contender:<28} {seconds * 1e6:12.3f} µs  {first / seconds:8.2f} x")
    return shown


if __name__ == "__main__":
    print("\n".join(lines(medians(json.loads(Path(sys.argv[1]).read_text())))))
