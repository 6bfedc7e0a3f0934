"""The table of the README: what you run, what you write, what you gain."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report.results import TIMES, load, markdown

RESULTS = Path(__file__).parent.parent / "results"
HOWTO = "docs/howto/"
PROGRAM = "`fastframe run python PROGRAM.py`"
CLASS = "`uvicorn --ws fastframe.uvicorn:WSProtocol app:app`"


class Row(NamedTuple):
    run: dict[str, str]  # what the user runs, by the name of its page; "" for one without a page
    write: str
    results: str = ""  # none: not measured as a whole
    group: str = ""  # of which `{}` is the size
    alone: str = "alone"
    on_fastframe: str = "on fastframe"
    mark: str = ""  # of a note under the table


SIZES = ("32 B", "1 KiB", "64 KiB")
UVICORN = ("uvicorn, websockets-sansio", "uvicorn, fastframe")
ROWS = (
    Row(
        {
            "uvicorn": "uvicorn[standard]",
            "fastapi": "FastAPI, Starlette",
            "quart": "Quart",
            "python-socketio": "python-socketio",
        },
        CLASS,
        "end_to_end",
        "uvloop, text: {}",
        *UVICORN,
    ),
    Row({"": "the same without uvloop"}, "the same", "end_to_end", "asyncio, text: {}", *UVICORN),
    Row(
        {"hypercorn": "hypercorn"},
        "`fastframe run hypercorn app:app`",
        "end_to_end",
        "asyncio, text: {}",
        "hypercorn",
        "hypercorn, fastframe run",
    ),
    Row(
        {"gunicorn": "gunicorn"},
        "`fastframe run gunicorn -k asgi app:app`",
        "libraries",
        "gunicorn: {} ASCII text",
    ),
    Row(
        {"django": "Django with daphne"},
        "`fastframe run python manage.py runserver`",
        "libraries",
        "autobahn, daphne: {} ASCII text",
    ),
    Row(
        {"sanic": "sanic"},
        "`fastframe run --target websockets sanic app:app`",
        "libraries",
        "websockets, sanic: {} ASCII text",
    ),
    Row(
        {"websockets": "websockets"},
        "`fastframe run --target websockets python PROGRAM.py`",
        "libraries",
        "websockets: {} ASCII text",
    ),
    Row(
        {"tornado": "tornado, Bokeh, Panel", "jupyter": "Jupyter"},
        "`fastframe run jupyter lab`",
        "libraries",
        "tornado: {} ASCII text",
        mark=" ‡",
    ),
    Row(
        {"flask-sock": "Flask-Sock", "flask-socketio": "Flask-SocketIO"},
        PROGRAM,
        "libraries",
        "wsproto, flask-sock: {} ASCII text",
        mark=" ‡",
    ),
    Row(
        {"websocket-client": "websocket-client (selenium, kubernetes, docker)"},
        PROGRAM,
        "libraries",
        "websocket-client: {} ASCII text",
    ),
    Row({"autobahn": "autobahn, crossbar"}, PROGRAM, "libraries", "autobahn: {} ASCII text"),
    Row(
        {
            "trio-websocket": "trio-websocket",
            "httpx-ws": "httpx-ws",
            "twisted": "twisted",
            "mitmproxy": "mitmproxy",
        },
        PROGRAM,
    ),
)


SOURCES = tuple(dict.fromkeys(f"{row.results}.json" for row in ROWS if row.results))


def table(results: dict[str, Any]) -> str:
    """How many times as much CPU time each takes without fastframe, at three sizes of text."""
    return markdown(["You run", "You write", *SIZES], map(cells, ROWS))


def cells(row: Row) -> list[str]:
    names = ", ".join(
        f"[{name}]({HOWTO}{page}.md)" if page else name for page, name in row.run.items()
    )
    return [names + row.mark, row.write, *gains(row)]


def gains(row: Row) -> list[str]:
    if not row.results:
        return ["†"] * len(SIZES)
    medians = load(RESULTS / f"{row.results}.json")["medians"]
    found = []
    for size in SIZES:
        times = medians[row.group.format(size)]
        found.append(f"{shown(times[row.alone] / times[row.on_fastframe])}{TIMES}")
    return found


def shown(gain: float) -> str:
    return f"{gain:.1f}" if gain < 9.95 else f"{gain:.0f}"
