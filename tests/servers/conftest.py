"""Tests that open sockets, on loopback only. An `async def` test runs in an event loop of its own,
for a minute at most."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
from collections.abc import Iterator

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {
        name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters
    }
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), timeout=60))
    return True


@pytest.fixture(params=["by_class", "by_setting"])
def uvicorn_with_streams(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The stand-in of uvicorn_http_2.py where the coming uvicorn has its own; without fastframe's
    hand in it."""
    import fastframe
    from fastframe._targets.replaced import Replaced
    from fastframe.uvicorn import streams
    from tests.servers import uvicorn_http_2
    from tests.servers.uvicorn_with_streams import MODULES

    rule = getattr(uvicorn_http_2, request.param)
    monkeypatch.setattr(uvicorn_http_2.ZttpH2Protocol, "serves", staticmethod(rule))
    for name, stand_in in MODULES.items():
        monkeypatch.setitem(sys.modules, name, importlib.import_module(f"tests.servers.{stand_in}"))
    monkeypatch.setattr(streams, "_replaced", Replaced("uvicorn"))
    monkeypatch.setattr(streams, "_asked_for", [])
    yield
    streams._replaced.put_back()
    fastframe.uninstall("wsproto", "uvicorn")
