"""python -m tests.servers.echo_twisted PORT: twisted's WebSocketResource on wsproto, with fastframe
under it."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from twisted.web.websocket import WebSocketResource

import fastframe
from tests.servers.programs import STATUS, answer_to_status


class Echo:
    transport: Any

    def negotiationStarted(self, transport: Any) -> None:  # noqa: N802 (twisted's names)
        self.transport = transport

    def negotiationFinished(self) -> None:  # noqa: N802
        pass

    def textMessageReceived(self, message: str) -> None:  # noqa: N802
        if message == STATUS:
            message = answer_to_status()
        self.transport.sendTextMessage(message)

    def bytesMessageReceived(self, data: bytes) -> None:  # noqa: N802
        self.transport.sendBytesMessage(data)

    def pongReceived(self, payload: bytes) -> None:  # noqa: N802
        pass

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        pass


class Factory:
    def buildProtocol(self, request: Request) -> Echo:  # noqa: N802
        return Echo()


fastframe.install("wsproto")
root = Resource()
root.putChild(b"", WebSocketResource(Factory()))
reactor.listenTCP(int(sys.argv[1]), Site(root), interface="127.0.0.1")  # type: ignore[attr-defined]
reactor.run()  # type: ignore[attr-defined]
