"""Structured logs: one JSON object a line, on standard output."""

import logging
import sys
import time
import traceback
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

NOISY = ("aiokafka", "faststream", "httpcore", "httpx", "uvicorn")
"""Libraries heard from `warning` up, and once in QUIET_SECONDS for each thing they say."""

QUIET_SECONDS = 30.0

_SAID_MAX = 500


def set_up(service: str, version: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process, libraries' too, to `stream` as JSON lines naming service and version.

    Of an exception a line tells the types, the places and, for errors that Python or this house raised, the
    message. Messages of other libraries are left out: database drivers and validators put values in them.
    """

    def bound(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        return {"service": service, "version": version, **entry}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        bound,
        _tell_exception,
    ]
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.addFilter(OncePer(QUIET_SECONDS))
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


class OncePer(logging.Filter):
    """Lets a noisy library say one thing once in so many seconds: aiokafka repeats itself for ever."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._said: dict[tuple[str, str, type[BaseException] | None], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written. One thing is a text before its values are put in, and an error."""
        if not record.name.startswith(NOISY):
            return True
        error = record.exc_info[0] if record.exc_info else None
        thing, now = (record.name, str(record.msg), error), time.monotonic()
        if now - self._said.get(thing, -self._seconds) < self._seconds:
            return False
        if len(self._said) >= _SAID_MAX:
            self._said.clear()
        self._said[thing] = now
        return True


def described(error: BaseException) -> str:
    """The type of `error`, and its message where that cannot hold what a person wrote."""
    kind = type(error)
    ours = kind.__module__ == "builtins" or kind.__module__.startswith("truth_")
    message = str(error) if ours else ""
    return f"{kind.__qualname__}: {message}" if message else kind.__qualname__


def _tell_exception(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    given: object = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(given, tuple):
        error = cast(tuple[object, object, object], given)[1]
    if isinstance(error, BaseException):
        entry["exception"] = _told(error)
    return entry


def _told(error: BaseException) -> str:
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        parts.append("".join(traceback.format_tb(link.__traceback__)) + described(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\nwhich led to\n".join(reversed(parts))
