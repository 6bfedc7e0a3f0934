"""Each link layer, both IPs, and packets that lie."""

from __future__ import annotations

import struct

import pytest

from fastframe._inspect.packets import NotTcpError, peers, reverse, segment
from tests.inspect.captures import (
    ETHERNET,
    IPV4_ONLY,
    IPV6_ONLY,
    LOOP,
    NULL,
    RAW,
    SERVER,
    SLL,
    SLL2,
    Tcp,
    enhanced,
    interface,
    ipv4,
    ipv6,
    on_link,
    pcap,
    section,
    tcp,
)
from tests.inspect.conftest import Run
from tests.strategies import frame

LINKS = (ETHERNET, NULL, LOOP, RAW, SLL, SLL2)
PEERS4 = (("192.0.2.1", 50000), ("192.0.2.2", 80))
PEERS6 = (("2001:db8::1", 50000), ("2001:db8::2", 80))


@pytest.mark.parametrize("peers", [PEERS4, PEERS6])
@pytest.mark.parametrize("link", [*LINKS, IPV4_ONLY, IPV6_ONLY])
def test_links(run: Run, link: int, peers: tuple[tuple[str, int], tuple[str, int]]) -> None:
    made = Tcp(link, *peers).handshake().send(SERVER, frame(1, b"hello"))
    result = run(made.pcap(), "--json")
    assert (result.code, result.texts) == (0, ["hello"])
    opened = result.of("opened")[0]
    client, server = (
        ("192.0.2.1", "192.0.2.2") if peers == PEERS4 else ("[2001:db8::1]", "[2001:db8::2]")
    )
    assert (opened["client"], opened["server"]) == (f"{client}:50000", f"{server}:80")


@pytest.mark.parametrize("vlans", [1, 2])
def test_vlan(run: Run, vlans: int) -> None:
    made = Tcp(vlans=vlans).handshake().send(SERVER, frame(1, b"hello"))
    assert run(made.pcap(), "--json").texts == ["hello"]


SEGMENT = tcp((1, 2), 7, 16, b"data")


def payload(link: int, packet: bytes) -> bytes:
    _, sequence, flags, start, end, missing = segment(link, packet, 0, len(packet))
    assert (sequence, flags, missing) == (7, 16, 0)
    return packet[start:end]


HOP = bytes([43, 0]) + bytes(6)
ROUTING = bytes([60, 1]) + bytes(14)
OPTIONS = bytes([44, 0]) + bytes(6)
ATOMIC = bytes([51, 0]) + bytes(6)
AUTH = bytes([6, 4]) + bytes(22)


def test_extension_headers() -> None:
    packet = ipv6("::1", "::2", HOP + ROUTING + OPTIONS + ATOMIC + AUTH + SEGMENT, following=0)
    assert payload(RAW, packet) == b"data"


def test_ip_and_tcp_options() -> None:
    assert payload(RAW, ipv4("1.2.3.4", "1.2.3.5", SEGMENT, options=bytes(8))) == b"data"
    optional = tcp((1, 2), 7, 16, b"data", options=bytes(12))
    for link in LINKS:
        assert payload(link, on_link(link, ipv4("1.2.3.4", "1.2.3.5", optional))) == b"data"


def test_large_packets_that_the_network_card_cuts() -> None:
    assert payload(RAW, ipv4("1.2.3.4", "1.2.3.5", SEGMENT, total=0)) == b"data"
    packet = bytearray(ipv6("::1", "::2", SEGMENT))
    packet[4:6] = bytes(2)
    assert payload(RAW, bytes(packet)) == b"data"


V4 = ipv4("1.2.3.4", "1.2.3.5", SEGMENT)
V6 = ipv6("::1", "::2", SEGMENT)


