"""The target "wsproto".

What changes: the global `wsproto.connection.FrameProtocol`, which is read for each new Connection;
three methods of `wsproto.connection.Connection`, in place; and how CPython calls four classes of
events, whose `__init__` stays. The classes themselves stay, as others hold them by value and
subclass them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastframe._targets.options import OPTIONS, Options
from fastframe._targets.replaced import Replaced
from fastframe._targets.target import Target, refuse_another_import
from fastframe.wsproto._version import installed_version, note_on_version
from fastframe.wsproto.digests import VERSIONS
from fastframe.wsproto.negotiation import negotiating

if TYPE_CHECKING:
    from fastframe.wsproto._events import EventClass

METHODS = ("receive_data", "events", "send")

_log = logging.getLogger("fastframe")


class WsprotoTarget:
    description = "wsproto {}"
    how_to_activate = (
        'start the program with "fastframe run", or call fastframe.install("wsproto") in it'
    )
    supported_versions: tuple[str, ...] = VERSIONS
    distribution = "wsproto"
    relied_on: tuple[str, ...] = (
        "connection:Connection", "connection:ConnectionState", "connection:ConnectionType",
        "events:Event", "events:Message", "events:TextMessage",
        "events:BytesMessage", "events:Ping", "events:Pong", "events:CloseConnection",
        "extensions:Extension", "extensions:PerMessageDeflate",
        "frame_protocol:Buffer", "frame_protocol:MessageDecoder", "frame_protocol:FrameDecoder",
        "frame_protocol:FrameProtocol",
        "frame_protocol:XorMaskerSimple", "frame_protocol:XorMaskerNull", "frame_protocol:Frame",
        "frame_protocol:Header",
        "frame_protocol:RsvBits", "frame_protocol:Opcode", "frame_protocol:CloseReason",
        "frame_protocol:ParseFailed",
    )  # fmt: skip
    options: frozenset[str] = frozenset(OPTIONS)
    makes_unneeded: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self._replaced = Replaced("wsproto")
        self._negotiation = Replaced("wsproto")  # of PerMessageDeflate, for the option `deflate`
        self._hooked: list[EventClass] = []

    def installed_version(self) -> str:
        return installed_version()

    def check(self, *, untested: bool = False) -> str | None:
        """Also ImportError if other code has patched wsproto already."""
        note = note_on_version(untested=untested)
        from wsproto import connection, frame_protocol

        from fastframe.wsproto._names import event_classes, held

        refuse_another_import("wsproto", held())
        if self._replaced:
            return note
        changed = [
            name
            for name in METHODS
            if getattr(connection.Connection, name).__module__ != connection.__name__
        ]
        if vars(connection)["FrameProtocol"] is not frame_protocol.FrameProtocol:
            changed.append("FrameProtocol")
        if changed:
            raise ImportError(
                f"wsproto.connection has been patched by other code already: {', '.join(changed)}"
            )

        changed = [
            event_class.type.__name__
            for event_class in event_classes()
            if not event_class.is_unchanged()
        ]
        if changed:
            raise ImportError(
                f"wsproto.events has been patched by other code already: {', '.join(changed)}"
            )
        return note

    def observe(self) -> list[object]:
        from fastframe.wsproto.observations import observe

        return observe()

    def load(self) -> None:
        pass

    def activate(self) -> None:
        from wsproto import connection

        from fastframe.wsproto._connection import connection_methods
        from fastframe.wsproto._names import event_classes
        from fastframe.wsproto.drop_in import FrameProtocol

        # First, as a connection on fastframe makes its events of them, in another thread at once.
        for event_class in event_classes():
            self._hooked.append(event_class)  # before it is hooked: what fails can be undone
            event_class.hook()
        originals = [vars(connection.Connection)[name] for name in METHODS]
        for name, method in zip(METHODS, connection_methods(*originals)):
            self._replaced.replace(connection.Connection, name, method)
        self._replaced.replace(connection, "FrameProtocol", FrameProtocol)

    def configure(self, options: Options) -> None:
        from wsproto.extensions import PerMessageDeflate

        from fastframe.wsproto._names import set_options

        set_options(
            options.max_message_size,
            options.max_fragments,
            options.deflate or None,
            options.fix_interleaved_control,
        )
        self._negotiation.put_back()
        if options.deflate is False:
            self._negotiation.replace(PerMessageDeflate, "offer", lambda self: False)
            self._negotiation.replace(PerMessageDeflate, "accept", lambda self, offer: None)
        elif options.deflate is not None:
            for name, replacement in negotiating(options.deflate).items():
                original = vars(PerMessageDeflate)[name]
                self._negotiation.replace(PerMessageDeflate, name, replacement(original))

    def deactivate(self) -> None:
        self._replaced.put_back()
        while self._hooked:
            event_class = self._hooked.pop()
            if not event_class.unhook():
                name = event_class.type.__name__
                _log.warning(
                    "wsproto: %s.__init__ was replaced by other code after fastframe, and is left "
                    "as it is",
                    name,
                )

    def in_use(self) -> bool:
        return False


TARGET: Target = WsprotoTarget()
