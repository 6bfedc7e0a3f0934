"""Lines, JSON, CSV and figures; filters; what reaches a terminal."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fastframe._cli.main import main
from fastframe._inspect import report, stats
from fastframe._inspect.escapes import beginning, shown
from fastframe._inspect.lines import Lines, code_text
from fastframe._inspect.stats import Distribution
from tests.helpers import KEY, run_python
from tests.inspect.captures import CLIENT, SERVER, START, Tcp, write
from tests.inspect.conftest import Run
from tests.strategies import frame

HOSTILE = "\x1b[31mred\x07\u202ereversed\r\n\u9999\x9b1m"


def traffic() -> Tcp:
    made = Tcp().handshake("Sec-WebSocket-Protocol: graphql-ws")
    made.send(CLIENT, frame(1, b'{"type": "start", "id": "1"}', key=KEY))
    made.send(SERVER, frame(1, HOSTILE.encode()), frame(2, bytes(range(40))))
    made.send(CLIENT, frame(9, b"?", key=KEY)).send(SERVER, frame(10, b"?"))
    made.send(SERVER, frame(1, b"x" * 70, fin=False), frame(0, b"y" * 70))
    made.send(CLIENT, frame(8, b"\x03\xe8bye", key=KEY)).send(SERVER, frame(8, b"\x03\xe8bye"))
    return made.close()


# ---- lines ---------------------------------------------------------------------------------------


def test_lines(run: Run) -> None:
    result = run(traffic().pcap(), "--preview", "60")
    assert result.code == 0
    assert result.err == ""
    assert "\n".join(result.out.splitlines()) == "\n".join(
        [
            "#1 192.0.2.1:50000 → 192.0.2.2:80  ws://example.org/chat",
            "   subprotocol graphql-ws, no extensions",
            "    seconds         opcode              size   deflated  payload",
            "   0.001000  #1 →   text                28 B             "
            '[start] {"type": "start", "id": "1"}',
            "   0.002000  #1 ←   text                29 B             "
            "\\x1b[31mred\\x07\\u202ereversed\\r\\n\u9999\\x9b1m",
            "   0.003000  #1 ←   binary              40 B             "
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d…",
            "   0.004000  #1 →   ping                 1 B             3f",
            "   0.005000  #1 ←   pong                 1 B             3f",
            f"   0.007000  #1 ←   text               140 B             [2 frames] {'x' * 60}…",
            '   0.008000  #1 →   close                5 B             1000 (normal closure) "bye"',
            '   0.009000  #1 ←   close                5 B             1000 (normal closure) "bye"',
            '#1 closed by the client: 1000 (normal closure) "bye" after 0.009 s',
            "   → 1 message, 28 B",
            "   ← 3 messages, 209 B",
            f"1 WebSocket connection, 4 messages, 0 broken rules in 16 packets, "
            f"{len(traffic().pcap()):,} B",
        ]
    )  # fmt: skip


def test_frames(run: Run) -> None:
    lines = run(traffic().pcap(), "--frames", "--preview", "10").out.splitlines()
    assert (
        lines[2] == "    seconds         opcode        fin rsv mask        size   deflated  payload"
    )
    assert lines[8] == (
        "   0.006000  #1 ←   text          -    0  -           70 B             xxxxxxxxxx…"
    )
    assert lines[9] == (
        "   0.007000  #1 ←   continuation  fin  0  -           70 B             yyyyyyyyyy…"
    )


def test_nothing_that_a_peer_sent_controls_the_terminal(run: Run) -> None:
    evil = "\x1b]0;x\x07"
    made = Tcp().handshake(
        f"Sec-WebSocket-Protocol: {evil}", path=f"/{evil}", offer=(f"Host: {evil}",)
    )
    made.send(SERVER, frame(1, evil.encode()), frame(8, b"\x03\xe8" + evil.encode()))
    for arguments in ((), ("--frames",), ("--json",), ("--csv",), ("--stats",)):
        result = run(made.pcap(), *arguments)
        assert "\x1b" not in result.out + result.err
        assert "\x07" not in result.out + result.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("a\tb\u2028\ud800", "a\\tb\\u2028\\ud800"), (HOSTILE, shown(HOSTILE))],
)
def test_escapes(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(text).isprintable()


def test_beginnings() -> None:
    assert beginning("grüße".encode(), is_text=True, characters=3) == ("grü", True)
    assert beginning("grüße".encode(), is_text=True, characters=5) == ("grüße", False)
    assert beginning(b"x" * 100, is_text=True, characters=5) == ("xxxxx", True)
    assert beginning(b"\x01\x02\x03", is_text=False, characters=4) == ("0102", True)
    assert beginning(b"\x01\x02", is_text=False, characters=4) == ("0102", False)


def terminal(width: int, **options: Any) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=True, width=width, **options), out


def lines_of(data: bytes, folder: Path, console: Console, **options: Any) -> None:
    from fastframe._inspect.events import Settings
    from fastframe._inspect.filters import Filter
    from fastframe._inspect.reading import events
    from fastframe._inspect.report import Report
    from fastframe._inspect.source import Source

    writer = Lines(console, frames=False, preview=None)
    taking = Report(writer, Filter())
    with Source(str(write(folder, data))) as source:
        for event in events(source, Settings(**options)):
            taking.take(event)


def test_on_a_terminal_lines_have_colours_and_fit(tmp_path: Path) -> None:
    made = traffic().pcap() + b"cut"
    console, out = terminal(60, color_system="truecolor", legacy_windows=False)
    lines_of(made, tmp_path, console)
    assert "\x1b[1m#1 \x1b[0m" in out.getvalue()
    assert "\x1b[33mnote: the capture is cut off" in out.getvalue()
    console, out = terminal(60, color_system=None)
    lines_of(made, tmp_path, console)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) == 60
    assert lines[4].endswith("29 B             \\x…")
    broken, out = terminal(200, color_system="standard", legacy_windows=False)
    lines_of(frame(3, b""), tmp_path, broken, sent_by="server")
    assert "\x1b[1;31m#1 ← broken rule: the opcode is reserved (RFC 6455, 5.2)" in out.getvalue()
    wide, out = terminal(62, color_system=None)
    lines_of(Tcp().handshake().send(SERVER, frame(1, "你好".encode() * 9)).pcap(), tmp_path, wide)
    assert out.getvalue().splitlines()[3].endswith("  你好…")


def test_where_the_encoding_has_no_arrows(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path, traffic().pcap())
    result = run_python(
        "-m", "fastframe", "inspect", str(path), PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert result.returncode == 0
    assert "#1 -> " in result.stdout
    assert "\\u9999" in result.stdout
    assert "..." in result.stdout


def test_unknown_status_codes() -> None:
    assert code_text(4711) == "4711"


def test_several_files(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write(tmp_path, frame(1, b"one"), "first")
    second = write(tmp_path, frame(3, b""), "second")
    assert main(["inspect", str(first), str(second), "--sent-by", "server"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{first}\n#1 a stream of one direction")
    assert f"\n{second}\n#1 a stream" in out
    assert main(["inspect", "--csv", str(first), str(second), "--sent-by", "server"]) == 1
    out, err = capsys.readouterr()
    assert [row["file"] for row in csv.DictReader(io.StringIO(out))] == [str(first)]
    assert "broken rule" in err


# ---- JSON and CSV --------------------------------------------------------------------------------


def test_json(run: Run, tmp_path: Path) -> None:
    data = traffic().pcap()
    objects = run(data, "--json").objects
    name = str(tmp_path / "capture")
    assert all(item["file"] == name for item in objects)
    assert [item["type"] for item in objects] == ["opened", *["message"] * 8, "ended", "summary"]
    first = objects[1]
    assert first == {
        "type": "message", "file": name, "connection": 1, "sender": "client",
        "time": pytest.approx((START + 5_000_000) / 1e9), "offset": 0,
        "file_offset": data.index(frame(1, b'{"type": "start", "id": "1"}', key=KEY)),
        "opcode": "text", "fin": True, "rsv": 0, "masked": True, "frames": 1, "wire_length": 28,
        "length": 28, "compressed": False, "label": "start",
        "text": '{"type": "start", "id": "1"}', "cut": False,
    }  # fmt: skip
    assert objects[2]["text"] == HOSTILE
    assert objects[3]["hex"] == bytes(range(40)).hex()
    assert (objects[7]["code"], objects[7]["text"]) == (1000, "bye")
    assert objects[-2] == {
        "type": "ended", "file": name, "connection": 1,
        "time": pytest.approx((START + 13_000_000) / 1e9), "closed_by": "client",
        "client": {
            "bytes": 52, "frames": 3, "messages": 1, "payload_bytes": 28, "wire_bytes": 28,
            "retransmissions": 0, "reordered": 0, "gaps": 0, "close_code": 1000,
            "close_reason": "bye",
        },
        "server": {
            "bytes": 227, "frames": 6, "messages": 3, "payload_bytes": 209, "wire_bytes": 209,
            "retransmissions": 0, "reordered": 0, "gaps": 0, "close_code": 1000,
            "close_reason": "bye",
        },
    }  # fmt: skip
    assert objects[-1] == {
        "type": "summary", "file": name, "kind": "pcap", "bytes": len(data), "packets": 16,
        "tcp_connections": 1, "websockets": 1, "tls": 0, "other": 0, "skipped": {}, "messages": 4,
        "broken": 0,
    }  # fmt: skip


def test_cut_payloads(run: Run) -> None:
    data = frame(1, b"x" * 5000)
    assert [(len(m["text"]), m["cut"]) for m in run(data, "--json").of("message")] == [(4096, True)]
    assert run(data, "--json", "--preview", "3").texts == ["xxx"]


def test_csv(run: Run) -> None:
    result = run(traffic().pcap(), "--csv")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert len(rows) == 8
    assert rows[1]["text"] == shown(HOSTILE)
    assert (rows[2]["hex"], rows[2]["text"]) == (bytes(range(40)).hex(), "")
    assert (rows[6]["code"], rows[6]["opcode"]) == ("1000", "close")
    assert result.err == ""
    assert "note: taken as sent by the server" in run(frame(1, b"x"), "--csv").err


# ---- filters -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--frames", "--stats", "--opcode", "continuation"], []),
        (["--opcode", "ping", "--opcode", "pong"], ["ping", "pong"]),
        (["--min-size", "100"], ["text"]),
        (["--min-size", "1K"], []),
        (["--direction", "client"], ["text", "ping", "close"]),
        (["--grep", "xy"], ["text"]),
        (["--grep", "^bye$"], ["close", "close"]),
        (["--grep", "start", "--direction", "server"], []),
        (["--connection", "1", "--opcode", "binary"], ["binary"]),
        (["--connection", "2"], []),
        (["--frames", "--opcode", "continuation"], ["continuation"]),
    ],
)
def test_filters(run: Run, arguments: list[str], expected: list[str]) -> None:
    result = run(traffic().pcap(), "--json", *arguments)
    kind = "frame" if "--frames" in arguments else "message"
    assert [item["opcode"] for item in result.of(kind)] == expected
    assert len(result.of("opened")) == ("2" not in arguments and "--stats" not in arguments)
    assert run(traffic().pcap(), *arguments).code == 0


def test_notes_are_those_of_the_connections_that_are_wanted(run: Run) -> None:
    assert run(frame(1, b"x"), "--json", "--connection", "2").of("note") == []


def test_filters_and_figures(run: Run) -> None:
    data = traffic().pcap()
    (figures,) = run(data, "--json", "--stats", "--direction", "server", "--opcode", "text").of(
        "stats"
    )
    assert figures["server"]["text"] == 2
    assert figures["server"]["binary"] == figures["client"]["text"] == 0
    assert figures["server"]["size"] == {"min": 29, "median": 29, "p99": 140, "max": 140}
    (figures,) = run(data, "--json", "--stats", "--opcode", "close").of("stats")
    assert (figures["server"]["close"], figures["server"]["frames"]) == (1, 1)


def test_frames_inside_a_compressed_message_pass_by_their_size(run: Run) -> None:
    made = Tcp().handshake("Sec-WebSocket-Extensions: permessage-deflate")
    made.send(SERVER, frame(1, b"\x00" * 30, fin=False, rsv=4))
    assert len(run(made.pcap(), "--json", "--frames", "--min-size", "30").of("frame")) == 1
    assert len(run(made.pcap(), "--json", "--frames", "--min-size", "31").of("frame")) == 0


# ---- figures -------------------------------------------------------------------------------------


def test_stats(run: Run) -> None:
    made = traffic()
    (figures,) = run(made.pcap(), "--json", "--stats").of("stats")
    client, server = figures["client"], figures["server"]
    assert set(client) == {
        "text", "binary", "close", "ping", "pong", "messages", "frames", "payload_bytes",
        "wire_bytes", "ratio", "size", "seconds", "messages_per_second", "bytes_per_second",
        "longest_silence", "ping_round_trip", "retransmissions", "reordered", "gaps",
    }  # fmt: skip
    assert (client["ping"], client["seconds"]) == (1, pytest.approx(0.007))
    assert client["ping_round_trip"]["median"] == pytest.approx(0.001)
    assert client["longest_silence"] == pytest.approx(0.004)
    assert server["size"] == {"min": 29, "median": 40, "p99": 140, "max": 140}
    assert server["messages_per_second"] == pytest.approx(3 / server["seconds"])
    assert server["ratio"] == 1.0
    table = run(made.pcap(), "--stats").out
    assert "sent by the client  sent by the server" in table
    assert "ping round trip, median" in table
    assert "gaps" not in table


def test_stats_without_times(run: Run) -> None:
    data = frame(1, b"x") + frame(9, b"?") + frame(10, b"?")
    (figures,) = run(data, "--json", "--stats").of("stats")
    assert figures["server"]["seconds"] is None
    assert figures["server"]["longest_silence"] is None
    assert figures["client"]["ratio"] is None
    table = run(data, "--stats").out
    assert "active" not in table


def test_stats_of_trouble(run: Run) -> None:
    made = Tcp().handshake().send(SERVER, frame(1, b"x"))
    made.add(SERVER, made.seq[SERVER] - 3, 16, frame(1, b"x"))
    made.seq[SERVER] += 5
    made.send(SERVER, frame(1, b"x"))
    result = run(made.pcap(), "--stats")
    for name in ("retransmissions", "reordered", "gaps"):
        assert name in result.out
    assert result.code == 2


def test_pongs_without_a_ping_and_pings_without_a_pong(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "MAX_PINGS", 2)
    made = Tcp().handshake().send(SERVER, frame(10, b"not asked for"))
    for i in range(4):
        made.send(SERVER, frame(9, b"%d" % i))
    for i in range(4):
        made.send(CLIENT, frame(10, b"%d" % i, key=KEY))
    (figures,) = run(made.pcap(), "--json", "--stats").of("stats")
    assert (figures["server"]["ping"], figures["client"]["pong"]) == (4, 4)
    assert figures["server"]["ping_round_trip"]["max"] == pytest.approx(0.004)
    assert figures["server"]["ping_round_trip"]["min"] == pytest.approx(0.004)


def test_distributions_are_exact_or_within_a_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    exact, rounded = Distribution(), Distribution()
    for i in range(3000):
        exact.add(i * i)
    monkeypatch.setattr(stats, "MAX_VALUES", 1000)
    for i in range(3000):
        rounded.add(i * i)
    assert exact.quantile(0.5) == 1499**2
    assert len(rounded.counts) <= 1000 + 128 * 16
    assert rounded.count == exact.count == 3000
    for name, value in exact.figures().items():
        close = rounded.figures()[name]
        assert value is not None
        assert close is not None
        assert value * 0.99 <= close <= value
    assert Distribution().figures() == {"min": None, "median": None, "p99": None, "max": None}


# ---- a plot --------------------------------------------------------------------------------------


def test_plot(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for data in (traffic().pcap(), frame(1, b"x") * 2000 + frame(2, bytes(100_000))):
        picture = tmp_path / "picture.png"
        result = run(data, "--plot", str(picture))
        assert result.code == 0
        assert "sent by the server" in result.out
        assert picture.read_bytes().startswith(b"\x89PNG")
        picture.unlink()
    made = Tcp().handshake().send(CLIENT, frame(1, b"x", key=KEY))
    made.start += 10**12
    made.send(SERVER, frame(1, b"x"))
    assert run(made.pcap(), "--plot", str(picture)).code == 0
    result = run(frame(1, b"x"), "--plot", str(tmp_path / "no" / "folder.png"))
    assert result.code == 2
    assert result.err.count("\n") == 1


# ---- progress ------------------------------------------------------------------------------------


def test_progress(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SHOWN_FROM", 10)
    data = frame(1, b"x" * 100)
    assert run(data, "--stats").err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert "inspect" in run(data, "--stats").err
    assert run(data).err == ""
    with report.progress(5, quiet=False) as advance:
        assert advance is None


def test_a_reader_that_has_seen_enough(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*arguments: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(report.Report, "take", closed)
    monkeypatch.setattr("os.dup2", lambda *descriptors: None)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)
    assert run(frame(1, b"x")).code == 0


def test_output_that_is_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    path = write(tmp_path, frame(1, b"hello"))
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(out.getvalue().splitlines()[2])["text"] == "hello"