@pytest.mark.parametrize(
    ("link", "packet", "text"),
    [
        (147, V4, "link type 147, which is not supported"),
        (ETHERNET, b"", "cut or malformed"),
        (ETHERNET, bytes(13), "cut or malformed"),
        (ETHERNET, bytes(12) + b"\x81\x00\x00", "cut or malformed"),
        (ETHERNET, bytes(12) + b"\x08\x06" + bytes(46), "neither IPv4 nor IPv6"),
        (RAW, b"", "cut or malformed"),
        (RAW, b"\x50" + bytes(60), "neither IPv4 nor IPv6"),
        (SLL, bytes(14), "cut or malformed"),
        (SLL, bytes(14) + b"\x08\x00\x65" + bytes(60), "cut or malformed"),
        (SLL, bytes(14) + b"\x86\xdd\x45" + bytes(60), "cut or malformed"),
        (RAW, V4[:19], "cut or malformed"),
        (RAW, b"\x44" + V4[1:], "cut or malformed"),
        (RAW, b"\x4f" + V4[1:], "cut or malformed"),
        (RAW, V4[:39], "cut or malformed"),
        (RAW, ipv4("1.2.3.4", "1.2.3.5", SEGMENT, total=30), "cut or malformed"),
        (RAW, ipv4("1.2.3.4", "1.2.3.5", bytes(40), protocol=17), "not TCP"),
        (RAW, ipv4("1.2.3.4", "1.2.3.5", SEGMENT, fragment=0x2000), "an IP fragment"),
        (RAW, ipv4("1.2.3.4", "1.2.3.5", SEGMENT, fragment=7), "an IP fragment"),
        (RAW, V4[:32] + b"\x40" + V4[33:], "cut or malformed"),
        (RAW, V4[:32] + b"\xf0" + V4[33:], "cut or malformed"),
        (RAW, V6[:39], "cut or malformed"),
        (RAW, ipv6("::1", "::2", b"", following=17), "not TCP"),
        (RAW, ipv6("::1", "::2", bytes(20), following=17), "not TCP"),
        (RAW, ipv6("::1", "::2", b"", following=0), "cut or malformed"),
        (RAW, ipv6("::1", "::2", bytes([6, 255]) + bytes(6), following=0), "cut or malformed"),
        (RAW, ipv6("::1", "::2", bytes([6, 0, 0, 1]) + bytes(20), following=44), "an IP fragment"),
    ],
)  # fmt: skip
def test_what_is_no_segment(link: int, packet: bytes, text: str) -> None:
    with pytest.raises(NotTcpError, match=text):
        segment(link, packet, 0, len(packet))


def test_what_was_not_captured() -> None:
    packet = ipv4("1.2.3.4", "1.2.3.5", tcp((1, 2), 7, 16, b"data", options=bytes(8)))
    assert segment(RAW, packet[:-3], 0, len(packet) - 3)[3:] == (48, 49, 3)
    assert segment(RAW, packet[:42], 0, 42)[3:] == (42, 42, 4)


def test_keys() -> None:
    for packet, sender, receiver in ((V4, "1.2.3.4:1", "1.2.3.5:2"), (V6, "[::1]:1", "[::2]:2")):
        key = segment(RAW, packet, 0, len(packet))[0]
        assert peers(key) == (sender, receiver)
        assert peers(reverse(key)) == (receiver, sender)
        assert reverse(reverse(key)) == key


def test_packets_that_are_skipped_are_counted(run: Run) -> None:
    made = Tcp().handshake().send(SERVER, frame(1, b"hello"))
    udp = on_link(ETHERNET, ipv4("1.2.3.4", "1.2.3.5", bytes(40), protocol=17))
    made.packets += [(0, udp), (0, udp), (0, b"")]
    summary = run(made.pcap(), "--json").of("summary")[0]
    assert summary["skipped"] == {"not TCP": 2, "cut or malformed": 1}


def test_many_kinds_of_links(run: Run) -> None:
    body = struct.pack("<IIII", 0, 0, 0, 0)
    data = section() + b"".join(interface(300 + i) for i in range(40))
    data += b"".join(enhanced(0, body, i) for i in range(40))
    skipped = run(data, "--json").of("summary")[0]["skipped"]
    assert len(skipped) == 33
    assert skipped["other"] == 8


def test_a_header_length_that_lies(run: Run) -> None:
    made = Tcp().handshake()
    time, good = made.packets[-1]
    made.packets.append((time, good[:14] + b"\x4f" + good[15:]))
    made.send(SERVER, frame(1, b"hello"))
    assert run(pcap(made.packets), "--json").texts == ["hello"]
