"""From a packet to the TCP segment in it: link layer, IPv4 or IPv6 with extension headers, TCP.

Every length is checked against what was captured; none is trusted.
"""

from __future__ import annotations

import socket
import struct

FIN, SYN, RST, ACK = 1, 2, 4, 16

_U32 = struct.Struct("!I").unpack_from
_USUAL = struct.Struct("!12xHBxHxxHxBxx8s4sI4xBB").unpack_from
_U16 = struct.Struct("!H").unpack_from

# Link types (https://www.tcpdump.org/linktypes.html).
NULL, ETHERNET, LOOP, LINUX_SLL, LINUX_SLL2 = 0, 1, 108, 113, 276
RAW_IP = frozenset({12, 14, 101, 228, 229})  # 12 and 14: LINKTYPE_RAW as some systems number it

IPV4, IPV6 = 0x0800, 0x86DD
VLAN = frozenset({0x8100, 0x88A8, 0x9100})
TCP = 6
# IPv6 (RFC 8200, 4): headers that say their length in units of 8 bytes, without the first 8.
EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
FRAGMENT, AUTHENTICATION = 44, 51


class NotTcpError(Exception):
    """There is no TCP segment; the text says what there is instead."""


# A TCP segment, a tuple as there is one for each packet: its key (addresses and ports as in the
# packet: who sends comes first), sequence number and flags, where its payload begins and ends in
# the packet's data, and how many bytes of the payload were not captured.
Segment = tuple[bytes, int, int, int, int, int]


def segment(link: int, data: bytes, start: int, end: int) -> Segment:
    """The TCP segment in `data[start:end]`. NotTcpError if there is none."""
    if link == ETHERNET and end - start >= 54:
        # The usual case first, in one step: Ethernet, IPv4 without options, TCP, all of it there.
        kind, version, total, fragment, protocol, addresses, ports, sequence, words, flags = _USUAL(
            data, start
        )
        position = start + 14
        if kind == IPV4 and version == 0x45 and protocol == TCP and not fragment & 0x3FFF:
            payload = start + 34 + (words >> 4) * 4
            ip_end = position + total
            if start + 54 <= payload <= ip_end <= end:
                return addresses + ports, sequence, flags, payload, ip_end, 0
    kind, position = _network(link, data, start, end)
    while kind in VLAN:
        kind, position = _type_at(data, position + 2, end), position + 4
    if position >= end:
        raise NotTcpError("cut or malformed")
    if kind == 0:  # the link layer names no protocol, or one by a number that each system chooses
        kind = {4: IPV4, 6: IPV6}.get(data[position] >> 4, 0)
    if kind == IPV4:
        return _ipv4(data, position, end)
    if kind == IPV6:
        return _ipv6(data, position, end)
    raise NotTcpError("neither IPv4 nor IPv6")


def _network(link: int, data: bytes, start: int, end: int) -> tuple[int, int]:
    """The EtherType after the link layer's header, 0 if there is none, and where that ends."""
    if link == ETHERNET:
        return _type_at(data, start + 12, end), start + 14
    if link in (NULL, LOOP):
        return 0, start + 4
    if link in RAW_IP:
        return 0, start
    if link == LINUX_SLL:
        return _type_at(data, start + 14, end), start + 16
    if link == LINUX_SLL2:
        return _type_at(data, start, end), start + 20
    raise NotTcpError(f"link type {link}, which is not supported")


def _type_at(data: bytes, position: int, end: int) -> int:
    if position + 2 > end:
        raise NotTcpError("cut or malformed")
    number: int = _U16(data, position)[0]
    return number


def _ipv4(data: bytes, start: int, end: int) -> Segment:
    if start + 20 > end or data[start] >> 4 != 4:
        raise NotTcpError("cut or malformed")
    header = (data[start] & 0xF) * 4
    if header < 20 or start + header > end:
        raise NotTcpError("cut or malformed")
    if data[start + 9] != TCP:
        raise NotTcpError("not TCP")
    if _U16(data, start + 6)[0] & 0x3FFF:  # more fragments, or an offset
        raise NotTcpError("an IP fragment")
    # 0 where the network card cuts a large packet (TCP segmentation offload).
    total = _U16(data, start + 2)[0] or end - start
    return _tcp(data, data[start + 12 : start + 20], start + header, start + total, end)


def _ipv6(data: bytes, start: int, end: int) -> Segment:
    if start + 40 > end or data[start] >> 4 != 6:
        raise NotTcpError("cut or malformed")
    total = _U16(data, start + 4)[0] or end - start - 40  # 0 for a jumbogram or offload
    addresses = data[start + 8 : start + 40]
    following, position = data[start + 6], start + 40
    while following != TCP:
        if position + 8 > end:
            raise NotTcpError("cut or malformed" if following in EXTENSIONS else "not TCP")
        if following in EXTENSIONS:
            size = (data[position + 1] + 1) * 8
        elif following == AUTHENTICATION:
            size = (data[position + 1] + 2) * 4
        elif following == FRAGMENT:
            if _U16(data, position + 2)[0] & 0xFFF9:
                raise NotTcpError("an IP fragment")
            size = 8  # the only one: an atomic fragment (RFC 6946)
        else:
            raise NotTcpError("not TCP")
        following = data[position]
        position += size
    return _tcp(data, addresses, position, start + 40 + total, end)


def _tcp(data: bytes, addresses: bytes, start: int, ip_end: int, end: int) -> Segment:
    """ip_end: of the IP packet, by its own header; end: of what was captured, with the padding of
    the link layer."""
    if start + 20 > min(ip_end, end):
        raise NotTcpError("cut or malformed")
    header = (data[start + 12] >> 4) * 4
    payload = start + header
    if header < 20 or payload > ip_end:
        raise NotTcpError("cut or malformed")
    sequence = _U32(data, start + 4)[0]
    key = addresses + data[start : start + 4]
    if ip_end <= end:
        return key, sequence, data[start + 13], payload, ip_end, 0
    if payload > end:  # options of TCP that were not captured
        return key, sequence, data[start + 13], end, end, ip_end - payload
    return key, sequence, data[start + 13], payload, end, ip_end - end


def reverse(key: bytes) -> bytes:
    """The key of the other direction."""
    half = (len(key) - 4) // 2
    return key[half : 2 * half] + key[:half] + key[-2:] + key[-4:-2]


def peers(key: bytes) -> tuple[str, str]:
    """Sender and receiver, each as ADDRESS:PORT."""
    half = (len(key) - 4) // 2
    ports = struct.unpack("!HH", key[-4:])
    found = []
    for raw, port in zip((key[:half], key[half : 2 * half]), ports):
        if half == 4:
            found.append(f"{socket.inet_ntop(socket.AF_INET, raw)}:{port}")
        else:
            found.append(f"[{socket.inet_ntop(socket.AF_INET6, raw)}]:{port}")
    return found[0], found[1]
