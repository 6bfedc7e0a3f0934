"""Who may come in, and how much they may say."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import jwt
from starlette.datastructures import Headers

from examples.chat.protocol import SUBPROTOCOL, Code, Refused
from examples.chat.settings import Settings


def token(user: str, seconds: float, secret: str) -> str:
    """Lets `user` in for so many seconds."""
    return jwt.encode({"sub": user, "exp": int(time.time() + seconds)}, secret, "HS256")


class Bucket:
    """A rate: so many at once, and so many a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._time = float(burst), time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._time) * self._rate)
        self._time = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Door:
    """What a server knows of those who are in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._origins = frozenset(settings.origins.split())
        self._inside: dict[
            str, tuple[int, Bucket]
        ] = {}  # by user, how many connections, and their common rate
        self.connections = 0

    def admits(self, headers: Headers) -> bool:
        """False for a page of another origin."""
        origin = headers.get("origin")
        return origin is None or origin in self._origins

    def user(self, headers: Headers, subprotocols: Iterable[str]) -> str:
        """Who it is. Refused for a page of another origin (RFC 6455, 10.2), and without a token
        that holds."""
        if not self.admits(headers):
            raise Refused(Code.WRONG_ORIGIN, "this page may not connect")
        if SUBPROTOCOL not in subprotocols:
            raise Refused(Code.BAD_MESSAGE, f"the subprotocol {SUBPROTOCOL} was not offered")
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            given = next((name[6:] for name in subprotocols if name.startswith("token.")), "")
        try:
            claims = jwt.decode(
                given, self._settings.secret, ["HS256"], options={"require": ["sub", "exp"]}
            )
        except jwt.ExpiredSignatureError:
            raise Refused(Code.UNAUTHORIZED, "the token has expired") from None
        except jwt.InvalidTokenError:
            raise Refused(Code.UNAUTHORIZED, "the token is missing or wrong") from None
        return str(claims["sub"])

    @contextmanager
    def enter(self, user: str) -> Iterator[Bucket]:
        """A place for a connection, and the rate of its user."""
        settings = self._settings
        count, rate = self._inside.get(user, (0, None))
        if self.connections >= settings.max_connections or count >= settings.max_user_connections:
            raise Refused(Code.TOO_MANY_CONNECTIONS, "too many connections")
        rate = rate or Bucket(settings.user_message_rate, settings.user_message_burst)
        self._inside[user] = count + 1, rate
        self.connections += 1
        try:
            yield rate
        finally:
            self.connections -= 1
            count, rate = self._inside[user]
            if count > 1:
                self._inside[user] = count - 1, rate
            else:
                del self._inside[user]
