"""A broken rule as one event in the log, with what it is about as fields of the record.

The logger is "fastframe.violations", and the level INFO: what peers send should not fill a log that
nobody has asked for. docs/logging.md shows how to make a warning of it.
"""

from __future__ import annotations

import logging

_log = logging.getLogger("fastframe.violations")


def log_violation(fields: dict[str, object], reason: str) -> None:
    """fields: `target` and `role` as in `fastframe.metrics`; `peer`, its address, None where that
    is not known; `rule`, `section`, `code` and `offset` as in ProtocolError."""
    if _log.isEnabledFor(logging.INFO):
        _log.info("%s: a peer broke a rule: %s", fields["target"], reason, extra=fields)
