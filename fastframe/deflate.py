"""permessage-deflate (RFC 7692): what two peers agree on, and what it costs.

settings = Deflate(threshold=64)                  how this endpoint likes to compress
agreement = settings.accept(offers)               a server: the client's Sec-WebSocket-Extensions;
                                                  None: no offer is acceptable
agreement = settings.confirm(response)            a client, which has sent settings.offer()
Decoder(role, deflate=agreement)                  and Encoder(role, deflate=agreement): the two
                                                  states of a connection

There is no compression code here: `backend` names the library that does it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from importlib import import_module
from typing import Any

from fastframe._codec.checks import _flag_from, _number_from

__all__ = ["Agreement", "Deflate", "NegotiationError"]

EXTENSION = "permessage-deflate"

# Modules with the interface of the standard library's zlib, and the levels that they know.
BACKENDS = {
    "zlib": ("zlib", range(-1, 10), "it is part of Python"),
    "zlib-ng": ("zlib_ng.zlib_ng", range(-1, 10), "pip install zlib-ng"),
    "isal": ("isal.isal_zlib", range(4), "pip install isal"),
}


class NegotiationError(ValueError):
    """The peer's Sec-WebSocket-Extensions header is malformed, or a server's answer breaks RFC
    7692: this end must fail the connection (RFC 6455, 4.1 and 9.1).

    >>> Deflate().confirm("permessage-deflate; unknown")
    Traceback (most recent call last):
    fastframe.deflate.NegotiationError: a parameter of permessage-deflate is unknown, ...
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


def backend_module(name: str) -> Any:
    """The module of a back-end. ValueError for an unknown name, ImportError if it is not
    installed."""
    if name not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, not {name!r}")
    module, _, remedy = BACKENDS[name]
    try:
        return import_module(module)
    except ImportError:
        raise ImportError(f"the deflate back-end {name!r} is not installed: {remedy}") from None


