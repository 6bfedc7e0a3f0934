"""The target "websocket-client", a client that selenium, kubernetes, docker, slack and
python-socketio use.

What changes: `websocket._utils._validate_utf8`, `websocket._abnf._mask` and `ABNF.mask`; and
`websocket._core.handshake`, to count connections.
"""

from __future__ import annotations

from fastframe._targets.library import Library, Replacement
from fastframe._targets.target import Target
from fastframe.websocket_client.functions import masking, masking_arrays, validating


class WebsocketClientTarget(Library):
    name = distribution = "websocket-client"
    relied_on: tuple[str, ...] = (
        "_utils:_validate_utf8", "_utils:validate_utf8", "_abnf:_mask", "_abnf:ABNF.mask",
        "_abnf:ABNF._get_masked",
        "_abnf:frame_buffer.recv_frame", "_handshake:handshake", "_core:WebSocket.connect",
    )  # fmt: skip
    how_to_activate = (
        'start the program with "fastframe run", or '
        'call fastframe.install("websocket-client") in it'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        return (
            Replacement("websocket._utils", "_validate_utf8", validating),
            Replacement("websocket._abnf", "_mask", masking_arrays),
            Replacement(
                "websocket._abnf:ABNF",
                "mask",
                lambda original: staticmethod(masking(original.__func__)),
            ),
            Replacement("websocket._core", "handshake", self.counted),
        )


TARGET: Target = WebsocketClientTarget()
