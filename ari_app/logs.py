"""Logging: one structured line per event, personal data masked.

Numbers of callers never reach a log in full, whoever writes the line: the last processor masks
every run of digits that is long enough to be a telephone number.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_NUMBER = re.compile(r"(?<![0-9a-f.-])\+?\d{7,15}(?![0-9a-f.-])")


def configure(level: str, *, json: bool = False) -> None:
    """Send our own log lines and those of libraries to standard error."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        mask_numbers,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("alembic", "apscheduler", "asyncio", "uvicorn.access", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def mask_numbers(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep the first three and last two digits of anything that looks like a number."""
    for key, value in event.items():
        if isinstance(value, str) and key not in ("timestamp", "call"):
            event[key] = _NUMBER.sub(_masked, value)
    return event


def _masked(found: re.Match[str]) -> str:
    number = found.group()
    return number[:3] + "*" * (len(number) - 5) + number[-2:]
