"""What a connection turns out to be: a handshake, frames without one, TLS, or something else."""

from __future__ import annotations

import pytest

from fastframe._inspect import connections, handshake
from tests.helpers import KEY, deflated
from tests.inspect.captures import CLIENT, SERVER, Tcp, pcap, request, response
from tests.inspect.conftest import Run
from tests.strategies import frame

HELLO = frame(1, b"hello")
MASKED = frame(1, b"masked", key=KEY)


def test_what_the_handshake_says(run: Run) -> None:
    made = Tcp().handshake(
        "Sec-WebSocket-Protocol: mqtt", "sec-websocket-extensions: permessage-deflate",
        "X-Empty:", path="/chat?room=1",
        offer=("Sec-WebSocket-Protocol: mqtt, v12.stomp", "a line without one"),
    )  # fmt: skip
    made.send(SERVER, frame(8, b"\x03\xe9going")).send(
        CLIENT, frame(8, b"\x03\xe9", key=KEY)
    ).close()
    result = run(made.pcap(), "--json")
    opened = result.of("opened")[0]
    assert opened["handshake"] is True
    assert (opened["status"], opened["path"], opened["host"]) == (
        101,
        "/chat?room=1",
        "example.org",
    )
    assert (opened["subprotocol"], opened["extensions"]) == ("mqtt", "permessage-deflate")
    ended = result.of("ended")[0]
    assert ended["closed_by"] == "server"
    assert (ended["server"]["close_code"], ended["server"]["close_reason"]) == (1001, "going")
    assert (ended["client"]["close_code"], ended["client"]["close_reason"]) == (1001, "")
    lines = run(made.pcap()).out
    assert "#1 192.0.2.1:50000 → 192.0.2.2:80  ws://example.org/chat?room=1\n" in lines
    assert "   subprotocol mqtt, permessage-deflate\n" in lines
    assert (
        '#1 closed by the server: 1001 (going away) "going", answered with 1001 (going away) after '
        "0.002 s\n" in lines
    )


def test_heads_may_be_cut_anywhere(run: Run) -> None:
    asked, answered = request(), response()
    for size in (1, 10, 100):
        made = Tcp().open()
        made.send(CLIENT, *(asked[i : i + size] for i in range(0, len(asked), size)))
        made.send(SERVER, *(answered[i : i + size] for i in range(0, len(answered), size)))
        made.send(SERVER, HELLO)
        assert run(made.pcap(), "--json").texts == ["hello"]


