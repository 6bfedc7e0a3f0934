"""What a router worker of crossbar loads to run on fastframe. It also answers how many of the
worker's connections did."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.wamp import ApplicationSession

import fastframe

fastframe.install("autobahn")


class OnFastframe(ApplicationSession):  # type: ignore[misc]
    async def onJoin(self, details: Any) -> None:  # noqa: N802 (autobahn's name)
        await self.register(
            lambda: fastframe.status()["autobahn"].connections, "fastframe.connections"
        )
