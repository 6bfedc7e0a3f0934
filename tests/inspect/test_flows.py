"""What TCP does to the bytes: retransmissions, overlaps, reordering, gaps, and connections that
come and go."""

from __future__ import annotations

import itertools

import pytest

from fastframe._inspect import flows, streams
from tests.helpers import KEY
from tests.inspect.captures import (
    ACK,
    CLIENT,
    FIN,
    PSH,
    RST,
    SERVER,
    START,
    SYN,
    Tcp,
    pcap,
    request,
    response,
)
from tests.inspect.conftest import Run
from tests.strategies import frame

HELLO, WORLD = frame(1, b"hello"), frame(1, b"world")


def opened() -> tuple[Tcp, int]:
    """A connection, and the sequence number of the server's first frame."""
    made = Tcp().handshake()
    return made, made.seq[SERVER]


def test_segments_may_be_cut_anywhere(run: Run) -> None:
    stream = HELLO + frame(2, bytes(200)) + WORLD
    expected = None
    for size in range(1, 12):
        made, _ = opened()
        made.send(SERVER, *(stream[i : i + size] for i in range(0, len(stream), size)))
        messages = run(made.pcap(), "--json").of("message")
        for message in messages:
            del message["time"], message["file_offset"]
        expected = expected or messages
        assert messages == expected


def test_every_order_of_segments(run: Run) -> None:
    stream = HELLO + WORLD
    parts = [(i, stream[i : i + 4]) for i in range(0, len(stream), 4)]
    for order in itertools.permutations(parts):
        made, seq = opened()
        for at, part in order:
            made.add(SERVER, seq + at, ACK, part)
        result = run(made.pcap(), "--json")
        assert result.texts == ["hello", "world"]
        assert result.code == 0
        in_order = list(order) == parts
        assert (result.of("ended")[0]["server"]["reordered"] == 0) is in_order


def test_retransmissions_and_overlaps(run: Run) -> None:
    made, seq = opened()
    stream = HELLO + WORLD
    made.add(SERVER, seq, ACK, stream[:5])
    made.add(SERVER, seq, ACK, stream[:5])  # once more
    made.add(SERVER, seq + 2, ACK, stream[2:9])  # with something new
    made.add(SERVER, seq + 11, ACK, stream[11:])  # too early
    made.add(SERVER, seq + 11, ACK, stream[11:])  # twice
    made.add(SERVER, seq + 4, ACK, stream[4:12])  # fills the gap, and overlaps what waits
    made.add(SERVER, seq + 13, ACK, b"\0")  # a keep-alive
    result = run(made.pcap(), "--json")
    assert (result.code, result.texts) == (0, ["hello", "world"])
    totals = result.of("ended")[0]["server"]
    assert (totals["retransmissions"], totals["reordered"], totals["gaps"]) == (5, 2, 0)
    assert result.of("note") == []


def test_a_retransmission_with_other_bytes(run: Run) -> None:
    made, seq = opened()
    made.add(SERVER, seq, ACK, HELLO)
    made.add(SERVER, seq + 2, ACK, b"HELLO")
    made.send(SERVER, HELLO)
    result = run(made.pcap(), "--json")
    assert result.texts == ["hello"]
    (note,) = result.of("note")
    assert note["kind"] == "overlap"
    assert "other bytes than what came first" in note["text"]
    assert "note: a retransmission of the server has other bytes" in run(made.pcap()).out


def test_a_gap_ends_its_direction_only(run: Run) -> None:
    made, _ = opened()
    made.send(SERVER, HELLO)
    made.seq[SERVER] += 10
    made.send(SERVER, WORLD).send(CLIENT, frame(1, b"client", key=KEY)).close()
    result = run(made.pcap(), "--json")
    assert (result.code, result.texts) == (2, ["hello", "client"])
    (note,) = result.of("note")
    assert (note["kind"], note["sender"], note["offset"]) == ("gap", "server", 7)
    assert "(10 bytes)" in note["text"]
    assert result.of("ended")[0]["server"]["gaps"] == 1
    assert "1 gap" in run(made.pcap()).out


def test_too_much_waits(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "MAX_WAITING", 2000)
    made, _ = opened()
    made.seq[SERVER] += 1
    made.send(SERVER, *[HELLO] * 10)
    result = run(made.pcap(), "--json")
    assert (result.code, result.of("note")[0]["kind"]) == (2, "gap")
    assert len(result.of("note")) == 1


