"""A plugin of pytest: few examples of Hypothesis, the same each time, and what fails is not shrunk;
one of the kernels."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants",
    parent=settings.get_profile("ci"),
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def pytest_configure() -> None:
    settings.load_profile("mutants")  # after conftest.py has loaded its own


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import fastframe

    first = fastframe.available_kernels()[0]
    items[:] = [
        item
        for item in items
        if not isinstance(item, pytest.Function)
        or not hasattr(item, "callspec")
        or item.callspec.params.get("kernel", first) == first
    ]
