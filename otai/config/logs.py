"""What the log says of requests that mean nothing to us."""

from __future__ import annotations

import logging


class InALine(logging.Filter):
    """Leaves a record its message and takes its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record goes on."""
        record.exc_info = None
        return True
