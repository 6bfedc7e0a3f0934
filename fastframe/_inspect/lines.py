"""What a person reads: one line for each message, coloured on a terminal and cut at its width."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

from fastframe._inspect.escapes import beginning, plural, shown
from fastframe._inspect.events import (
    CLIENT,
    SERVER,
    Broken,
    Connection,
    Ended,
    Message,
    Note,
    Opened,
    Summary,
    Totals,
)
from fastframe._types import CloseCode

COLOURS = {
    name: Style.parse(style)
    for name, style in {
        "": "", "dim": "dim", "bold": "bold", CLIENT: "green", SERVER: "blue", "label": "cyan",
        "broken": "bold red", "note": "yellow", "control": "magenta",
    }.items()
}  # fmt: skip
IN_A_PIPE = 120  # characters of a payload, where no width limits it
Part = tuple[str, str]
"""A style of COLOURS, and a text without control characters."""


def seconds(time: int | None, start: int | None) -> str:
    """A time since `start`, both in nanoseconds."""
    return "" if time is None or start is None else f"{(time - start) / 1e9:.6f}"


def size(number: int) -> str:
    return f"{number:,} B"


def ratio(totals: Totals) -> str:
    """Of what was sent to what it was inflated to, which is not 0."""
    return f"{totals.wire_bytes / totals.payload_bytes:.1%}"


class Lines:
    """Prints to a console. Whatever comes from a peer is escaped.

    preview: how many characters of each payload; None for what fits.
    """

    def __init__(self, console: Console, *, frames: bool, preview: int | None) -> None:
        self._console = console
        self._frames = frames
        self._width = console.width if console.is_terminal else None
        self._preview = preview or self._width or IN_A_PIPE
        system = console.color_system
        self._colours = (
            {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT,
             "truecolor": ColorSystem.TRUECOLOR, "windows": ColorSystem.WINDOWS}[system]
            if system is not None and not console.no_color and not console.legacy_windows else None
        )  # fmt: skip
        utf8 = (console.encoding or "").lower().startswith("utf")
        self._arrows = {CLIENT: "→", SERVER: "←"} if utf8 else {CLIENT: "->", SERVER: "<-"}
        self._more = "…" if utf8 else "..."
        self._start: int | None = None
        self._headed = False

    def line(self, parts: list[Part]) -> None:
        """Prints the parts as one line. rich's own rendering would take ten times as long."""
        room = self._width
        out = []
        for style, text in parts:
            if room is not None:
                wide = cell_len(text)
                if wide > room:
                    text = set_cell_size(text, max(room - 1, 0)) + self._more[:1]  # noqa: PLW2901
                    wide = room
                room -= wide
            if self._colours is None or not style:
                out.append(text)
            else:
                out.append(COLOURS[style].render(text, color_system=self._colours))
            if room == 0:
                break
        self._console.file.write("".join(out) + "\n")

    def heading(self, path: str) -> None:
        """Before a file, if there are several."""
        self.line([("bold", shown(path))])
        self._start, self._headed = None, False

    # ---- connections -----------------------------------------------------------------------------

    def opened(self, event: Opened) -> None:
        connection = event.connection
        if self._start is None:
            self._start = connection.opened
        peers = self._peers(connection)
        where = f"ws://{connection.host}{connection.path}" if connection.path else ""
        self.line(
            [("bold", f"#{connection.number} "), ("bold", shown(peers)), ("", "  "),
             ("", shown(where))]
        )  # fmt: skip
        facts = []
        if connection.status not in (None, 101):
            facts.append(f"refused with HTTP status {connection.status}")
        elif not connection.handshake:
            facts.append("no handshake in the capture")
        if connection.subprotocol:
            facts.append(f"subprotocol {connection.subprotocol}")
        if connection.status == 101 or connection.deflate:
            facts.append(connection.deflate or "no extensions")
        self.line([("dim", "   " + shown(", ".join(facts)))])

    def _peers(self, connection: Connection) -> str:
        if not connection.client:
            return "a stream of one direction"
        return f"{connection.client} {self._arrows[CLIENT]} {connection.server}"

    def ended(self, event: Ended) -> None:
        connection = event.connection
        if connection.status not in (None, 101):
            return
        parts: list[Part] = [("bold", f"#{connection.number} ")]
        if connection.closed_by:
            totals = connection.sent[connection.closed_by]
            assert totals.close is not None
            parts.append(("", f"closed by the {connection.closed_by}: {close_text(totals.close)}"))
            answer = connection.sent[SERVER if connection.closed_by == CLIENT else CLIENT].close
            if answer is not None and answer != totals.close:
                parts.append(("", f", answered with {close_text(answer)}"))
        else:
            parts.append(("", "ended without a Close frame"))
        if connection.opened is not None and connection.last is not None:
            parts.append(("", f" after {(connection.last - connection.opened) / 1e9:.3f} s"))
        self.line(parts)
        for sender in (CLIENT, SERVER):
            totals = connection.sent[sender]
            facts = [plural(totals.messages, "message"), size(totals.payload_bytes)]
            if connection.deflate and totals.payload_bytes:
                facts.append(f"{size(totals.wire_bytes)} on the wire ({ratio(totals)})")
            for count, word in (
                (totals.retransmissions, "retransmission"), (totals.reordered, "reordered segment"),
                (totals.gaps, "gap"),
            ):  # fmt: skip
                if count:
                    facts.append(plural(count, word))
            if connection.client or totals.bytes:
                self.line([(sender, f"   {self._arrows[sender]} "), ("", ", ".join(facts))])

    # ---- messages --------------------------------------------------------------------------------

    def message(self, message: Message) -> None:
        if not self._headed:
            self._headed = True
            flags = "  fin rsv mask" if self._frames else ""
            self.line(
                [("dim", f"{'seconds':>11}  {'':<7}opcode      {flags} {'size':>11}"
                         f" {'deflated':>10}  payload")]
            )  # fmt: skip
        number = f"#{message.connection.number} {self._arrows[message.sender]}"
        parts: list[Part] = [
            ("dim", f"{seconds(message.time, self._start):>11}  "),
            (message.sender, f"{number:<7}"),
            ("control" if message.opcode >= 8 else "", f"{message.opcode.name.lower():<12}"),
        ]
        if self._frames:
            fin, masked = "fin" if message.fin else "-", "mask" if message.masked else "-"
            parts.append(("dim", f"  {fin:<3} {message.rsv:^3} {masked:<4}"))
        length = "" if message.length is None else size(message.length)
        deflated = size(message.wire_length) if message.compressed or not length else ""
        parts.append(("", f" {length:>11} {deflated:>10}  "))
        if message.label:
            parts.append(("label", f"[{shown(message.label)}] "))
        if message.frames > 1:
            parts.append(("dim", f"[{message.frames} frames] "))
        if message.close is not None:
            parts.append(("", close_text(message.close)))
        else:
            text, more = beginning(
                message.payload, is_text=message.is_text, characters=self._preview
            )
            parts.append(("" if message.is_text else "dim", shown(text)))
            if more or message.truncated:
                parts.append(("dim", self._more))
        self.line(parts)

    # ---- what is wrong ---------------------------------------------------------------------------

    def note(self, note: Note) -> None:
        number = f"#{note.connection.number} " if note.connection is not None else ""
        arrow = f"{self._arrows[note.sender]} " if note.sender else ""
        self.line([("note", f"{number}{arrow}note: {shown(note.text)}")])

    def broken(self, broken: Broken) -> None:
        number = f"#{broken.connection.number} {self._arrows[broken.sender]}"
        reason = shown(broken.reason)
        if broken.section not in reason:
            reason += f" ({broken.section})"
        self.line([("broken", f"{number} broken rule: {reason}")])
        place = "" if broken.file_offset is None else f", offset {broken.file_offset} of the file"
        self.line(
            [("broken", f"   at offset {broken.offset} of what the {broken.sender} sent{place}; "
                        f"a strict peer closes with {code_text(broken.code)}")]
        )  # fmt: skip
        if broken.around:
            before = broken.around[: broken.before].hex(" ")
            after = broken.around[broken.before :].hex(" ")
            self.line([("dim", f"   {before} "), ("broken", "| "), ("", after)])

    def summary(self, summary: Summary, messages: int, rules: int) -> None:
        where = f"{summary.packets:,} packets, " if summary.kind != "stream" else ""
        parts = [
            plural(summary.websockets, "WebSocket connection"), plural(messages, "message"),
            plural(rules, "broken rule"),
        ]  # fmt: skip
        others = ", ".join(
            f"{count} {word}" for count, word in ((summary.tls, "TLS"), (summary.other, "other"))
            if count
        )  # fmt: skip
        also = f"; not read: {others}" if others else ""
        self.line(
            [("broken" if rules else "dim",
              f"{', '.join(parts)} in {where}{size(summary.bytes)}{also}")]
        )  # fmt: skip


def code_text(code: int) -> str:
    """A status code and its name (RFC 6455, 7.4.1)."""
    try:
        return f"{code} ({CloseCode(code).name.lower().replace('_', ' ')})"
    except ValueError:
        return str(code)


def close_text(close: tuple[int, str]) -> str:
    code, reason = close
    return code_text(code) + (f' "{shown(reason)}"' if reason else "")
