"""Encoder: frames byte for byte, the order of fragments, and masking keys that are never used
twice."""

from __future__ import annotations

import itertools
import os
import random
import weakref
from typing import Any

import pytest

from fastframe import Decoder, Encoder, InvalidState, Opcode, Role, Text, apply_mask, parse_header
from fastframe.deflate import Deflate
from tests.helpers import KEY
from tests.strategies import frame


def fixed(role: Role = Role.CLIENT) -> Encoder:
    return Encoder(role, masking_keys=lambda: KEY)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
@pytest.mark.usefixtures("kernel")
def test_frames_byte_for_byte(role: Role, size: int) -> None:
    encoder = fixed(role)
    key = KEY if role is Role.CLIENT else None
    text, data = "t" * size, bytes(size)
    assert (
        encoder.message(text)
        == encoder.text(text)
        == encoder.text(text.encode())
        == frame(1, text.encode(), key=key)
    )
    assert encoder.message(data) == encoder.binary(bytearray(data)) == frame(2, data, key=key)
    assert encoder.message(memoryview(data)) == frame(2, data, key=key)
    wide = "é" * size
    assert encoder.message(wide) == frame(1, wide.encode(), key=key)
    if size <= 125:
        assert encoder.ping(data) == frame(9, data, key=key)
        assert encoder.pong(data) == frame(10, data, key=key)
    header = encoder.header(Opcode.BINARY, size)
    assert header + (apply_mask(data, header[-4:]) if key else data) == frame(2, data, key=key)
    assert encoder.role is role


def test_fragments() -> None:
    encoder = fixed(Role.SERVER)
    assert encoder.text("a", fin=False) == frame(1, b"a", fin=False)
    assert encoder.ping(b"p") == frame(9, b"p")
    assert encoder.continuation("é", fin=False) == frame(0, "é".encode(), fin=False)
    assert encoder.continuation(b"") == frame(0, b"")
    assert encoder.binary(b"b", fin=False) == frame(2, b"b", fin=False)
    assert encoder.continuation(b"\xff") == frame(0, b"\xff")


def test_a_text_may_be_cut_inside_a_character() -> None:
    encoder = fixed(Role.SERVER)
    encoder.text(b"\xe2", fin=False)
    with pytest.raises(ValueError, match="ended inside a character: bytes must follow, not str"):
        encoder.continuation("a")
    with pytest.raises(ValueError, match="must be UTF-8"):
        encoder.continuation(b"\x82")
    with pytest.raises(ValueError, match="must be UTF-8"):
        encoder.continuation(b"a", fin=False)
    assert encoder.continuation(b"\x82", fin=False) == frame(0, b"\x82", fin=False)
    assert encoder.continuation(b"\xac") == frame(0, b"\xac")
    with pytest.raises(ValueError, match="must be UTF-8"):
        encoder.text(b"\xff")
    with pytest.raises(UnicodeEncodeError):
        encoder.text("\ud800")
    assert encoder.text("still fine") == frame(1, b"still fine")


def test_what_must_not_be_sent_now() -> None:
    encoder = fixed(Role.SERVER)
    with pytest.raises(RuntimeError, match="no message is open"):
        encoder.continuation(b"")
    encoder.binary(b"", fin=False)
    for begin in (encoder.text, encoder.binary, encoder.message):
        with pytest.raises(RuntimeError, match="a message is open"):
            begin(b"")
    with pytest.raises(TypeError, match="as the open message is binary, not str"):
        encoder.continuation("text")
    encoder.continuation(b"")
    assert encoder.close() == frame(8, b"\x03\xe8")
    for begin in (encoder.text, encoder.binary, encoder.message):
        with pytest.raises(RuntimeError, match="after a Close"):
            begin(b"")
    with pytest.raises(RuntimeError, match="was sent already"):
        encoder.close()
    assert encoder.pong(b"p") == frame(10, b"p")


def test_close() -> None:
    assert fixed(Role.SERVER).close(1005) == frame(8, b"")
    assert fixed().close(4000, "é" * 61) == frame(8, b"\x0f\xa0" + "é".encode() * 61, key=KEY)
    encoder = fixed()
    for code in (0, 999, 1004, 1006, 1015, 2999, 5000, 65536, -1):
        with pytest.raises(
            ValueError,
            match="^code .* from 0 to 65535"
            if code in (-1, 65536)
            else f"^code {code} must not be sent: 1000 to",
        ):
            encoder.close(code)
    for arguments, error, text in (
        (("1000",), TypeError, "code must be an int, not str"),
        ((1000, b"bytes"), TypeError, "reason must be a str, not bytes"),
        ((1000, "é" * 62), ValueError, "at most 123 bytes in UTF-8, not 124"),
        ((1005, "reason"), ValueError, "a reason needs a status code"),
    ):
        with pytest.raises(error, match=text):
            encoder.close(*arguments)
    assert encoder.close() == frame(8, b"\x03\xe8", key=KEY)


