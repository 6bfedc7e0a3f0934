"""What programs read: JSON, one object a line, and CSV, one message a line.

docs/howto/inspect.md lists the fields; they are added to, but not changed.
"""

from __future__ import annotations

import csv
import json
from typing import Any, TextIO

from fastframe._inspect.escapes import beginning, shown
from fastframe._inspect.events import Broken, Ended, Message, Note, Opened, Summary, Totals

PREVIEW = 4096  # characters of a payload
CSV_FIELDS = (
    "file", "connection", "sender", "time", "offset", "file_offset", "opcode", "fin", "rsv",
    "masked", "frames", "wire_length", "length", "compressed", "label", "code", "text", "hex",
    "cut",
)  # fmt: skip


def at(time: int | None) -> float | None:
    """Seconds since the epoch."""
    return None if time is None else time / 1e9


def message_fields(message: Message, preview: int) -> dict[str, Any]:
    """Without the name of the file."""
    payload, cut = beginning(message.payload, is_text=message.is_text, characters=preview)
    fields: dict[str, Any] = {
        "connection": message.connection.number,
        "sender": message.sender,
        "time": at(message.time),
        "offset": message.offset,
        "file_offset": message.file_offset,
        "opcode": message.opcode.name.lower(),
        "fin": message.fin,
        "rsv": message.rsv,
        "masked": message.masked,
        "frames": message.frames,
        "wire_length": message.wire_length,
        "length": message.length,
        "compressed": message.compressed,
        "label": message.label,
    }
    if message.close is not None:
        fields["code"] = message.close[0]
    fields["text" if message.is_text else "hex"] = payload
    fields["cut"] = cut or message.truncated
    return fields


def totals_fields(totals: Totals) -> dict[str, Any]:
    code, reason = totals.close or (None, None)
    return {
        "bytes": totals.bytes,
        "frames": totals.frames,
        "messages": totals.messages,
        "payload_bytes": totals.payload_bytes,
        "wire_bytes": totals.wire_bytes,
        "retransmissions": totals.retransmissions,
        "reordered": totals.reordered,
        "gaps": totals.gaps,
        "close_code": code,
        "close_reason": reason,
    }


class JsonRecords:
    """Writes objects to `out`; all characters that are not ASCII are escaped."""

    def __init__(self, out: TextIO, *, frames: bool, preview: int | None) -> None:
        self._out = out
        self._kind = "frame" if frames else "message"
        self._preview = preview or PREVIEW
        self._file = ""

    def heading(self, path: str) -> None:
        """The file that what follows is about."""
        self._file = path

    def write(self, kind: str, fields: dict[str, Any]) -> None:
        self._out.write(json.dumps({"type": kind, "file": self._file, **fields}) + "\n")

    def opened(self, event: Opened) -> None:
        connection = event.connection
        self.write(
            "opened",
            {
                "connection": connection.number,
                "time": at(connection.opened),
                "client": connection.client,
                "server": connection.server,
                "host": connection.host,
                "path": connection.path,
                "subprotocol": connection.subprotocol,
                "extensions": connection.deflate,
                "handshake": connection.handshake,
                "status": connection.status,
            },
        )

    def message(self, message: Message) -> None:
        self.write(self._kind, message_fields(message, self._preview))

    def note(self, note: Note) -> None:
        self.write(
            "note",
            {
                "connection": None if note.connection is None else note.connection.number,
                "sender": note.sender,
                "time": at(note.time),
                "offset": note.offset,
                "file_offset": note.file_offset,
                "kind": note.kind,
                "text": note.text,
                "incomplete": note.incomplete,
            },
        )

    def broken(self, broken: Broken) -> None:
        self.write(
            "broken",
            {
                "connection": broken.connection.number,
                "sender": broken.sender,
                "time": at(broken.time),
                "offset": broken.offset,
                "file_offset": broken.file_offset,
                "rule": broken.rule,
                "section": broken.section,
                "reason": broken.reason,
                "code": broken.code,
                "around": broken.around.hex(),
                "before": broken.before,
            },
        )

    def ended(self, event: Ended) -> None:
        connection = event.connection
        self.write(
            "ended",
            {
                "connection": connection.number,
                "time": at(connection.last),
                "closed_by": connection.closed_by,
                **{sender: totals_fields(connection.sent[sender]) for sender in connection.sent},
            },
        )

    def summary(self, summary: Summary, messages: int, rules: int) -> None:
        self.write(
            "summary",
            {
                "kind": summary.kind,
                "bytes": summary.bytes,
                "packets": summary.packets,
                "tcp_connections": summary.tcp_connections,
                "websockets": summary.websockets,
                "tls": summary.tls,
                "other": summary.other,
                "skipped": summary.skipped,
                "messages": messages,
                "broken": rules,
            },
        )


class CsvRecords:
    """Writes messages to `out`, and the names of the fields before the first."""

    def __init__(self, out: TextIO, *, preview: int | None) -> None:
        self._writer = csv.DictWriter(out, CSV_FIELDS, restval="", lineterminator="\n")
        self._writer.writeheader()
        self._preview = preview or PREVIEW
        self._file = ""

    def heading(self, path: str) -> None:
        """The file that what follows is about."""
        self._file = path

    def message(self, message: Message) -> None:
        fields = message_fields(message, self._preview)
        for name in ("text", "label"):
            if name in fields:
                fields[name] = shown(fields[name])
        self._writer.writerow({"file": shown(self._file), **fields})
