"""Replays a corpus through wsproto alone and through wsproto on fastframe, and reports differences
and speed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import wsproto

from fastframe._cli.corpus import KINDS, sessions
from fastframe._cli.differential import Difference, find_difference, minimize, seconds_to_echo
from fastframe._codec.kernels import active_kernel
from fastframe._targets.install import require
from fastframe._version import __version__


@dataclass
class KindReport:
    """What one kind of traffic has shown."""

    kind: str
    sessions: int = 0
    frames: int = 0
    bytes: int = 0
    wsproto_seconds: float = 0.0
    fastframe_seconds: float = 0.0

    @property
    def speedup(self) -> float:
        return self.wsproto_seconds / self.fastframe_seconds if self.fastframe_seconds else 0.0


@dataclass
class Report:
    seed: int
    kinds: list[KindReport] = field(default_factory=list)
    difference: Difference | None = None

    @property
    def frames(self) -> int:
        return sum(kind.frames for kind in self.kinds)

    @property
    def bytes(self) -> int:
        return sum(kind.bytes for kind in self.kinds)

    def as_json(self) -> dict[str, Any]:
        return {
            "fastframe": __version__,
            "kernel": active_kernel(),
            "wsproto": wsproto.__version__,
            "seed": self.seed,
            "identical": self.difference is None,
            "frames": self.frames,
            "bytes": self.bytes,
            "kinds": [{**vars(kind), "speedup": kind.speedup} for kind in self.kinds],
            "difference": None if self.difference is None else str(self.difference),
        }


def verify(frames: int, seed: int, advance: Callable[[str, int], None]) -> Report:
    """Replays at least `frames` frames, as many of each kind; stops at the first difference, and
    minimizes it.

    advance: called after each session with its kind and its number of frames.
    """
    require("wsproto")
    report = Report(seed)
    share = -(-frames // len(KINDS))
    for kind in KINDS:
        result = KindReport(kind)
        report.kinds.append(result)
        for session in sessions(kind, seed, share):
            difference = find_difference(session)
            if difference is not None:
                report.difference = minimize(difference)
                return report
            result.wsproto_seconds += seconds_to_echo(session, fast=False)
            result.fastframe_seconds += seconds_to_echo(session, fast=True)
            result.sessions += 1
            result.frames += len(session.frames)
            result.bytes += sum(map(len, session.frames))
            advance(kind, len(session.frames))
    return report