@pytest.mark.parametrize("opcode", range(16))
@pytest.mark.parametrize("fin", [False, True])
def test_the_low_level(opcode: int, fin: bool) -> None:
    encoder = fixed(Role.SERVER)
    for rsv in range(8):
        if opcode in (0, 1, 2) or (opcode in (8, 9, 10) and fin):
            assert encoder.frame(opcode, b"payload", fin=fin, rsv=rsv) == frame(
                opcode, b"payload", fin=fin, rsv=rsv
            )
            assert (
                encoder.header(opcode, 7, fin=fin, rsv=rsv)
                == frame(opcode, b"payload", fin=fin, rsv=rsv)[:2]
            )
        else:
            with pytest.raises(
                ValueError, match="reserved" if opcode not in (8, 9, 10) else "fragmented"
            ):
                encoder.frame(opcode, b"payload", fin=fin, rsv=rsv)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda e: e.message(5),
            TypeError,
            "data must be a str or a contiguous bytes-like object, not int",
        ),
        (
            lambda e: e.binary("text"),
            TypeError,
            "data must be a contiguous bytes-like object, not str",
        ),
        (
            lambda e: e.ping("text"),
            TypeError,
            "payload must be a contiguous bytes-like object, not str",
        ),
        (lambda e: e.pong(5), TypeError, "payload must be a contiguous bytes-like object, not int"),
        (
            lambda e: e.frame(1, "text"),
            TypeError,
            "payload must be a contiguous bytes-like object, not str",
        ),
        (lambda e: e.text("text", fin=0), TypeError, "fin must be True or False, not int"),
        (lambda e: e.binary(b"", fin=None), TypeError, "fin must be True or False, not None"),
        (lambda e: e.close(1000.9), TypeError, "code must be an int, not float"),
        (lambda e: e.close(True), TypeError, "code must be an int, not bool"),
        (lambda e: e.ping(bytes(126)), ValueError, "125"),
        (lambda e: e.frame("1"), TypeError, "opcode must be an int, not str"),
        (lambda e: e.frame(16), ValueError, "opcode must be from 0 to 15, not 16"),
        (lambda e: e.frame(-1), ValueError, "opcode must be from 0 to 15, not -1"),
        (lambda e: e.frame(2, rsv=8), ValueError, "rsv must be from 0 to 7, not 8"),
        (lambda e: e.frame(2, rsv=-1), ValueError, "rsv must be from 0 to 7, not -1"),
        (lambda e: e.header(16, 0), ValueError, "opcode must be from 0 to 15, not 16"),
        (lambda e: e.header(-1, 0), ValueError, "opcode must be from 0 to 15, not -1"),
        (lambda e: e.header(2, 0, rsv=8), ValueError, "rsv must be from 0 to 7, not 8"),
        (lambda e: e.header(2, 0, rsv=-1), ValueError, "rsv must be from 0 to 7, not -1"),
        (lambda e: e.close(-1), ValueError, "code must be from 0 to 65535, not -1"),
        (lambda e: e.close(65536), ValueError, "code must be from 0 to 65535, not 65536"),
        (lambda e: e.frame(2, rsv=None), TypeError, "rsv must be an int"),
        (lambda e: e.header(2, -1), ValueError, "payload_length must be from 0 to"),
        (lambda e: e.header(2, 2**63), ValueError, "payload_length must be from 0 to"),
        (lambda e: e.header(9, 126), ValueError, "125"),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(fixed(Role.SERVER))


def test_data_is_not_kept() -> None:
    encoder, data = fixed(Role.SERVER), bytearray(b"data")
    for call in (
        encoder.message, encoder.text, encoder.binary, encoder.ping, encoder.pong,
        lambda data: encoder.frame(2, data),
        lambda data: encoder.binary(data, fin=False),
        encoder.continuation,
    ):  # fmt: skip
        call(data)
        data.append(0x41)  # BufferError while somebody looks at it
    wrong = bytearray(b"\xff" * 126)
    for refused in (encoder.text, encoder.ping):
        with pytest.raises(ValueError, match=r"UTF-8|125"):
            refused(wrong)
        wrong.append(0xFF)


def test_the_largest_header() -> None:
    header = parse_header(fixed().header(2, 2**63 - 1))
    assert header is not None
    assert (header.payload_length, header.size, header.masking_key) == (2**63 - 1, 14, KEY)


# ---- masking keys --------------------------------------------------------------------------------


def test_keys_are_fresh_and_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    stream = random.Random(1)

    def urandom(size: int) -> bytes:
        asked.append(size)
        return stream.randbytes(size)

    monkeypatch.setattr(os, "urandom", urandom)
    encoder = Encoder(Role.CLIENT)
    keys = [encoder.ping()[2:] for _ in range(300)]
    expected = random.Random(1)
    assert keys == [expected.randbytes(4) for _ in range(300)]
    assert asked == [512, 512, 512]
    monkeypatch.setattr(os, "urandom", lambda size: b"short")
    with pytest.raises(ValueError, match="returned 5 bytes"):
        Encoder(Role.CLIENT).ping()


