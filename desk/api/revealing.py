"""Who read numbers in full is on the record: `unmasked.read`, once an hour for the same reading."""

import re
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from desk.masking import shows_number
from desk.timeline import append

NOTED_EVERY = timedelta(hours=1)
MOST_NOTED = 10_000
MOST_PATH = 500
MOST_NAMED = 100  # records that an entry names


class Readings:
    """Which readings were noted in the last hour. Beyond 10,000 the oldest is noted again."""

    def __init__(self) -> None:
        self._noted: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def worth_noting(self, owner: str, what: str, now: datetime) -> bool:
        """This owner has not read this within an hour, as far as is remembered."""
        key = (owner, what)
        at = self._noted.get(key)
        return at is None or now - at >= NOTED_EVERY

    def noted(self, owner: str, what: str, now: datetime) -> None:
        """It is on the record."""
        self._noted[owner, what] = now
        self._noted.move_to_end((owner, what))
        if len(self._noted) > MOST_NOTED:
            self._noted.popitem(last=False)


def note(
    db: Connection, actor: str, operation: str, path: str, records: list[str], now: datetime
) -> None:
    """Put a reading on the record: by whom, of what, and of which records on a list."""
    body = {"operation": operation, "path": path, "records": records}
    append(db, kind="unmasked.read", body=body, now=now, actor=actor)


def numbers_in(body: bytes) -> list[str] | None:
    """The records on a JSON answer in which a number stands in full, by id; None if none does."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    items = told.get("items") if isinstance(told, dict) else None
    if isinstance(items, list):
        shown = [item for item in items if _any(item)]
        return [_id_of(item) for item in shown[:MOST_NAMED]] if shown else None
    return [] if _any(told) else None


def _any(value: Any) -> bool:
    return any(shows_number(key, text) for key, text in _texts("", value))


def _texts(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(key, item)
    elif isinstance(value, str):
        yield key, value


_PLAIN = re.compile(r"[^\x00-\x1f]{1,150}")


def _id_of(item: Any) -> str:
    for key in ("number", "id", "seq", "ticket_number"):
        found = item.get(key) if isinstance(item, dict) else None
        if found is not None and _PLAIN.fullmatch(str(found)):
            return str(found)
    return ""
