"""Prints, for each group of a pytest-benchmark JSON file, how many times faster fastframe is: medians of one run.

usage: python benchmarks/ratios.py FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def ratios(report: dict[str, list[dict[str, dict[str, object]]]]) -> dict[str, float]:
    medians: dict[str, dict[str, float]] = {}
    for result in report["benchmarks"]:
        contender = str(result["params"]["contender"])
        medians.setdefault(str(result["group"]), {})[contender] = float(str(result["stats"]["median"]))
    return {group: times["wsproto"] / times["fastframe"] for group, times in medians.items()}


if __name__ == "__main__":
    for group, ratio in ratios(json.loads(Path(sys.argv[1]).read_text())).items():
        print(f"{group:<45} {ratio:6.1f} x")
