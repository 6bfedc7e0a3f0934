"""Protocols over WebSocket, with their own clients and brokers, on loopback only."""

from __future__ import annotations

from tests.servers.conftest import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