def test_a_gap_in_the_handshake(run: Run) -> None:
    made = Tcp().open().send(CLIENT, request())
    made.seq[CLIENT] += 5
    made.send(CLIENT, frame(1, b"lost", key=KEY)).send(SERVER, response()).send(SERVER, HELLO)
    result = run(made.close().pcap(), "--json")
    assert result.texts == ["hello"]
    assert [note["kind"] for note in result.of("note")] == ["gap"]
    unknown = Tcp().open()
    unknown.seq[CLIENT] += 5
    unknown.send(CLIENT, b"lost")
    unknown.send(SERVER, b"HTTP/1.1 200 OK\r\n")
    unknown.seq[SERVER] += 5
    unknown.send(SERVER, b"lost")
    result = run(unknown.close().pcap(), "--json")
    assert [note["kind"] for note in result.of("note")] == ["nothing"]


def test_packets_that_were_cut(run: Run) -> None:
    made = Tcp().handshake().send(SERVER, frame(1, b"x" * 200), HELLO)
    made.send(SERVER, HELLO)
    made.packets = [(time, data) for time, data in made.packets]
    result = run(pcap(made.packets, snap=220), "--json")
    (note,) = result.of("note")
    assert note["kind"] == "gap"
    assert note["text"].startswith("packets were cut when they were captured (3")
    assert result.code == 2


def test_the_ends_of_connections(run: Run) -> None:
    made = Tcp().handshake().send(SERVER, HELLO)
    made.add(SERVER, made.seq[SERVER], FIN | ACK, WORLD)
    made.add(CLIENT, made.seq[CLIENT], FIN | ACK)
    made.add(SERVER, made.seq[SERVER], FIN | ACK, WORLD)  # late
    made.add(CLIENT, made.seq[CLIENT], ACK)
    result = run(made.pcap(), "--json")
    assert result.texts == ["hello", "world"]
    assert [item["type"] for item in result.objects][-2:] == ["ended", "summary"]
    assert result.of("summary")[0]["tcp_connections"] == 1


def test_a_fin_that_comes_too_early(run: Run) -> None:
    made, seq = opened()
    made.add(CLIENT, made.seq[CLIENT], FIN | ACK)
    made.add(SERVER, seq + 7, FIN | ACK, WORLD)
    made.add(SERVER, seq, ACK, HELLO)
    made.add(SERVER, seq + 14, FIN | ACK)
    assert run(made.pcap(), "--json").texts == ["hello", "world"]


def test_a_reset_ends_both(run: Run) -> None:
    made = Tcp().handshake().send(SERVER, HELLO)
    made.add(CLIENT, made.seq[CLIENT], RST)
    made.send(SERVER, WORLD)
    assert run(made.pcap(), "--json").texts == ["hello"]


def test_ports_are_used_again(run: Run) -> None:
    made = Tcp().handshake().send(SERVER, HELLO)
    again = Tcp(start=START + 10**9)
    again.seq = {CLIENT: 5000, SERVER: 6000}
    again.handshake("Sec-WebSocket-Protocol: second").send(SERVER, WORLD)
    result = run(pcap(made.packets + again.packets), "--json")
    assert result.texts == ["hello", "world"]
    assert [item["subprotocol"] for item in result.of("opened")] == ["", "second"]


def test_a_syn_may_be_repeated(run: Run) -> None:
    made = Tcp()
    made.add(CLIENT, made.seq[CLIENT], SYN)
    made.handshake().send(SERVER, HELLO)
    assert run(made.pcap(), "--json").texts == ["hello"]


def test_data_in_a_syn(run: Run) -> None:
    made = Tcp()
    made.add(CLIENT, made.seq[CLIENT], SYN, request())
    made.add(SERVER, made.seq[SERVER], SYN | ACK)
    made.seq = {CLIENT: made.seq[CLIENT] + 1 + len(request()), SERVER: made.seq[SERVER] + 1}
    made.send(SERVER, response(), HELLO)
    assert run(made.pcap(), "--json").texts == ["hello"]


def test_many_ended_connections_are_forgotten(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "MAX_ENDED", 2)
    packets = []
    for i in range(4):
        made = Tcp(client=("192.0.2.1", 1000 + i)).handshake().send(SERVER, HELLO).close()
        packets += made.packets
    assert run(pcap(packets), "--json").texts == ["hello"] * 4


