"""The negotiation of permessage-deflate, by the letter of RFC 7692, 5 and 7.1."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from fastframe.deflate import Deflate, NegotiationError

OFFER = "permessage-deflate"


@pytest.mark.parametrize(
    ("offers", "response"),
    [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        (
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            'permessage-deflate; client_max_window_bits="10"',
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            'permessage-deflate; client_max_window_bits="1\\0"',
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=8",
        ),
        (
            "permessage-deflate;server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9",
        ),
        (
            " permessage-deflate ; server_no_context_takeover ",
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
        ),
        # The first acceptable one of several, and other extensions passed over.
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate"),
        (
            'x-other; a="b, permessage-deflate", permessage-deflate; unknown, permessage-deflate',
            "permessage-deflate",
        ),
        (", ,permessage-deflate, ", "permessage-deflate"),
    ],
)
def test_accepted_offers(offers: str, response: str) -> None:
    agreement = Deflate().accept(offers)
    assert agreement is not None
    assert agreement.response() == response


@pytest.mark.parametrize(
    "offers",
    [
        None,
        "",
        "permessage-bzip2",
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits",  # an offer must say how many
        "permessage-deflate; server_max_window_bits=8",  # zlib cannot
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate" + "; a" * 20_000,
    ],
)
def test_declined_offers(offers: str | None) -> None:
    assert Deflate().accept(offers) is None


@pytest.mark.parametrize(
    "header",
    [
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate;",
        "permessage-deflate server_no_context_takeover",
        'permessage-deflate; server_max_window_bits="10',
        "permessage-deflate; =10",
        "permessage-deflate; server_max_window_bits==10",
        "=broken, permessage-deflate",
        "permessage-deflate, x-other; a=",
        "permessage-deflate; " + " " * 50_000 + "=",
        " " * 50_000 + "=",
        "; permessage-deflate",
        "permessage-deflate; a b",
        "permessage-deflate; a=(",
        # After which `$` also matches: a search that went on from there never ended.
        "\n",
        "permessage-deflate\n",
        "permessage-deflate; client_max_window_bits\n",
        "permessage-deflate,\n",
    ],
)
def test_a_malformed_header_is_neither_accepted_nor_declined(header: str) -> None:
    """By the server nor by the client: the connection must be failed (RFC 6455, 9.1)."""
    for read in (Deflate().accept, Deflate().confirm):
        with pytest.raises(NegotiationError, match=r"malformed.*RFC 6455, 9.1"):
            read(header)
    headers = pytest.importorskip("websockets.headers")
    with pytest.raises(pytest.importorskip("websockets.exceptions").InvalidHeader):
        headers.parse_extension(header)


def test_settings_of_the_server_are_in_its_answer() -> None:
    settings = Deflate(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=11,
        client_max_window_bits=12,
    )
    agreement = settings.accept(
        "permessage-deflate; client_max_window_bits; server_max_window_bits=13"
    )
    assert agreement is not None
    assert agreement.response() == (
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=11; client_max_window_bits=12"
    )
    # A client that does not name its window does not know the parameter: it must not be told, and
    # may use all of it.
    agreement = settings.accept(OFFER)
    assert agreement is not None
    assert "client_max_window_bits" not in agreement.response()
    assert agreement.client_max_window_bits == 15


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("permessage-deflate, permessage-deflate", "accepted twice"),
        ("permessage-deflate; unknown=1", "unknown, repeated or malformed"),
        ("permessage-deflate; client_max_window_bits", "unknown, repeated or malformed"),
        ("permessage-deflate; server_max_window_bits", "unknown, repeated or malformed"),
        ("permessage-deflate", "server_no_context_takeover was offered"),
        ("permessage-deflate; server_no_context_takeover", "server_max_window_bits is above 12"),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; "
            "client_max_window_bits=14",
            "client_max_window_bits is above 13",
        ),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; "
            "client_max_window_bits=8",
            "zlib cannot compress",
        ),
    ],
)
def test_answers_that_break_the_rules(response: str, reason: str) -> None:
    settings = Deflate(
        server_no_context_takeover=True, server_max_window_bits=12, client_max_window_bits=13
    )
    with pytest.raises(NegotiationError, match=reason):
        settings.confirm(response)


def test_a_server_may_decline() -> None:
    assert Deflate().confirm(None) is None
    assert Deflate().confirm("x-other; a=1") is None


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        (
            {"server_max_window_bits": 8},
            ValueError,
            "server_max_window_bits must be from 9 to 15, not 8",
        ),
        (
            {"client_max_window_bits": "15"},
            TypeError,
            "client_max_window_bits must be an int, not str",
        ),
        ({"memory_level": 10}, ValueError, "memory_level must be from 1 to 9"),
        ({"level": 10}, ValueError, "level must be from -1 to 9, not 10"),
        ({"threshold": -1}, ValueError, "threshold must be from 0"),
        (
            {"backend": "brotli"},
            ValueError,
            "backend must be one of zlib, zlib-ng, isal, not 'brotli'",
        ),
    ],
)
def test_settings_that_cannot_be(
    settings: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        Deflate(**settings)


def test_a_backend_that_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("isal", "isal.isal_zlib"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="'isal' is not installed: pip install isal"):
        Deflate(backend="isal")


@pytest.mark.parametrize("bits", range(9, 16))
def test_a_client_that_names_the_servers_window_is_answered_with_it(bits: int) -> None:
    """RFC 7692, 7.1.2.1: also where it is 15, the default."""
    agreement = Deflate().accept(f"permessage-deflate; server_max_window_bits={bits}")
    assert agreement is not None
    assert agreement.response() == f"permessage-deflate; server_max_window_bits={bits}"
    assert (
        agreement == Deflate(server_max_window_bits=bits).accept("permessage-deflate") or bits != 15
    )


@pytest.mark.parametrize("server_bits", [None, 9, 12, 15])
@pytest.mark.parametrize("client_bits", [None, True, 9, 12, 15])
@pytest.mark.parametrize(
    "settings", [{}, {"server_max_window_bits": 12, "client_max_window_bits": 12}]
)
def test_the_client_of_websockets_takes_every_answer(
    server_bits: Any, client_bits: Any, settings: dict[str, int]
) -> None:
    extension = pytest.importorskip("websockets.extensions.permessage_deflate")
    headers = pytest.importorskip("websockets.headers")
    factory = extension.ClientPerMessageDeflateFactory(
        server_max_window_bits=server_bits, client_max_window_bits=client_bits
    )
    offer = headers.build_extension([(factory.name, factory.get_request_params())])
    agreement = Deflate(**settings).accept(offer)
    assert agreement is not None
    ((_, parameters),) = headers.parse_extension(agreement.response())
    agreed = factory.process_response_params(parameters, [])
    assert agreed.remote_max_window_bits >= agreement.server_max_window_bits
    assert agreed.local_max_window_bits <= agreement.client_max_window_bits


@pytest.mark.parametrize(
    "value", [b"permessage-deflate", bytearray(b"x"), ["permessage-deflate"], 5]
)
def test_what_is_no_header_value_is_named(value: Any) -> None:
    hint = ": decode it as latin-1$" if isinstance(value, (bytes, bytearray)) else "$"
    with pytest.raises(
        TypeError, match=f"^offers must be a str or None, not {type(value).__name__}{hint}"
    ):
        Deflate().accept(value)
    with pytest.raises(
        TypeError, match=f"^response must be a str or None, not {type(value).__name__}{hint}"
    ):
        Deflate().confirm(value)


def test_settings_are_keywords() -> None:
    with pytest.raises(TypeError, match="positional"):
        Deflate(True)  # type: ignore[misc]
    with pytest.raises(
        TypeError, match="server_no_context_takeover must be True or False, not str"
    ):
        Deflate(server_no_context_takeover="yes")  # type: ignore[arg-type]
