"""Captures made in code: packets of every kind of link, and the files that hold them."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

CLIENT, SERVER = "client", "server"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
START = 1_700_000_000_000_000_000  # nanoseconds; the first packet's time
STEP = 1_000_000  # between two packets

ETHERNET, NULL, RAW, LOOP, SLL, IPV4_ONLY, IPV6_ONLY, SLL2 = 1, 0, 101, 108, 113, 228, 229, 276
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


# ---- packets -------------------------------------------------------------------------------------


def tcp(
    ports: tuple[int, int], seq: int, flags: int, payload: bytes, options: bytes = b""
) -> bytes:
    words = 5 + len(options) // 4
    return (
        struct.pack(
            "!HHIIBBHHH", *ports, seq % 2**32, 0, words << 4, flags, 65535, 0, 0
        )
        + options + payload
    )  # fmt: skip


def ipv4(  # noqa: PLR0913
    source: str, target: str, data: bytes, *, protocol: int = 6, fragment: int = 0x4000,
    total: int | None = None, options: bytes = b""
) -> bytes:  # fmt: skip
    size = 20 + len(options) + len(data) if total is None else total
    return (
        struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, size, 0, fragment, 64, protocol, 0)
        + socket.inet_pton(socket.AF_INET, source) + socket.inet_pton(socket.AF_INET, target)
        + options + data
    )  # fmt: skip


def ipv6(source: str, target: str, data: bytes, *, following: int = 6) -> bytes:
    return (
        struct.pack("!IHBB", 6 << 28, len(data), following, 64)
        + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
        + data
    )  # fmt: skip


def on_link(link: int, packet: bytes, vlans: int = 0) -> bytes:
    """An IP packet with the header of a link layer before it, and padding after it."""
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    tags = b"".join(struct.pack("!HH", 0x8100, 7) for _ in range(vlans))
    if link == ETHERNET:
        return (bytes(12) + tags + struct.pack("!H", kind) + packet).ljust(60, b"\0")
    if link == NULL:
        return struct.pack("<I", 2 if kind == 0x0800 else 30) + packet
    if link == LOOP:
        return struct.pack("!I", 2 if kind == 0x0800 else 24) + packet
    if link == SLL:
        return bytes(14) + struct.pack("!H", kind) + packet
    if link == SLL2:
        return struct.pack("!H", kind) + bytes(18) + packet
    return packet


# ---- files ---------------------------------------------------------------------------------------


def pcap(packets: list[tuple[int, bytes]], link: int = ETHERNET, *, order: str = "<",
         nano: bool = False, snap: int = 262144) -> bytes:  # fmt: skip
    """packets: time in nanoseconds, and bytes."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = [struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, snap, link)]
    for time, data in packets:
        seconds, rest = divmod(time, 10**9)
        fraction = rest if nano else rest // 1000
        kept = data[:snap]
        out.append(struct.pack(f"{order}IIII", seconds, fraction, len(kept), len(data)) + kept)
    return b"".join(out)


def block(order: str, kind: int, body: bytes) -> bytes:
    body = body.ljust((len(body) + 3) // 4 * 4, b"\0")
    size = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))


def option(order: str, code: int, value: bytes) -> bytes:
    padded = value.ljust((len(value) + 3) // 4 * 4, b"\0")
    return struct.pack(f"{order}HH", code, len(value)) + padded


def interface(link: int, order: str = "<", *options: tuple[int, bytes], snap: int = 0) -> bytes:
    body = struct.pack(f"{order}HHI", link, 0, snap)
    body += b"".join(option(order, code, value) for code, value in options)
    return block(order, 1, body)


def enhanced(time: int, data: bytes, number: int = 0, order: str = "<") -> bytes:
    """time: in the units of the interface, microseconds unless it says otherwise."""
    head = struct.pack(f"{order}IIIII", number, time >> 32, time & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data.ljust((len(data) + 3) // 4 * 4, b"\0"))


def pcapng(packets: list[tuple[int, bytes]], link: int = ETHERNET, order: str = "<") -> bytes:
    return section(order) + interface(link, order) + b"".join(
        enhanced(time // 1000, data, 0, order) for time, data in packets
    )  # fmt: skip


# ---- a connection --------------------------------------------------------------------------------


def request(path: str = "/chat", *headers: str, key: str = KEY) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1", "Host: example.org", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def accept(key: str = KEY) -> str:
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def response(*headers: str, key: str = KEY) -> bytes:
    lines = [
        "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept(key)}", *headers, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


@dataclass
class Tcp:
    """Makes the packets of one TCP connection. Sequence numbers begin near their end, so that
    they wrap."""

    link: int = ETHERNET
    client: tuple[str, int] = ("192.0.2.1", 50000)
    server: tuple[str, int] = ("192.0.2.2", 80)
    vlans: int = 0
    start: int = START
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    seq: dict[str, int] = field(
        default_factory=lambda: {CLIENT: 2**32 - 100, SERVER: 2**32 - 50}
    )  # fmt: skip

    def packet(self, sender: str, seq: int, flags: int, payload: bytes = b"") -> bytes:
        source, target = self.client, self.server
        if sender == SERVER:
            source, target = target, source
        segment = tcp((source[1], target[1]), seq, flags, payload)
        ip = ipv6 if ":" in source[0] else ipv4
        return on_link(self.link, ip(source[0], target[0], segment), self.vlans)

    def add(self, sender: str, seq: int, flags: int, payload: bytes = b"") -> Tcp:
        """A packet with any sequence number."""
        time = self.start + len(self.packets) * STEP
        self.packets.append((time, self.packet(sender, seq, flags, payload)))
        return self

    def open(self) -> Tcp:
        self.add(CLIENT, self.seq[CLIENT], SYN)
        self.add(SERVER, self.seq[SERVER], SYN | ACK)
        self.seq = {sender: seq + 1 for sender, seq in self.seq.items()}
        return self.add(CLIENT, self.seq[CLIENT], ACK)

    def send(self, sender: str, *payloads: bytes) -> Tcp:
        """The next segments of one end."""
        for payload in payloads:
            self.add(sender, self.seq[sender], PSH | ACK, payload)
            self.seq[sender] += len(payload)
        return self

    def handshake(self, *headers: str, path: str = "/chat", offer: tuple[str, ...] = ()) -> Tcp:
        """headers: of the response; offer: of the request."""
        return self.open().send(CLIENT, request(path, *offer)).send(SERVER, response(*headers))

    def close(self) -> Tcp:
        for sender in (CLIENT, SERVER):
            self.add(sender, self.seq[sender], FIN | ACK)
            self.seq[sender] += 1
        return self

    def pcap(self) -> bytes:
        return pcap(self.packets, self.link)


def write(folder: Path, data: bytes, name: str = "capture") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
