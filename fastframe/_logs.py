"""What fastframe says in the log about connections. Whatever a logger, a filter or a handler does,
a connection goes on as if nothing had been logged.

A broken rule is one event of the logger "fastframe.violations". Its level is INFO: what peers send
should not fill a log that nobody has asked for. docs/howto/logging.md shows how to make a warning
of it.
"""

from __future__ import annotations

import logging
import sys
import traceback

_violations = logging.getLogger("fastframe.violations")


def log_quietly(logger: logging.Logger, level: int, line: str, fields: dict[str, object]) -> None:
    """With the fields in the attribute `fastframe` of the record. An error is reported as the
    package logging does it: on standard error, while `logging.raiseExceptions` is true."""
    try:
        logger.log(level, "%s", line, extra={"fastframe": fields})
    except Exception:
        if logging.raiseExceptions and sys.stderr is not None:
            print("--- fastframe: what was to be logged was not ---", file=sys.stderr)
            traceback.print_exc()


def log_violation(fields: dict[str, object], reason: str) -> None:
    """fields: `target` and `role` as in `fastframe.metrics`; `peer`, its address, None where that
    is not known; `rule`, `section`, `code` and `offset` as in ProtocolError."""
    line = f"{fields['target']}: a peer broke a rule: {reason}"
    log_quietly(_violations, logging.INFO, line, fields)
