"""What wsproto's PerMessageDeflate agrees on under `install("wsproto", deflate=...)`: what
`Deflate` itself would.

By itself wsproto agrees on what the last of several offers says, and takes a window for granted
that it has not asked for; so a peer that uses all it may would not be understood with the smaller
windows of the settings.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastframe.deflate import EXTENSION, Deflate, NegotiationError

Method = Callable[..., Any]

SMALLEST_WINDOW_BITS = 9
"""That wsproto knows. It also reads what a peer compresses with 8."""


def negotiating(settings: Deflate) -> dict[str, Callable[[Method], Method]]:
    """The methods of PerMessageDeflate to replace, by name, and for each what makes the replacement
    of the original."""

    def starting(original: Method) -> Method:
        @functools.wraps(original)
        def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807
            original(self, *arguments, **named)
            wanted = with_own(self)
            self.server_no_context_takeover = wanted.server_no_context_takeover
            self.client_no_context_takeover = wanted.client_no_context_takeover
            self.server_max_window_bits = wanted.server_max_window_bits
            self.client_max_window_bits = wanted.client_max_window_bits

        return __init__

    def with_own(extension: Any) -> Deflate:
        """The settings, as far as what the program has given to `extension` is not stricter."""
        return replace(
            settings,
            server_no_context_takeover=settings.server_no_context_takeover
            or bool(extension.server_no_context_takeover),
            client_no_context_takeover=settings.client_no_context_takeover
            or bool(extension.client_no_context_takeover),
            server_max_window_bits=min(
                settings.server_max_window_bits, extension.server_max_window_bits
            ),
            client_max_window_bits=min(
                settings.client_max_window_bits, extension.client_max_window_bits
            ),
        )

    def accepting(original: Method) -> Method:
        @functools.wraps(original)
        def accept(self: Any, offer: str) -> str | None:
            """A server's: the first offer that can be accepted. wsproto calls it for each."""
            if self._enabled:
                return None
            try:
                agreement = with_own(self).accept(offer)
            except NegotiationError:
                return None  # wsproto takes no notice of a malformed header
            if agreement is None:
                return None
            self.server_no_context_takeover = agreement.server_no_context_takeover
            self.client_no_context_takeover = agreement.client_no_context_takeover
            self.server_max_window_bits = agreement.server_max_window_bits
            self.client_max_window_bits = max(
                SMALLEST_WINDOW_BITS, agreement.client_max_window_bits
            )
            self._enabled = True
            return agreement.response()[len(EXTENSION) :].removeprefix("; ")

        return accept

    def finalizing(original: Method) -> Method:
        @functools.wraps(original)
        def finalize(self: Any, offer: str) -> None:
            """A client's: what the server has not agreed to is not so, whatever was offered."""
            original(self, offer)
            agreed = {parameter.partition("=")[0].strip() for parameter in offer.split(";")[1:]}
            if "server_max_window_bits" not in agreed:
                self.server_max_window_bits = self.DEFAULT_SERVER_MAX_WINDOW_BITS
            if "server_no_context_takeover" not in agreed:
                self.server_no_context_takeover = False

        return finalize

    return {"__init__": starting, "accept": accepting, "finalize": finalizing}
