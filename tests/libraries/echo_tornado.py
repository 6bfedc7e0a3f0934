"""A tornado server that echoes: python -m tests.libraries.echo_tornado PORT"""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler

from tests.servers.programs import STATUS, answer_to_status


class Echo(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        answer = answer_to_status() if message == STATUS else message
        self.write_message(answer, binary=isinstance(answer, bytes))


async def main(port: int) -> None:
    Application([("/", Echo)], websocket_max_message_size=1 << 26).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
