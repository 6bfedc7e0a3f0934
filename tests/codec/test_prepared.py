"""Prepared messages: str and bytes like any other, whose frames are made once; and the window after
a compressed one."""

from __future__ import annotations

import copy
import enum
import json
import pickle
import random
import threading
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastframe
from fastframe import (
    Decoder,
    Encoder,
    InvalidState,
    PreparedBytes,
    PreparedText,
    Role,
    Text,
    prepare,
)
from fastframe.deflate import Agreement, Deflate
from tests.deflate.agreements import codecs
from tests.helpers import installed_backends

CONTENTS: list[str | bytes] = [
    "", "hello", "Grüße", "世界 😀", "x" * 125, "x" * 126, "ü" * 40_000, "y" * 70_000, b"",
    b"\x00\xff", b"z" * 70_000,
]  # fmt: skip


# ---- a str or bytes like any other ---------------------------------------------------------------


@pytest.mark.parametrize(
    "content", CONTENTS, ids=lambda content: f"{type(content).__name__}{len(content)}"
)
def test_it_is_the_str_or_the_bytes(content: Any) -> None:
    prepared = prepare(content)
    assert type(prepared) is (PreparedText if isinstance(content, str) else PreparedBytes)
    assert isinstance(prepared, type(content))
    assert prepared == content
    assert hash(prepared) == hash(content)
    assert repr(prepared) == f"{type(prepared).__name__}({content!r})"
    assert {content: 1}[prepared] == 1
    for part in (
        prepared[:],
        prepared[1:],
        prepared + content,
        content + prepared,
        prepared * 2,
        prepared.upper(),
        prepared.strip(),
    ):
        assert type(part) is type(content)
    assert (prepared[1:], prepared + content) == (content[1:], content + content)
    assert prepare(prepared) is prepared
    assert copy.copy(prepared) is copy.deepcopy(prepared) is prepared
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        unpickled = pickle.loads(pickle.dumps(prepared, protocol))
        assert unpickled == content
        assert type(unpickled) is type(content)
    if isinstance(content, str):
        assert json.dumps(prepared) == json.dumps(content)
        assert type(str(prepared)) is str
        assert "".join([prepared]) == content


