"""What takes the place of autobahn's functions and methods, with the same results and errors, as
everything unusual goes to its own.

In: the buffer and the state of a connection stay autobahn's. What is replaced is how the next bytes
are processed: a message that is one whole frame, and in the buffer, is taken out of it, and goes
where autobahn's own methods would have passed it. Those find anything else in the buffer as it was:
a fragment, a frame that is cut, a control frame, a broken rule.

Out: the frame of a message is made, and given to the transport.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from fastframe._codec.whole_frames import frame_in, message_frame
from fastframe._codec.wsaccel import XorMasker
from fastframe._targets.paths import Follows

BINARY = 2
ANY_SIZE = sys.maxsize
UNMASKED = b"\0\0\0\0"

Method = Callable[..., Any]


def creating_masker(original: Callable[..., Any]) -> Callable[..., Any]:
    """`create_xor_masker`."""

    def create_xor_masker(mask: Any, length: int | None = None) -> Any:
        if type(mask) is bytes and len(mask) == 4:
            return XorMasker(mask)
        return original(mask, length)

    return create_xor_masker


def processing(follows: Follows, original: Method) -> Method:
    """`WebSocketProtocol.processData`. follows: whether a connection may."""
    from autobahn.websocket.protocol import WebSocketProtocol

    state_open = WebSocketProtocol.STATE_OPEN

    @functools.wraps(original)
    def processData(self: Any) -> Any:  # noqa: N802 (autobahn's name)
        data = self.data
        if (
            self.current_frame is not None
            or self.inside_message
            or self.state != state_open
            or self.failedByMe
            or self.logFrames
            or self.trackedTimings
            or type(data) is not bytes
            or not data
            or not (tally := follows(self))
        ):
            return original(self)
        found = frame_in(
            data, self.factory.isServer, largest(self), self.utf8validateIncoming, tally
        )
        if found is None or not self.applyMask:
            return original(self)
        opcode, payload, size = found
        self.data = data[size:]
        receive(self, opcode, payload)
        return len(self.data) > 0

    return processData


def largest(self: Any) -> int:
    """That a message of one frame may be."""
    message: int = self.maxMessagePayloadSize
    frame: int = self.maxFramePayloadSize
    if message <= 0:
        return frame if frame > 0 else ANY_SIZE
    return min(message, frame) if frame > 0 else message


def receive(self: Any, opcode: int, payload: bytes) -> None:
    """What autobahn does from onFrameBegin to onFrameEnd."""
    size, is_binary, traffic = len(payload), opcode == BINARY, self.trafficStats
    self.message_is_binary = is_binary
    self.message_data_total_length = self.frame_length = size
    self._isMessageCompressed = False
    self.utf8validateIncomingCurrentMessage = validated = bool(
        not is_binary and self.utf8validateIncoming
    )
    if validated:
        self.utf8validateLast = (True, True, size, size)
    traffic.incomingOctetsWebSocketLevel += size
    traffic.incomingOctetsAppLevel += size
    traffic.incomingWebSocketFrames += 1
    self.frame_data = None
    if self.autoPingTimeoutCall and self.autoPingRestartOnAnyTraffic:
        self._cancelAutoPingTimeoutCall()
    traffic.incomingWebSocketMessages += 1
    self.inside_message = True
    try:
        self._onMessage(payload, is_binary)
        if self._listeners is not None:
            tell_listeners(self, payload, is_binary)
    except BaseException:
        leave_inside(self, opcode, payload)
        raise
    self.message_data = None
    self.inside_message = False


def tell_listeners(self: Any, payload: bytes, is_binary: bool) -> None:
    from autobahn.websocket import protocol as module

    protocol: Any = module

    def error(failure: Any) -> None:
        self.log.error("Firing signal 'message' failed: {fail}", fail=failure)

    protocol.txaio.add_callbacks(self.fire("message", payload, is_binary=is_binary), None, error)


def leave_inside(self: Any, opcode: int, payload: bytes) -> None:
    """Autobahn is inside the frame when the application raises, and stays there."""
    from autobahn.websocket import protocol as module

    protocol: Any = module
    masker = protocol.create_xor_masker(UNMASKED, len(payload))
    masker.process(payload)
    self.current_frame_masker = masker
    self.current_frame = protocol.FrameHeader(opcode, True, 0, len(payload), None)
    self.message_data = [payload]
    if self.utf8validateIncomingCurrentMessage:
        self.utf8validator.reset()
        self.utf8validator.validate(payload)


def sending(follows: Follows, original: Method) -> Method:
    """`WebSocketProtocol.sendMessage`."""
    from autobahn.websocket.protocol import WebSocketProtocol

    state_open = WebSocketProtocol.STATE_OPEN

    @functools.wraps(original)
    def sendMessage(  # noqa: N802 (autobahn's name)
        self: Any,
        payload: Any,
        isBinary: Any = False,  # noqa: N803
        *arguments: Any,
        **options: Any,
    ) -> Any:
        if (
            arguments
            or options
            or type(payload) is not bytes
            or type(isBinary) is not bool
            or self.state != state_open
            or self._perMessageCompress is not None
            or self.trackedTimings
            or self.logFrames
            or not self.applyMask
            or 0 < self.maxMessagePayloadSize < len(payload)
            or 0 < self.autoFragmentSize < len(payload)
            or not (tally := follows(self))
        ):
            return original(self, payload, isBinary, *arguments, **options)
        is_server = self.factory.isServer
        masked = self.maskServerFrames if is_server else self.maskClientFrames
        frame, size = message_frame(payload, not isBinary, bool(masked), tally)
        traffic = self.trafficStats
        traffic.outgoingWebSocketMessages += 1
        traffic.outgoingOctetsAppLevel += size
        traffic.outgoingOctetsWebSocketLevel += size
        traffic.outgoingWebSocketFrames += 1
        if self.send_queue or self.logOctets or not is_silent(self.log.debug):
            return self.sendData(frame)
        self.transport.write(frame)
        traffic.outgoingOctetsWireLevel += len(frame)
        return None

    return sendMessage


def is_silent(log: Any) -> bool:
    """True of what txaio has in place of a function that logs, at a level that is not wanted:
    autobahn formats what it says before it calls it."""
    return getattr(log, "__name__", None) == "_no_op"
