"""An echo in Django's channels: daphne benchmarks.contenders.channels_app:application"""

from __future__ import annotations

from typing import Any

import django  # type: ignore[import-untyped]
from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]
from channels.routing import ProtocolTypeRouter  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]

if not settings.configured:
    settings.configure(INSTALLED_APPS=["channels"], ALLOWED_HOSTS=["*"])
    django.setup()


class Echo(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        await self.send(text_data=text_data, bytes_data=bytes_data)


application = ProtocolTypeRouter({"websocket": Echo.as_asgi()})
