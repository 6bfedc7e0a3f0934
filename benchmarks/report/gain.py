"""The picture of the README: how many times as fast, by what you run.

usage: python -m benchmarks.report.gain

Its figures are those of the README's table. The colours are readable on a light and on a dark page,
as a picture does not know on which it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from benchmarks.report import front
from benchmarks.report.results import TIMES

PICTURE = Path(__file__).parent.parent.parent / "docs" / "pictures" / "gain.svg"

# By the first page of a row of the README's table, in the picture's order.
LABELS = {
    "uvicorn": "uvicorn with uvloop",
    "": "uvicorn with asyncio",
    "hypercorn": "hypercorn",
    "websockets": "websockets",
    "sanic": "sanic",
    "tornado": "tornado",
    "gunicorn": "gunicorn",
    "django": "Django with daphne",
    "flask-sock": "Flask-Sock",
    "autobahn": "autobahn",
    "websocket-client": "websocket-client",
}
COLUMNS = {0: "32 B", 1: "1 KiB"}
"""Two of the sizes of that table."""
COLOURS = ("#1a9c70", "#5b8def")

WIDTH, LEFT, TOP, ROW, BAR = 800, 214, 84, 38, 13
END = 8
"""Longer bars are broken."""
UNIT = (WIDTH - LEFT - 64) / END
TEXT, LINE = "#7a8088", "#7a808838"


def picture() -> str:
    rows = {next(iter(row.run)): front.gains(row) for row in front.ROWS if row.results}
    height = TOP + ROW * len(LABELS) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title" font-size="14" fill="{TEXT}" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif">',
        '<title id="title">CPU time without fastframe, divided by that with it</title>',
        text(12, 24, "What you gain", 'font-size="18" font-weight="600"'),
        *legend(),
        *scale(height),
    ]
    for number, (page, label) in enumerate(LABELS.items()):
        middle = TOP + ROW * number + ROW / 2
        parts.append(text(LEFT - 12, middle + 5, label, 'text-anchor="end"'))
        for place, column in enumerate(COLUMNS):
            top = middle + (place - 1) * (BAR + 1) + 0.5
            parts += bar(top, rows[page][column], COLOURS[place])
    return "\n".join([*parts, "</svg>", ""])


def legend() -> Iterator[str]:
    yield text(
        12, 48, "CPU time for one echoed text message: without fastframe, divided by with it"
    )
    x = LEFT + 300
    for colour, name in zip(COLOURS, COLUMNS.values()):
        yield f'<rect x="{x}" y="13" width="12" height="12" rx="2" fill="{colour}"/>'
        yield text(x + 18, 24, name, 'font-size="13"')
        x += 178


def scale(height: int) -> Iterator[str]:
    for times in range(END + 1):
        x = LEFT + times * UNIT
        yield line(x, height, dashed=times == 1)
        if times:
            name = f"{times}{TIMES}{' (no gain)' if times == 1 else ''}"
            yield text(x, TOP - 10, name, 'font-size="12" text-anchor="middle"')


def line(x: float, height: int, *, dashed: bool) -> str:
    style = f'stroke="{TEXT}" stroke-dasharray="4 3"' if dashed else f'stroke="{LINE}"'
    return f'<path d="M{x:.1f} {TOP - 4}V{height - 12}" {style}/>'


def bar(top: float, gain: str, colour: str) -> Iterator[str]:
    """With its figure after it."""
    times = float(gain.partition(TIMES)[0])
    length = min(times, END) * UNIT
    shape = f'y="{top:.1f}" height="{BAR}" fill="{colour}"'
    if times <= END:
        yield f'<rect x="{LEFT}" width="{length:.1f}" rx="2" {shape}/>'
    else:
        # Two pieces with a slanted gap between them.
        cut, foot = LEFT + length - 26, top + BAR
        yield f'<rect x="{LEFT}" width="{length - 30:.1f}" {shape}/>'
        yield (
            f'<path d="M{cut:.1f} {foot:.1f}l4 -{BAR}h22v{BAR}z" fill="{colour}"/>'
            f'<path d="M{cut - 5:.1f} {foot:.1f}l4 -{BAR}h-4v{BAR}z" fill="{colour}"/>'
        )
    shown = gain.rstrip("*")
    yield text(LEFT + length + 6, top + BAR - 2, shown, 'font-size="12" font-weight="600"')


def text(x: float, y: float, words: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{style and " " + style}>{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