def test_what_can_be_prepared() -> None:
    assert type(prepare(bytearray(b"bytes"))) is PreparedBytes
    assert prepare(memoryview(b"abcdef")[1:3]) == PreparedBytes(b"bc") == b"bc"
    text = prepare(Text("Grüße".encode()))
    assert type(text) is PreparedText
    assert text == "Grüße"

    class Name(str):
        __slots__ = ()

    assert Encoder(Role.SERVER).text(prepare(Name("name"))) == b"\x81\x04name"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: prepare(5),
            TypeError,
            "data must be a str or a contiguous bytes-like object, not int",
        ),  # type: ignore
        (
            lambda: prepare(None),
            TypeError,
            "data must be a str or a contiguous bytes-like object, not NoneType",
        ),  # type: ignore
        (lambda: prepare(memoryview(b"abc")[::2]), TypeError, "memoryview is not contiguous"),
        (lambda: prepare("\ud800"), UnicodeEncodeError, "surrogates not allowed"),
        (lambda: prepare(Text(b"\xff")), ValueError, "invalid start byte"),
        (lambda: PreparedText(b"bytes"), TypeError, "text must be a str, not bytes"),
        # type: ignore[arg-type]
        (
            lambda: PreparedBytes("text"),
            TypeError,
            "data must be a contiguous bytes-like object, not str",
        ),  # type: ignore
        (
            lambda: PreparedBytes(3),
            TypeError,
            "data must be a contiguous bytes-like object, not int",
        ),  # type: ignore
    ],
)
def test_what_cannot(call: Callable[[], object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_the_characters_count_and_not_what_str_says() -> None:
    class Colour(str, enum.Enum):
        RED = "red"

        def __str__(self) -> str:
            return "another"

    prepared = prepare(Colour.RED)
    assert prepared == "red"
    assert pickle.loads(pickle.dumps(prepared)) == "red"
    assert Encoder(Role.SERVER).text(prepared) == b"\x81\x03red"


class Proxy:
    """Says that it is what it stands for, as lazy objects of frameworks do."""

    def __init__(self, target: object) -> None:
        self._target = target

    @property
    def __class__(self) -> Any:
        return type(self._target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


class Number(float):
    """Bytes, it says, and has none."""

    __class__ = property(lambda self: PreparedBytes)  # type: ignore[assignment]
    _frames = property(lambda self: prepare(b"x")._frames)  # type: ignore[attr-defined]


def test_a_proxy_is_no_prepared_message() -> None:
    text, data = prepare("text"), prepare(b"data")
    encoder = Encoder(Role.SERVER)
    for wrong in (Proxy(text), Proxy(data), Number(5e-324 * (1 << 30))):
        for method in (encoder.text, encoder.binary, encoder.message):
            with pytest.raises(TypeError):
                method(wrong)  # type: ignore[arg-type]
    for wrong in (Number(5e-324 * (1 << 30)), None):
        with pytest.raises(TypeError, match="a prepared message must be a str or bytes"):
            type(text._frames)(wrong)  # type: ignore[attr-defined]
    assert (encoder.text(text), encoder.binary(data)) == (b"\x81\x04text", b"\x82\x04data")


# ---- its frames ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(
    "content", CONTENTS, ids=lambda content: f"{type(content).__name__}{len(content)}"
)
def test_frames_without_compression(content: Any) -> None:
    prepared = prepare(content)
    server, client = Encoder(Role.SERVER), Encoder(Role.CLIENT, masking_keys=lambda: b"key!")
    name = "text" if isinstance(content, str) else "binary"
    for encoder in (server, client):
        for method in (encoder.message, getattr(encoder, name)):
            assert method(prepared) == method(content)
    assert server.message(prepared) is getattr(Encoder(Role.SERVER), name)(
        prepared
    )  # shared, not only equal
    assert server.frame(2, prepared if isinstance(prepared, bytes) else b"") == server.frame(
        2, content if isinstance(content, bytes) else b""
    )


def test_a_prepared_message_of_the_other_kind_is_its_content() -> None:
    encoder = Encoder(Role.SERVER)
    assert encoder.text(prepare(b"text")) == b"\x81\x04text"
    with pytest.raises(ValueError, match="a text message must be UTF-8"):
        encoder.text(prepare(b"\xff"))
    with pytest.raises(TypeError, match="data must be a contiguous bytes-like object, not str"):
        encoder.binary(prepare("text"))  # type: ignore[arg-type]
    assert encoder.ping(prepare(b"x")) == b"\x89\x01x"


def test_in_fragments_it_is_its_content() -> None:
    encoder = Encoder(Role.SERVER)
    text = prepare("text")
    assert encoder.text(text, fin=False) + encoder.continuation(text) == b"\x01\x04text\x80\x04text"


def test_its_order_is_checked_like_any_other() -> None:
    encoder = Encoder(Role.SERVER)
    encoder.text("open", fin=False)
    with pytest.raises(InvalidState, match="a message is open"):
        encoder.message(prepare("x"))
    encoder.continuation("")
    encoder.close()
    with pytest.raises(InvalidState, match="no data can be sent after a Close"):
        encoder.message(prepare("x"))


# ---- compressed ----------------------------------------------------------------------------------

LINE = json.dumps(
    {"room": 1, "user": "somebody", "text": "the same words in each message, so that windows count"}
)


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("window_bits", [9, 12, 15])
@pytest.mark.parametrize("sender", Role)
def test_messages_after_a_prepared_one_are_right(
    sender: Role, window_bits: int, takeover: bool, backend: str
) -> None:
    """The compressor's window is not the peer's after a frame that it has not made."""
    settings = {
        "server_no_context_takeover": not takeover, "client_no_context_takeover": not takeover,
        "server_max_window_bits": window_bits, "client_max_window_bits": window_bits,
        "backend": backend,
    }  # fmt: skip
    prepared = prepare(LINE + "prepared"), prepare(b"\x00\xff" * 300)
    encoder, decoder = codecs(sender, **settings)
    sent: list[str | bytes] = []
    for number in range(20):
        sent += [f"{LINE}{number}", prepared[0], prepared[number % 2], LINE, f"{LINE}{number}"]
    wire = b""
    for number, message in enumerate(sent):
        wire += encoder.message(message) + (encoder.ping(b"between") if number % 7 == 0 else b"")
    wire += encoder.text(LINE, fin=False) + encoder.continuation(LINE)
    received = [message for message in decoder.feed(wire) if isinstance(message, (str, bytes))]
    assert received == [*sent, LINE + LINE]


def test_the_window_matters_in_that_test() -> None:
    """Without a new compressor the next message would refer to bytes that the peer does not have
    there."""
    own = zlib.compressobj(wbits=-15)

    def compressed(stream: Any, text: str) -> bytes:
        return (stream.compress(text.encode()) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]

    frames = [
        compressed(own, LINE + "0"),
        compressed(zlib.compressobj(wbits=-15), LINE + "prepared"),
        compressed(own, LINE + "0"),
    ]
    decoder = Decoder(Role.CLIENT, deflate=agreement())
    first, second = decoder.feed(
        b"".join(Encoder(Role.SERVER).frame(1, frame, rsv=4) for frame in frames[:2])
    )
    assert (first, second) == (LINE + "0", LINE + "prepared")
    with pytest.raises((AssertionError, fastframe.ProtocolError)):
        assert list(decoder.feed(Encoder(Role.SERVER).frame(1, frames[2], rsv=4))) == [LINE + "0"]


def agreement(**settings: Any) -> Agreement:
    agreed = Deflate(**settings).accept("permessage-deflate; client_max_window_bits")
    assert agreed is not None
    return agreed


def test_one_frame_for_each_setting() -> None:
    text = prepare(LINE * 10)

    def frame(**settings: Any) -> bytes:
        return Encoder(Role.SERVER, deflate=agreement(**settings)).text(text)

    assert frame() is frame()
    assert frame() is frame(
        server_no_context_takeover=True
    )  # it is alone in its window in any case
    assert frame() is frame(client_max_window_bits=9)
    assert frame(threshold=10**6) is Encoder(Role.SERVER).text(text)
    different = [
        frame(),
        frame(server_max_window_bits=9),
        frame(level=1),
        frame(memory_level=1),
        Encoder(Role.SERVER).text(text),
    ]
    assert len({id(frame) for frame in different}) == 5
    assert len(frame()) < len(LINE)
    assert frame() == Encoder(Role.SERVER, deflate=agreement()).text(
        LINE * 10
    )  # as any first message


def test_a_client_shares_the_compressed_payload_and_masks_it() -> None:
    text = prepare(LINE * 10)
    keys = iter([b"key1", b"key2"])
    client = Encoder(Role.CLIENT, deflate=agreement(), masking_keys=lambda: next(keys))
    frames = [client.text(text), client.text(text)]
    assert frames[0] != frames[1]
    assert list(Decoder(Role.SERVER, deflate=agreement()).feed(b"".join(frames))) == [text, text]
    with pytest.raises(StopIteration):  # nothing has changed: the next one is right as well
        client.text(text)
    keys = iter([b"key3"])
    assert list(Decoder(Role.SERVER, deflate=agreement()).feed(client.text(text))) == [text]


@given(
    messages=st.lists(
        st.tuples(st.sampled_from([LINE, LINE[::-1], "short", "", "ü" * 300]), st.booleans()),
        max_size=12,
    ),
    takeover=st.booleans(),
    threshold=st.sampled_from([0, 50]),
)
def test_any_order_of_prepared_and_others(
    messages: list[tuple[str, bool]], takeover: bool, threshold: int
) -> None:
    encoder, decoder = codecs(
        Role.SERVER, server_no_context_takeover=not takeover, threshold=threshold
    )
    wire = b"".join(encoder.text(prepare(text) if once else text) for text, once in messages)
    assert list(decoder.feed(wire)) == [text for text, _ in messages]


def test_threads_that_send_one_prepared_message() -> None:
    texts = [prepare(f"{LINE}{number}" * 20) for number in range(100)]
    wires: list[bytes] = []

    def send() -> None:
        encoder = Encoder(Role.SERVER, deflate=agreement())
        wires.append(
            b"".join(encoder.text(text) for text in random.Random(1).sample(texts, len(texts)))
        )

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(wires)) == 1
    assert list(Decoder(Role.CLIENT, deflate=agreement()).feed(wires[0])) == random.Random(
        1
    ).sample(texts, len(texts))


class WithSlots(PreparedText):
    __slots__ = ("more", "still_more")


@pytest.mark.parametrize("kind", [PreparedText, WithSlots, PreparedBytes])
def test_frames_that_somebody_has_changed(kind: Any) -> None:
    """They are read where they lie, so what lies there must be looked at."""
    content = b"bytes" if kind is PreparedBytes else "text"
    encoder = Encoder(Role.SERVER)
    prepared = kind(content)
    expected = encoder.message(content)
    assert encoder.message(prepared) is encoder.message(prepared)
    for other in (5, None, "text", [], kind(content)):
        prepared._frames = other
        assert encoder.message(prepared) == expected
    del prepared._frames
    with pytest.raises(AttributeError):
        encoder.message(prepared)
    assert encoder.message(kind(content)) == expected