def test_real_keys_do_not_repeat() -> None:
    encoders = [Encoder(Role.CLIENT) for _ in range(20)]
    keys = {encoder.ping()[2:] for encoder in encoders for _ in range(200)}
    assert len(keys) > 3990


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        (lambda: b"key", ValueError, "masking_keys must return 4 bytes, not b'key'"),
        (lambda: "keys", TypeError, "masking_keys must return bytes, not str"),
        (lambda: {}["key"], KeyError, "key"),
    ],
)
def test_a_bad_source_of_keys(source: Any, error: type[Exception], text: str) -> None:
    encoder = Encoder(Role.CLIENT, masking_keys=source)
    for send in (lambda: encoder.message("a"), encoder.close, lambda: encoder.text("a", fin=False)):
        with pytest.raises(error, match=text):
            send()
    with pytest.raises(RuntimeError, match="no message is open"):
        encoder.continuation("the state has not changed")
    with pytest.raises(TypeError, match="masking_keys must be callable or None, not bytes"):
        Encoder(Role.CLIENT, masking_keys=b"keys")  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_has_keys_of_its_own() -> None:
    encoder = Encoder(Role.CLIENT)
    encoder.ping()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"".join(encoder.ping()[2:] for _ in range(50)))
        os._exit(0)
    parent = b"".join(encoder.ping()[2:] for _ in range(50))
    os.waitpid(child, 0)
    found = os.read(read, 1000)
    os.close(read)
    os.close(write)
    assert len(found) == len(parent) == 200
    both = {data[i : i + 4] for data in (found, parent) for i in range(0, 200, 4)}
    assert len(both) == 100


def test_what_is_encoded_is_decoded() -> None:
    for sender, receiver in itertools.permutations(Role):
        encoder, decoder = Encoder(sender), Decoder(receiver)
        wire = (
            encoder.text("a", fin=False)
            + encoder.ping(b"p")
            + encoder.continuation("b")
            + encoder.message(b"c")
        )
        assert [str(message) for message in decoder.feed(wire)] == ["Ping(b'p')", "ab", "b'c'"]


def test_a_masking_key_is_as_long_as_it_is_and_not_as_it_says() -> None:
    class Liar(bytes):
        def __len__(self) -> int:
            return 4

    with pytest.raises(ValueError, match="masking_keys must return 4 bytes"):
        Encoder(Role.CLIENT, masking_keys=lambda: Liar(b"")).text("x")


def test_a_text_that_was_not_decoded_is_sent_as_text() -> None:
    """The README's echo loop, with decode_text=False."""
    encoder = fixed(Role.SERVER)
    (message,) = Decoder(Role.SERVER, decode_text=False).feed(frame(1, "żółć".encode(), key=KEY))
    assert type(message) is Text
    assert encoder.message(message) == encoder.text(message) == frame(1, "żółć".encode())
    assert encoder.binary(message) == frame(2, "żółć".encode())
    with pytest.raises(ValueError, match="must be UTF-8"):
        encoder.message(Text(b"\xff"))


def test_finished_and_what_an_encoder_says_of_itself() -> None:
    encoder = fixed()
    assert (encoder.finished, repr(encoder)) == (False, "<Encoder client, between messages>")
    encoder.text("a", fin=False)
    assert repr(encoder) == "<Encoder client, inside a message>"
    with pytest.raises(ValueError, match="must not be sent"):
        encoder.close(1006)
    assert not encoder.finished
    encoder.close()
    assert (encoder.finished, repr(encoder)) == (
        True,
        "<Encoder client, finished: a Close frame was sent>",
    )
    with pytest.raises(InvalidState, match="already"):
        encoder.close()
    assert weakref.ref(encoder)() is encoder
    agreement = Deflate(threshold=64).accept("permessage-deflate")
    assert repr(Encoder(Role.SERVER, deflate=agreement)).endswith(
        "between messages, deflate from 64 bytes>"
    )


@pytest.mark.parametrize(
    ("arguments", "keywords", "text"),
    [
        ((), {}, r"^Encoder\(\) missing 1 required positional argument: 'role'"),
        ((Role.CLIENT, 5), {}, r"^Encoder\(\) takes 1 positional argument but 2 were given"),
        (
            (Role.CLIENT,),
            {"masking_key": 5},
            r"^Encoder\(\) got an unexpected keyword argument 'masking_key'",
        ),
    ],
)
def test_wrong_arguments_name_the_class(arguments: Any, keywords: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        Encoder(*arguments, **keywords)


def test_an_init_that_raises_changes_nothing() -> None:
    encoder = fixed()
    with pytest.raises(TypeError, match="masking_keys must be callable"):
        encoder.__init__(Role.SERVER, masking_keys=5)  # type: ignore[misc]
    assert encoder.role is Role.CLIENT
