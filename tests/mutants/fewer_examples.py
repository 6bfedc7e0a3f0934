"""A plugin of pytest: few examples of Hypothesis, the same each time; what fails is not shrunk."""

from __future__ import annotations

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
