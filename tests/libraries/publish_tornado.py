"""A tornado server that publishes as rosbridge does: python -m tests.libraries.publish_tornado PORT

A thread hands messages to the event loop; for each client, one is written after the other.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import threading
from collections.abc import Iterator
from functools import partial

from tornado.ioloop import IOLoop
from tornado.web import Application
from tornado.websocket import WebSocketHandler

COUNT = 3000


def published() -> Iterator[str | bytes]:
    """Poses as JSON, a name in another script now and then, and images of a megabyte."""
    source = random.Random(3)
    for number in range(COUNT):
        pose = {
            "x": source.random(),
            "y": source.random(),
            "frame": "mapa" if number % 7 else "地図",
        }
        yield json.dumps(
            {"op": "publish", "topic": "/pose", "msg": pose}, ensure_ascii=number % 2 == 0
        )
        if number % 250 == 0:
            yield source.randbytes(1_000_000 + number)


class Bridge(WebSocketHandler):
    def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)
        self.lock = asyncio.Lock()

    def on_message(self, message: str | bytes) -> None:
        assert json.loads(message)["op"] == "subscribe"
        threading.Thread(target=self.publish, args=(IOLoop.current(),), daemon=True).start()

    def publish(self, loop: IOLoop) -> None:
        for message in published():
            loop.add_callback(partial(self.send, message))

    async def send(self, message: str | bytes) -> None:
        async with self.lock:
            await self.write_message(message, binary=isinstance(message, bytes))


async def main(port: int) -> None:
    Application([("/", Bridge)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