@dataclass(frozen=True)
class Deflate:
    """How this endpoint uses permessage-deflate. ValueError for a number out of range, ImportError
    for a missing back-end.

    A Deflate keeps no state: one serves any number of connections. All parameters are keywords.

    >>> settings = Deflate(threshold=64)
    >>> settings.accept("permessage-deflate; client_max_window_bits").response()
    'permessage-deflate'
    """

    _: KW_ONLY
    server_no_context_takeover: bool = False
    """The server forgets its window after each message: less memory between messages, less
    compression."""
    client_no_context_takeover: bool = False
    """The same for the client."""
    server_max_window_bits: int = 15
    """The server's window is at most 2 to the power of this, from 9 to 15. zlib has no compressor
    for 8."""
    client_max_window_bits: int = 15
    """The same for the client's window, from 9 to 15."""
    level: int | None = None
    """How hard to compress, as the back-end counts: zlib and zlib-ng from 0 to 9, isal from 0 to 3.
    None is its own default."""
    memory_level: int = 8
    """Memory of the compressor, from 1 to 9: 2 to the power of this, times 512 bytes, besides its
    window."""
    threshold: int = 0
    """A message of fewer bytes is sent as it is."""
    backend: str = "zlib"
    """Which library compresses: "zlib", the standard library's; "zlib-ng" or "isal" where they are
    installed."""

    def __post_init__(self) -> None:
        for name in ("server_no_context_takeover", "client_no_context_takeover"):
            _flag_from(name, getattr(self, name))
        for name in ("server_max_window_bits", "client_max_window_bits"):
            _number_from(name, getattr(self, name), 9, 15)
        _number_from("memory_level", self.memory_level, 1, 9)
        _number_from("threshold", self.threshold, 0, sys.maxsize)
        backend_module(self.backend)
        levels = BACKENDS[self.backend][1]
        if self.level is not None:
            _number_from("level", self.level, levels[0], levels[-1])

    # ---- negotiation (RFC 7692, 5 and 7.1) -------------------------------------------------------

    def offer(self) -> str:
        """A client's offer, for its Sec-WebSocket-Extensions header. Lets the server choose the
        client's window.

        >>> Deflate().offer()
        'permessage-deflate; client_max_window_bits'
        """
        window = "" if self.client_max_window_bits == 15 else f"={self.client_max_window_bits}"
        parameters = [EXTENSION, f"client_max_window_bits{window}"]
        if self.server_max_window_bits != 15:
            parameters.append(f"server_max_window_bits={self.server_max_window_bits}")
        if self.server_no_context_takeover:
            parameters.append("server_no_context_takeover")
        if self.client_no_context_takeover:
            parameters.append("client_no_context_takeover")
        return "; ".join(parameters)

    def accept(self, offers: str | None) -> Agreement | None:
        """A server's answer: what is agreed on with the first acceptable offer, or None if there is
        none.

        offers: the value of the client's Sec-WebSocket-Extensions header, a str; several header
        lines joined with commas. None if there is no such header. TypeError for anything else. An
        offer with a parameter that is unknown, twice or has a value that it cannot have is declined
        (RFC 7692, 7); so is one with server_max_window_bits=8, as zlib cannot compress with that
        window. A header that is no list of extensions at all is neither accepted nor declined:
        NegotiationError, and the connection must be failed (RFC 6455, 9.1), with status 400 for
        instance.

        >>> Deflate().accept("permessage-deflate; unknown") is None
        True
        >>> Deflate().accept("permessage-deflate; client_max_window_bits=")
        Traceback (most recent call last):
        fastframe.deflate.NegotiationError: Sec-WebSocket-Extensions is malformed after ...
        """
        # All of it first: what follows an acceptable offer must not be malformed either.
        for parameters in list(_offers(_header_value("offers", offers))):
            agreement = self._accept_one(parameters)
            if agreement is not None:
                return agreement
        return None

    def _accept_one(self, parameters: _Parameters | None) -> Agreement | None:
        if (
            parameters is None
            or parameters.server_max_window_bits == 8
            or parameters.server_bits_without_value
        ):
            return None
        offered = parameters.client_max_window_bits
        server_bits = min(self.server_max_window_bits, parameters.server_max_window_bits or 15)
        return Agreement(
            settings=self,
            server_no_context_takeover=self.server_no_context_takeover
            or parameters.server_no_context_takeover,
            client_no_context_takeover=self.client_no_context_takeover
            or parameters.client_no_context_takeover,
            server_max_window_bits=server_bits,
            # A client that does not name the parameter does not know it, and is free to use the
            # largest window.
            client_max_window_bits=15
            if offered is None
            else min(self.client_max_window_bits, offered),
            client_knows_window_bits=offered is not None,
            client_names_server_bits=parameters.server_max_window_bits is not None,
        )

    def confirm(self, response: str | None) -> Agreement | None:
        """A client's reading of the server's answer to `offer`: what is agreed on, or None if the
        server declined.

        response: the value of the server's Sec-WebSocket-Extensions header, a str, or None if there
        is no such header. TypeError for anything else, NegotiationError if it breaks RFC 7692,
        7.1, or is malformed.

        >>> confirmed = Deflate().confirm("permessage-deflate; server_max_window_bits=12")
        >>> confirmed.server_max_window_bits
        12
        """
        answers = list(_offers(_header_value("response", response)))
        if not answers:
            return None
        if len(answers) > 1:
            raise NegotiationError(f"{EXTENSION} was accepted twice (RFC 7692, 5)")
        parameters = answers[0]
        if (
            parameters is None
            or parameters.server_bits_without_value
            or parameters.client_bits_without_value
        ):
            raise NegotiationError(
                f"a parameter of {EXTENSION} is unknown, repeated or malformed (RFC 7692, 7.1)"
            )
        if self.server_no_context_takeover and not parameters.server_no_context_takeover:
            raise NegotiationError(
                "server_no_context_takeover was offered and not accepted (RFC 7692, 7.1.1.1)"
            )
        server_bits = parameters.server_max_window_bits or 15
        if server_bits > self.server_max_window_bits:
            raise NegotiationError(
                f"server_max_window_bits is above {self.server_max_window_bits} (RFC 7692, 7.1.2.1)"
            )
        client_bits = min(self.client_max_window_bits, parameters.client_max_window_bits or 15)
        if (parameters.client_max_window_bits or 0) > self.client_max_window_bits:
            raise NegotiationError(
                f"client_max_window_bits is above {self.client_max_window_bits} (RFC 7692, 7.1.2.2)"
            )
        if client_bits == 8:
            raise NegotiationError(
                "the server asks for client_max_window_bits=8, and zlib cannot compress with that "
                "window"
            )
        return Agreement(
            settings=self,
            server_no_context_takeover=parameters.server_no_context_takeover,
            client_no_context_takeover=self.client_no_context_takeover
            or parameters.client_no_context_takeover,
            server_max_window_bits=server_bits,
            client_max_window_bits=client_bits,
            client_knows_window_bits=True,
        )


