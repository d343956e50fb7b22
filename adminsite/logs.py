"""What goes to the log in full, and what in a line."""

import logging

SERVER_ERROR = 500


class RefusalsInALine(logging.Filter):
    """Take the traceback off answers below 500: a refused request is a line, what broke keeps its trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", SERVER_ERROR) < SERVER_ERROR:
            record.exc_info = record.exc_text = None
        return True
