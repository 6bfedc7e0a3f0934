"""Tests of what the how-to pages say; their `async def` tests run as those of tests/servers do."""

from tests.servers.conftest import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