def test_memory_for_connections_is_bounded(run: Run) -> None:
    made = [Tcp(client=("192.0.2.1", 1000 + i)).handshake() for i in range(40)]
    other = Tcp(client=("192.0.2.1", 5000)).open()
    packets = [packet for one in (other, *made) for packet in one.packets]
    late = [connection.send(SERVER, HELLO).packets[-1] for connection in made]
    result = run(pcap(packets + late), "--json", "--memory", "100K")
    given_up = [note for note in result.of("note") if note["kind"] == "memory"]
    assert result.code == 2
    assert 10 < len(given_up) < 30
    assert len(result.texts) == 40 - len(given_up)
    assert len(result.of("ended")) == 40


def test_held_messages_count(run: Run) -> None:
    first = Tcp().handshake().send(SERVER, frame(2, bytes(60_000))[:50_000])
    second = (
        Tcp(client=("192.0.2.1", 1001)).handshake().send(SERVER, frame(2, bytes(60_000))[:50_000])
    )
    result = run(pcap(first.packets + second.packets), "--json", "--memory", "90K")
    assert [note["kind"] for note in result.of("note")] == ["memory", "unfinished", "unfinished"]


def test_a_packet_that_is_larger_than_most(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Tcp()
    made.add(CLIENT, made.seq[CLIENT], SYN, request() + frame(1, b"early", key=KEY) * 3)
    made.add(SERVER, made.seq[SERVER], SYN | ACK, response() + HELLO * 20)
    made.add(CLIENT, made.seq[CLIENT] + 1 + len(request()) + 33, FIN)
    made.add(SERVER, made.seq[SERVER] + 1 + len(response()) + 140, FIN, WORLD * 20)
    for size in (flows.LARGEST_SEGMENT, 100, 7):
        monkeypatch.setattr(flows, "LARGEST_SEGMENT", size)
        result = run(made.pcap(), "--json")
        assert result.texts == ["early"] * 3 + ["hello"] * 20 + ["world"] * 20
        assert result.code == 0


# ---- for figures, segments are put together ------------------------------------------------------


def test_figures_are_the_same_in_bursts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = opened()
    for _ in range(5):
        made.send(SERVER, HELLO, frame(2, bytes(3000))[:1500], frame(2, bytes(3000))[1500:], WORLD)
        made.send(CLIENT, frame(9, b"?", key=KEY)).send(SERVER, frame(10, b"?"))
        made.send(CLIENT, frame(1, b"x" * 60_000, key=KEY))
    made.close()
    for size in (streams.BURST_SIZE, 2000):
        monkeypatch.setattr(streams, "BURST_SIZE", size)
        for segments in (streams.BURST_SEGMENTS, 2):
            monkeypatch.setattr(streams, "BURST_SEGMENTS", segments)
            for time in (1, 10**15):
                monkeypatch.setattr(streams, "BURST_TIME", time)
                (figures,) = run(made.pcap(), "--stats", "--json").of("stats")
                server, client = figures["server"], figures["client"]
                assert (server["messages"], server["binary"], server["pong"]) == (15, 5, 5)
                assert server["payload_bytes"] == 5 * (3000 + 10)
                assert (client["text"], client["ping"]) == (5, 5)
                assert client["ping_round_trip"]["max"] == pytest.approx(0.001, rel=0.01)


def test_where_a_rule_is_broken_in_a_burst(run: Run) -> None:
    for at in range(6):
        made, _ = opened()
        parts = [HELLO] * 6
        parts[at] = frame(3, b"broken")
        data = made.send(SERVER, *parts).pcap()
        plain, stats = run(data, "--json"), run(data, "--json", "--stats")
        assert plain.of("broken") != []
        keep = ("offset", "file_offset", "rule", "code")
        assert [plain.of("broken")[0][name] for name in keep] == [
            stats.of("broken")[0][name] for name in keep
        ]
        place = plain.of("broken")[0]["file_offset"]
        assert data[place : place + 8] == frame(3, b"broken")
        assert stats.code == plain.code == 1


def test_flags(run: Run) -> None:
    assert flows.SYN_FIN_RST == SYN | FIN | RST
    assert PSH not in (SYN, FIN, RST)
