"""What tables were measured on: the machine, versions and dates, once for a document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def measured(results: Iterable[dict[str, Any]]) -> str:
    """One paragraph for each machine and Python, with the versions of all that was measured there.

    Where results of several days differ in a version, all of its numbers are named.
    """
    return "\n\n".join(
        f"*Measured on {days(found)}: {machine}. {versions(found)}.*"
        for machine, found in by_machine(results).items()
    )


def machines(results: Iterable[dict[str, Any]]) -> str:
    """The machines and dates only, in one line."""
    found = by_machine(results).items()
    return f"Measured on {'; '.join(f'{days(some)}: {machine}' for machine, some in found)}."


def by_machine(results: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    machines: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        python = result["python"].replace(", ", " (") + ")"
        machine = f"{result['cpu']}, {result['cores']} cores, {result['system']}, {python}"
        machines.setdefault(machine, []).append(result)
    return machines


def days(results: list[dict[str, Any]]) -> str:
    return " and ".join(sorted({result["date"] for result in results}))


def versions(results: list[dict[str, Any]]) -> str:
    numbers: dict[str, dict[str, None]] = {}
    for result in results:
        for name, number in result["versions"].items():
            numbers.setdefault(name, {})[number] = None
    return ", ".join(f"{name} {' and '.join(found)}" for name, found in numbers.items())
