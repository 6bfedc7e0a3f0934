"""The page's sign-in: a person without a token chooses a name, if the settings allow it."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse

from examples.chat.door import Bucket, Door, token
from examples.chat.log import Log
from examples.chat.settings import Settings

SECONDS = 86_400
NAME = re.compile(r"\w[\w .'-]{0,30}\w|\w")


class Guests:
    """Nobody checks who a guest is. The first person to choose a name keeps it for a day, so that
    no two are the same."""

    def __init__(self, settings: Settings, log: Log, door: Door) -> None:
        self._settings, self._log, self._door = settings, log, door
        self._rate = Bucket(5, 50)

    async def sign_in(self, request: Request) -> JSONResponse:
        """GET: may a name be chosen? POST {"name": N}: its token."""
        if request.method == "GET":
            return JSONResponse({"names": bool(self._settings.guests)})
        if not self._settings.guests or not self._door.admits(request.headers):
            return refusal(403, "Names cannot be chosen here. Sign in with a token.")
        if not self._rate.take():
            return refusal(429, "Many people sign in at the moment. Try again in a few seconds.")
        name = await chosen_name(request)
        if name is None:
            return refusal(400, "A name has 1 to 32 letters, digits, spaces and . ' - _ only.")
        try:
            if not await self._log.claim(name, SECONDS):
                return refusal(409, f"{name} is taken. Choose another name.")
        except RedisError:
            return refusal(503, "The server cannot reach its database. Try again in a few seconds.")
        return JSONResponse({"name": name, "token": token(name, SECONDS, self._settings.secret)})


async def chosen_name(request: Request) -> str | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > 1000:
            return None
    try:
        name: Any = json.loads(body)["name"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not isinstance(name, str):
        return None
    name = " ".join(unicodedata.normalize("NFC", name).split())
    return name if NAME.fullmatch(name) else None


def refusal(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"reason": reason}, status)