@dataclass(frozen=True)
class Agreement:
    """What two peers have agreed on, and the settings of this one. Made by `Deflate.accept` and
    `Deflate.confirm`.

    >>> agreement = Deflate(server_no_context_takeover=True).accept("permessage-deflate")
    >>> agreement.server_no_context_takeover, agreement.server_max_window_bits
    (True, 15)
    """

    settings: Deflate
    """Those of this end."""
    server_no_context_takeover: bool
    """True if the server forgets its window after each message."""
    client_no_context_takeover: bool
    """True if the client does."""
    server_max_window_bits: int
    """The server's window is at most 2 to the power of this."""
    client_max_window_bits: int
    """The same for the client's window."""
    client_knows_window_bits: bool = field(compare=False)
    """True if the client named `client_max_window_bits`, so that the answer may have it."""
    client_names_server_bits: bool = field(default=False, compare=False)
    """True if the client named `server_max_window_bits`, so that the answer must have it."""

    def response(self) -> str:
        """The server's answer, for its Sec-WebSocket-Extensions header.

        >>> Deflate().accept("permessage-deflate; server_max_window_bits=10").response()
        'permessage-deflate; server_max_window_bits=10'
        """
        parameters = [EXTENSION]
        if self.server_no_context_takeover:
            parameters.append("server_no_context_takeover")
        if self.client_no_context_takeover:
            parameters.append("client_no_context_takeover")
        # A client that names it must be answered with it, whatever the number (RFC 7692, 7.1.2.1).
        if self.server_max_window_bits != 15 or self.client_names_server_bits:
            parameters.append(f"server_max_window_bits={self.server_max_window_bits}")
        # This one is optional in the answer, whatever the offer says (7.1.2.2).
        if self.client_knows_window_bits and self.client_max_window_bits != 15:
            parameters.append(f"client_max_window_bits={self.client_max_window_bits}")
        return "; ".join(parameters)

    def prepare(self, data: str | bytes) -> bytes:
        """A server's whole message, compressed and framed once, for all connections with an equal
        agreement.

        data: a str for a text message, bytes for a binary one. ValueError unless the server forgets
        its window after each message: what a connection has sent before would be part of the
        message otherwise.

        Writing it to a transport bypasses the connection's Encoder, and with it the checks that no
        message is open and that no Close was sent.

        >>> deflate = Deflate(server_no_context_takeover=True, threshold=64)
        >>> agreement = deflate.accept("permessage-deflate")
        >>> agreement.prepare("hello")
        b'\\x81\\x05hello'
        """
        from fastframe._codec.encoder import Encoder
        from fastframe._types import Role

        if not self.server_no_context_takeover:
            raise ValueError(
                "a prepared message needs an agreement with server_no_context_takeover (RFC 7692, "
                "7.1.1.1)"
            )
        return Encoder(Role.SERVER, deflate=self).message(data)


# ---- the header (RFC 6455, 9.1) ------------------------------------------------------------------


@dataclass
class _Parameters:
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | None = None
    server_bits_without_value: bool = False
    client_bits_without_value: bool = False


def _header_value(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        hint = ": decode it as latin-1" if isinstance(value, (bytes, bytearray)) else ""
        raise TypeError(f"{name} must be a str or None, not {type(value).__name__}{hint}")
    return value


_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
# Nothing in these patterns can match white space in two ways, so the time is linear in the length
# of the header.
_NOTHING = re.compile(r"[ \t]*(?:,|\Z)")  # a list may have elements that are empty (RFC 2616, 2.1)
_PARAMETER = rf"[ \t]*;[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*({_TOKEN}|{_QUOTED}))?"
_ELEMENT = re.compile(rf"[ \t]*({_TOKEN})((?:{_PARAMETER})*)[ \t]*(?:,|\Z)")
_WINDOW_BITS = re.compile(r"[89]|1[0-5]")


def _offers(header: str) -> Iterator[_Parameters | None]:
    """The parameters of each permessage-deflate in a header; None where they are unknown, repeated
    or invalid. Other extensions are skipped."""
    position = 0
    while position < len(header):
        match = _ELEMENT.match(header, position) or _NOTHING.match(header, position)
        if match is None:
            start = re.compile(rf"[ \t]*({_TOKEN})?").match(header, position)
            where = f" after {start[1]!r}" if start is not None and start[1] else ""
            raise NegotiationError(f"Sec-WebSocket-Extensions is malformed{where} (RFC 6455, 9.1)")
        position = match.end()
        if match.re is _ELEMENT and match[1] == EXTENSION:
            yield _parameters(re.findall(_PARAMETER, match[2]))


def _parameters(pairs: list[tuple[str, str]]) -> _Parameters | None:
    found = _Parameters()
    if len({name for name, _ in pairs}) != len(pairs):
        return None
    for name, quoted in pairs:
        value = re.sub(r"\\(.)", r"\1", quoted[1:-1]) if quoted.startswith('"') else quoted
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if quoted:
                return None
            setattr(found, name, True)
        elif name in ("server_max_window_bits", "client_max_window_bits"):
            if quoted and not _WINDOW_BITS.fullmatch(value):
                return None
            setattr(found, name, int(value) if quoted else 15)
            setattr(found, name.replace("max_window_bits", "bits_without_value"), not quoted)
        else:
            return None
    return found
