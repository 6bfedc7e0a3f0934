"""The handshake at a glance, beside h11 and wsproto: odd requests and odd answers, in pairs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fastframe.uvicorn import usual_handshake
from fastframe.uvicorn.handshake import BadRequestError, Handshake

LINES = [
    b"GET /chat/%C3%A9?room=1&x=%20 HTTP/1.1",
    b"host: example.com:8000",
    b"connection: Upgrade",
    b"upgrade: websocket",
    b"user-agent: Mozilla/5.0 (X11; Linux x86_64)",
    b"origin: http://example.com",
    b"sec-websocket-version: 13",
    b"sec-websocket-protocol: chat, superchat",
    b"sec-websocket-extensions: permessage-deflate; client_max_window_bits, x-other;a=b",
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    b"cookie: a=b; c=d",
]
USUAL = b"\r\n".join([*LINES, b"", b""])

REQUEST_LINES = [
    b"POST / HTTP/1.1", b"get / HTTP/1.1", b"GET / HTTP/1.0", b"GET / HTTP/2.0", b"GET / http/1.1",
    b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b"GET /a b HTTP/1.1", b"GET /\xe9 HTTP/1.1",
    b"GET HTTP/1.1", b"GET * HTTP/1.1", b"GET http://example.com/ HTTP/1.1", b"GET /? HTTP/1.1",
    b"GET ?a HTTP/1.1", b"GET /?a?b HTTP/1.1", b"GET /\x7f HTTP/1.1", b"GET /\x00 HTTP/1.1",
    b"GET /" + b"a" * 400_000 + b" HTTP/1.1", b"", b"\x16\x03\x01\x02", b"GET / HTTP/1.1\rX: y",
]  # fmt: skip
VALUES = [
    b"", b" ", b"x", b"\t", b" leading", b"trailing ", b"\ttab\t", b"in\tside", b"a  b", b"\x01",
    b"a\x00b", b"a\x0bb", b"a\x0cb", b"a\x7fb", b"\xe9", b"\xff\xfe", b"a\rb", b"a\nb", b"a,b",
    b",", b"a,,b", b"a;b", b'"a,b"', b"13", b"13, 13", b"12", b"Upgrade", b"upgrade",
    b"keep-alive, Upgrade", b"keep-alive,upgrade", b"UPGRADE ,x", b"Upgrade, \xe9", b"\xe9,upgrade",
    b"close", b"WebSocket",
    b"websocket, h2c", b"x" * 5000, b"permessage-deflate", b"?", b"a: b", b"a\r\nb: c", b"a\r\n b",
]  # fmt: skip
MORE = [
    b"content-length: 0", b"content-length: 5", b"content-length: 5, 5", b"content-length: 5, 6",
    b"content-length: x", b"content-length: " + b"9" * 30, b"transfer-encoding: chunked",
    b"transfer-encoding: gzip", b"expect: 100-continue", b"cookie: e=f", b"no colon", b": nameless",
    b"space : x", b"sp ace: x", b" folded: x", b"na\xefme: x", b"n(me: x", b"x:y", b"x:\ty",
    b"x:  y", b"Upper-Case: X", b"x-empty:", b"host: other", b"Host: other", b"connection: x",
    b"connection: Upgrade", b"upgrade: h2c", b"sec-websocket-key: again",
    b"sec-websocket-version: 13", b"sec-websocket-version: 8", b"sec-websocket-protocol: third",
    b"sec-websocket-extensions: x-third", b"sec-websocket-accept: x", b"\x00", b"\xff: x",
]  # fmt: skip


def whole(lines: list[bytes]) -> bytes:
    return b"\r\n".join([*lines, b"", b""])


def one_change() -> Iterator[bytes]:
    """Each request line, each header without and with each value, each further header."""
    for line in REQUEST_LINES:
        yield whole([line, *LINES[1:]])
    for number in range(1, len(LINES)):
        before, (name, _), after = LINES[:number], LINES[number].split(b": "), LINES[number + 1 :]
        yield whole(before + after)
        yield whole([*before, LINES[number], LINES[number], *after])
        for value in VALUES:
            yield whole([*before, name + b": " + value, *after])
        for spelled in (name.title() + b": ", name + b":", name + b" : ", b" " + name + b": "):
            yield whole([*before, spelled + LINES[number].split(b": ")[1], *after])
    for place, line in itertools.product((1, 5, len(LINES)), MORE):
        yield whole([*LINES[:place], line, *LINES[place:]])


def other_changes() -> Iterator[bytes]:
    yield USUAL
    yield USUAL[:-2]
    yield USUAL[:-1]
    yield USUAL[:40]
    yield b""
    yield USUAL.replace(b"\r\n", b"\n")
    yield USUAL[:-2] + b"\n"
    yield USUAL + b"\x81\x80abcd"
    yield USUAL + b"\r\n\r\n"
    yield USUAL + USUAL
    yield b"\r\n" + USUAL
    yield whole([*LINES, *(b"x-%d: y" % number for number in range(300))])
    yield whole([*LINES, b"x: " + b"y" * 100_000])
    # Looking for a field in these again and again would take minutes.
    for end in (b" ", b"\t", b"\x01", b"\x7f", b"\x00", b"\r", b"\n"):
        yield whole([*LINES, b"x: " + b"y" * 400_000 + end])
        yield whole([*LINES, b"y" * 400_000 + end])
    yield whole([*LINES, b"x: " + b" " * 400_000 + b"y"])
    yield whole([*LINES, b"x: " + b"a: " * 100_000 + b" "])


def several_changes() -> Iterator[bytes]:
    """Two to four at once; always the same ones."""
    choose = random.Random(27)
    for _ in range(400):
        lines = list(LINES)
        for _ in range(choose.randint(2, 4)):
            place = choose.randrange(1, len(lines))
            match choose.randrange(4):
                case 0:
                    lines[place] = lines[place].split(b":")[0] + b": " + choose.choice(VALUES)
                case 1:
                    lines.insert(place, choose.choice(MORE))
                case 2:
                    lines[place], lines[-1] = lines[-1], lines[place]
                case _:
                    lines[place] = lines[place].title()
        yield whole(lines)


REQUESTS = [*one_change(), *other_changes(), *several_changes()]

HEADERS: list[Any] = [
    [],
    [(b"date", b"Sun, 29 Nov 2026 12:00:00 GMT"), (b"server", b"uvicorn")],
    [[b"x-list", b"y"]],
    [(b"X-Upper", b"Y")],
    [("x-text", "y")],
    [(b"x-bytearray", bytearray(b"y"))],
    [(b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")],
    [(b"x-empty", b"")],
    [(b"x", b" y")],
    [(b"x", b"y ")],
    [(b"x", b"y\r\nz: injected")],
    [(b"x", b"y\nz: injected")],
    [(b"x: y\r\nz", b"injected")],
    [(b"x: y", b"z")],
    [(b"x", b"y"), (b"a: b", b"c")],
    [(b"x", b"y" * 400_000 + b" ")],
    [(b"x", b"y\r\n\r\nbody")],
    [(b"", b"y")],
    [(b"a b", b"y")],
    [(b"x", b"\x01")],
    [(b"x", b"\x00")],
    [(b"x", b"\xe9")],
    [("x", "é")],
    [(b"host", b"y")],
    [(b"content-length", b"5")],
    [(b"content-length", b"5"), (b"content-length", b"6")],
    [(b"transfer-encoding", b"chunked")],
    [(b"transfer-encoding", b"gzip")],
    [(b"connection", b"close")],
    [(b"expect", b"100-continue")],
    [(b"sec-websocket-accept", b"x")],
    [(b"x", 5)],
    [(b"x", None)],
    [(b"x",)],
    [(b"x", b"y", b"z")],
    [5],
]

Answer = Callable[[Handshake], bytes]


def answers() -> dict[str, Answer]:
    found: dict[str, Answer] = {
        f"accept with {headers!r}": lambda handshake, headers=headers: handshake.accept(  # type: ignore[misc]
            None, headers, None
        )
        for headers in HEADERS
    }
    for subprotocol in ("chat", "superchat", "third", "", "é", " chat"):
        found[f"accept {subprotocol!r}"] = lambda handshake, subprotocol=subprotocol: (
            handshake.accept(  # type: ignore[misc]
                subprotocol, [(b"server", b"uvicorn")], None
            )
        )
    found["accept with deflate"] = lambda handshake: handshake.accept(
        "chat", [(b"server", b"uvicorn")], "permessage-deflate; server_max_window_bits=12"
    )
    found["reject"] = lambda handshake: handshake.reject(403)
    found["reject with headers"] = lambda handshake: handshake.reject(401, [(b"x", b"y")])
    found["reject with a body"] = lambda handshake: (
        handshake.reject(500, [(b"content-length", b"4")], has_body=True)
        + handshake.body(b"bo", last=False)
        + handshake.body(b"dy")
    )
    found["reject, and again"] = lambda handshake: handshake.reject(403) + handshake.reject(403)
    return found


ANSWERS = answers()


class ByWsproto(Handshake):
    """As it was before there was a glance: the reference."""

    def receive(self, data: bytes) -> bool:
        return self._receive_by_wsproto(data)


KINDS = (Handshake, ByWsproto)


def read(kind: type[Handshake], chunks: list[bytes]) -> tuple[Handshake, object]:
    """And what has come out."""
    handshake = kind()
    complete = False
    for chunk in chunks:
        try:
            complete = handshake.receive(chunk)
        except BadRequestError as error:
            return handshake, error.response
    if not complete:
        return handshake, None
    return handshake, (handshake.scope("/root"), handshake.extensions)


def outcome(answer: Answer, handshake: Handshake) -> object:
    try:
        return answer(handshake)
    except Exception as error:
        return type(error), str(error)


def test_each_odd_request_is_read_and_answered_as_before() -> None:
    assert len(set(REQUESTS)) > 900
    at_a_glance = 0
    for request in REQUESTS:
        ours, found = read(Handshake, [request])
        _reference, expected = read(ByWsproto, [request])
        assert found == expected, request[:500]
        at_a_glance += ours._usual is not None
        if isinstance(expected, tuple):
            for name in ("accept 'chat'", "reject", "reject with a body", "accept with deflate"):
                pair = (read(kind, [request])[0] for kind in (Handshake, ByWsproto))
                theirs = [outcome(ANSWERS[name], handshake) for handshake in pair]
                assert theirs[0] == theirs[1], (name, request[:500])
    assert at_a_glance > 150
    assert at_a_glance < len(REQUESTS) / 2


@pytest.mark.parametrize("name", ANSWERS)
def test_each_odd_answer_is_as_before(name: str) -> None:
    for request in (USUAL, whole([line for line in LINES if b"-protocol" not in line])):
        assert usual_handshake.read(request) is not None
        ours, reference = (read(kind, [request])[0] for kind in (Handshake, ByWsproto))
        assert outcome(ANSWERS[name], ours) == outcome(ANSWERS[name], reference)


@pytest.mark.parametrize("cut", [1, 20, 100, len(USUAL) - 3, len(USUAL) - 1])
def test_a_request_in_pieces(cut: int) -> None:
    pieces = [USUAL[:cut], USUAL[cut:]]
    assert read(Handshake, pieces)[1] == read(ByWsproto, pieces)[1] == read(Handshake, [USUAL])[1]


def test_an_answer_before_there_is_a_request() -> None:
    answers = [outcome(lambda handshake: handshake.reject(500), kind()) for kind in KINDS]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], bytes)


def test_a_wsproto_that_writes_its_answer_in_another_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then it writes all of them."""
    other_way = ANSWERS["accept with [(b'x-empty', b'')]"]
    expected = outcome(other_way, read(Handshake, [USUAL])[0])
    monkeypatch.setattr(usual_handshake, "generate_accept_token", lambda key: b"not in it")
    usual_handshake._beginning.cache_clear()
    try:
        assert usual_handshake._beginning() is None
        assert outcome(other_way, read(Handshake, [USUAL])[0]) == expected
    finally:
        usual_handshake._beginning.cache_clear()


def test_the_usual_answer_is_made_without_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be as right, and ten times as slow."""
    handshake, _ = read(Handshake, [USUAL])
    monkeypatch.setattr(Handshake, "_receive_by_wsproto", None)
    assert handshake.accept("chat", [(b"server", b"uvicorn")], None).startswith(b"HTTP/1.1 101 ")


def test_nothing_of_the_request_is_kept_beside_the_scope() -> None:
    handshake, _ = read(Handshake, [USUAL])
    handshake.accept(None, [], None)
    assert (handshake._data, handshake._usual, handshake._handshake) == (b"", None, None)