def test_other_requests_on_the_same_connection(run: Run) -> None:
    made = Tcp().open()
    made.send(CLIENT, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    made.send(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", b"56789")
    made.send(CLIENT, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", b"def")
    made.send(SERVER, b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n")
    made.send(CLIENT, request("/refused")).send(SERVER, b"HTTP/1.1 401 Unauthorized\r\n\r\n")
    made.send(CLIENT, request("/waits")).send(SERVER, b"HTTP/1.1 100 Continue\r\n\r\n", response())
    made.send(SERVER, HELLO).close()
    result = run(made.pcap(), "--json")
    assert [(item["path"], item["status"]) for item in result.of("opened")] == [
        ("/refused", 401), ("/waits", 101),
    ]  # fmt: skip
    assert result.texts == ["hello"]
    assert (result.of("summary")[0]["websockets"], result.of("summary")[0]["other"]) == (2, 0)
    assert "   refused with HTTP status 401\n" in run(made.pcap()).out


def test_a_refused_connection(run: Run) -> None:
    made = (
        Tcp().open().send(CLIENT, request()).send(SERVER, b"HTTP/1.1 403 Forbidden\r\n\r\n").close()
    )
    result = run(made.pcap(), "--json")
    assert (result.code, result.of("summary")[0]["other"]) == (0, 0)


def test_http_that_is_no_handshake(run: Run) -> None:
    made = (
        Tcp().open().send(CLIENT, b"GET / HTTP/1.1\r\n\r\n").send(SERVER, b"HTTP/1.1 ??? x\r\n\r\n")
    )
    result = run(made.close().pcap(), "--json")
    assert (result.code, result.of("summary")[0]["other"]) == (2, 1)
    result = run(b"GET / HTTP/1.1\r\n\r\n", "--json")
    assert result.code == 2
    assert "this is HTTP, and no WebSocket is opened in it" in result.of("note")[0]["text"]
    assert handshake.read_head(b"GET").path == ""


def test_a_head_without_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "MAX_HEAD", 1000)
    made = Tcp().open().send(CLIENT, b"GET / HTTP/1.1\r\n", *[b"x" * 400] * 5)
    assert run(made.pcap(), "--json").code == 2


def test_no_response(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Tcp().open().send(CLIENT, request(), MASKED)
    result = run(made.pcap(), "--json")
    assert result.texts == ["masked"]
    assert result.of("note")[0]["kind"] == "no-response"
    monkeypatch.setattr(connections, "MAX_EARLY", 20)
    made.send(CLIENT, MASKED, MASKED).send(SERVER, HELLO)
    assert run(made.pcap(), "--json").texts == ["masked"] * 3 + ["hello"]


def test_no_request(run: Run) -> None:
    made = Tcp()
    made.send(SERVER, response(), HELLO).send(CLIENT, MASKED)
    result = run(made.pcap(), "--json")
    assert result.texts == ["hello", "masked"]
    assert (result.code, result.of("opened")[0]["server"]) == (0, "192.0.2.2:80")


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ("Sec-WebSocket-Extensions: permessage-deflate; unknown", "handshake-extensions"),
        ("Sec-WebSocket-Accept: another", "handshake-accept"),
    ],
)
def test_a_response_that_breaks_a_rule(run: Run, header: str, rule: str) -> None:
    made = Tcp().handshake(header).send(SERVER, HELLO)
    result = run(made.pcap(), "--json")
    (broken,) = result.of("broken")
    assert (result.code, broken["rule"], broken["sender"]) == (1, rule, "server")
    assert result.texts == ["hello"]
    assert f"({broken['section']})" in run(made.pcap()).out


# ---- without a handshake -------------------------------------------------------------------------


def test_a_capture_that_began_later(run: Run) -> None:
    made = Tcp()
    made.send(SERVER, b"the rest of a frame", HELLO).send(CLIENT, b"a rest", MASKED[:4], MASKED[4:])
    made.send(CLIENT, MASKED + MASKED).send(SERVER, HELLO)
    result = run(made.pcap(), "--json")
    assert result.texts == ["hello", "masked", "masked", "hello"]
    opened = result.of("opened")[0]
    assert (opened["handshake"], opened["client"], opened["server"]) == (
        False, "192.0.2.1:50000", "192.0.2.2:80",
    )  # fmt: skip
    assert result.code == 0
    assert "no handshake in the capture" in run(made.pcap()).out


def test_the_client_may_come_first(run: Run) -> None:
    made = Tcp().send(CLIENT, MASKED).send(SERVER, HELLO).send(SERVER, frame(1, b"x", key=KEY))
    assert run(made.pcap(), "--json").texts == ["masked", "hello"]


@pytest.mark.parametrize(
    "data", [b"\x81", frame(3, b""), HELLO + MASKED, frame(9, b"x", rsv=4), frame(1, b"x", rsv=2)]
)
def test_segments_that_are_not_frames(run: Run, data: bytes) -> None:
    assert run(Tcp().send(SERVER, data).pcap(), "--json").of("opened") == []


def test_frames_are_not_looked_for_for_ever(run: Run) -> None:
    tries = [b"no frames"] * connections.MAX_TRIES
    made = Tcp().send(SERVER, *tries, HELLO)
    result = run(made.pcap(), "--json")
    assert (result.code, result.of("summary")[0]["other"]) == (2, 1)
    made.send(CLIENT, *tries, MASKED)
    assert run(made.pcap(), "--json").code == 2


def test_a_later_capture_with_compression(run: Run) -> None:
    made = Tcp().send(SERVER, frame(1, deflated(b"hello"), rsv=4))
    result = run(
        made.pcap(), "--json", "--deflate", "permessage-deflate; server_no_context_takeover"
    )
    assert result.texts == ["hello"]
    assert result.of("opened")[0]["extensions"].startswith("permessage-deflate")
    assert "permessage-deflate; server_no_context_takeover" in run(
        made.pcap(), "--deflate", "permessage-deflate; server_no_context_takeover"
    ).out  # fmt: skip


def test_a_connection_from_its_start_without_a_handshake(run: Run) -> None:
    made = Tcp().open().send(SERVER, HELLO)
    assert run(made.pcap(), "--json").of("summary")[0]["other"] == 1


# ---- a stream of one direction -------------------------------------------------------------------


@pytest.mark.parametrize(("data", "sender"), [(HELLO, "server"), (MASKED, "client")])
def test_who_sent_a_stream(run: Run, data: bytes, sender: str) -> None:
    result = run(data, "--json")
    assert result.of("message")[0]["sender"] == sender
    assert f"taken as sent by the {sender}" in result.of("note")[0]["text"]
    told = run(data, "--json", "--sent-by", sender)
    assert told.of("note") == []
    wrong = "client" if sender == "server" else "server"
    assert run(data, "--json", "--sent-by", wrong).code == 1


def test_a_stream_that_begins_wrong(run: Run) -> None:
    assert run(frame(3, b""), "--sent-by", "server").code == 1


def test_a_stream_with_its_handshake(run: Run) -> None:
    answered = response("Sec-WebSocket-Extensions: permessage-deflate")
    data = answered + frame(1, deflated(b"hello"), rsv=4)
    result = run(data, "--json")
    assert (result.texts, result.of("note")) == (["hello"], [])
    assert result.of("message")[0]["file_offset"] == len(answered)
    asked = request("/path")
    result = run(asked + frame(1, deflated(b"hello"), rsv=4, key=KEY), "--json")
    assert (result.code, result.of("note")[0]["kind"]) == (1, "no-response")
    result = run(
        asked + frame(1, deflated(b"hello"), rsv=4, key=KEY), "--json",
        "--deflate", "permessage-deflate",
    )  # fmt: skip
    assert (result.texts, result.of("opened")[0]["path"]) == (["hello"], "/path")
    assert "a stream of one direction  ws://example.org/path" in run(asked + MASKED).out


# ---- other protocols -----------------------------------------------------------------------------


def test_tls(run: Run) -> None:
    packets = []
    for i in range(2):
        made = Tcp(client=("192.0.2.1", 1000 + i)).open().send(CLIENT, b"\x16\x03\x01\x02\x00\x01")
        packets += made.send(SERVER, b"\x16\x03\x03").close().packets
    result = run(pcap(packets))
    assert result.code == 2
    assert result.out.count("SSLKEYLOGFILE") == 1
    assert "2 of them TLS" in result.out
    with_other = run(pcap(packets + Tcp().handshake().send(SERVER, HELLO).packets))
    assert with_other.code == 0
    assert "not read: 2 TLS" in with_other.out


def test_http2(run: Run) -> None:
    made = Tcp().open().send(CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").send(SERVER, bytes(9))
    assert "WebSockets in its streams (RFC 8441) are not read" in run(made.pcap()).out
