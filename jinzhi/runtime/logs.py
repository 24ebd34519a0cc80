"""Log lines as JSON (JINZHI_LOG_FORMAT=json): one object a line, for collectors that read fields."""

import json
import logging
import os
from datetime import UTC, datetime

# Attributes every record has; what a caller adds by `extra` is none of them.
_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "server_time"}


class JsonLine(logging.Formatter):
    """time (UTC), level, logger, message, node, process; `extra` fields; error with its traceback as one string."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage(),
            "node": os.environ.get("JINZHI_NODE", ""), "process": record.process,
        }  # fmt: skip
        said |= {k: v for k, v in vars(record).items() if k not in _PLAIN}
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)
