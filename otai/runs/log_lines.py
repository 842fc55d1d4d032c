"""Logs for machines: one JSON object on each line, with the run and the organisation that it is about."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

ABOUT = ("run", "organisation")
"""What the rooms pass as `extra`; a line carries those that it was given."""


class JsonLinesFormatter(logging.Formatter):
    """`{"at", "level", "logger", "message", "run"?, "organisation"?, "error"?}`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: str(getattr(record, name)) for name in ABOUT if hasattr(record, name)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
