"""Logging: one structured line per event, personal data masked.

Numbers of callers never reach a log in full, whoever writes the line: the last processor masks
everything that is long enough to be a telephone number, and lets nothing that a caller sent
break a line or colour a terminal.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

LONGEST = 2_000
LONGEST_TRACEBACK = 20_000
_TRACEBACKS = frozenset({"exception", "stack", "stack_info"})
_DIGIT = r"[\d〇零幺一二三四五六七八九]"
# Told apart from numbers by their shape: Asterisk's ids (epoch seconds, a dot, a counter; the
# system name before them may end in digits), UUIDs, dates.
_KEPT = (
    r"(?<!\d)(?:\d{1,6}-)?1[5-9]\d{8}\.\d{1,9}(?!\d)"
    r"|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    r"|(?<!\d)20\d\d-[01]\d-[0-3]\d(?!\d)"
)
_NUMBER = rf"{_DIGIT}(?:[ \u00a0()/-]{{0,2}}{_DIGIT}){{6,}}"
_WANTED = re.compile(rf"(?P<kept>{_KEPT})|{_NUMBER}")
_ONE_DIGIT = re.compile(_DIGIT)
_LEAST_HIDDEN = 4
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_IN_TRACEBACK = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


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
        processors=[
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
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
    """A structlog processor: `masked` on every value, however deep; whole numbers stay."""
    for key, value in event.items():
        if key.startswith("_") or key == "timestamp":
            continue  # structlog's own
        if key in _TRACEBACKS and isinstance(value, str):
            event[key] = _CONTROL_IN_TRACEBACK.sub(_escaped, masked(value[-LONGEST_TRACEBACK:]))
        else:
            event[key] = _clean(value)
    return event


def masked(text: str) -> str:
    """Text with every number of seven digits or more masked, also with the separators that people
    put into numbers. Of eleven digits five stay: 13812345678 → 138******78."""
    return _WANTED.sub(_masked, text)


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_clean(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(one) for one in value]
    text = value if isinstance(value, str) else repr(value)
    cut = masked(text[:LONGEST]) + (" …" if len(text) > LONGEST else "")
    return _CONTROL.sub(_escaped, cut)


def _masked(found: re.Match[str]) -> str:
    text = found.group()
    if found["kept"]:
        return text
    places = [digit.start() for digit in _ONE_DIGIT.finditer(text)]
    first = max(0, min(3, len(places) - _LEAST_HIDDEN - 2))
    hidden = set(places[first:-2])
    return "".join("*" if place in hidden else char for place, char in enumerate(text))


def _escaped(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()
