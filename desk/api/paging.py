"""Lists a page at a time."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, Field

from desk.api.problems import Problem

T = TypeVar("T")
R = TypeVar("R")


class Page(BaseModel, Generic[T]):
    """A page of results, newest first."""

    items: list[T]
    next: str | None = Field(description="`cursor` of the next page; null on the last one")

    @classmethod
    def of(cls, records: Sequence[R], limit: int, key: Callable[[R], Any], item: Callable[[R], T]
           ) -> Self:  # fmt: skip
        """A page from one record more than the page holds."""
        shown = records[:limit]
        more = len(records) > limit
        return cls(
            items=[item(record) for record in shown],
            next=to_cursor(str(key(shown[-1]))) if more else None,
        )


def to_cursor(key: str) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> str | None:
    """The key in a cursor.

    Raises:
        Problem: it is not one of ours.
    """
    if cursor is None:
        return None
    try:
        key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise bad_cursor() from error
    if to_cursor(key) != cursor or not key.isprintable():  # Python's decoder skips what it dislikes
        raise bad_cursor()
    return key


def number_from_cursor(cursor: str | None) -> int | None:
    """The id in a cursor.

    Raises:
        Problem: it is not one of ours.
    """
    key = from_cursor(cursor)
    if key is None:
        return None
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise bad_cursor()
    return int(key)


def moment_from_cursor(cursor: str | None) -> tuple[datetime, int] | None:
    """The moment and the id in a cursor of a list that is ordered by both.

    Raises:
        Problem: it is not one of ours.
    """
    key = from_cursor(cursor)
    if key is None:
        return None
    at, _, number = key.partition(" ")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise bad_cursor() from error
    if moment.tzinfo is None or not (number.isascii() and number.isdigit() and len(number) < 19):
        raise bad_cursor()
    return moment.astimezone(UTC), int(number)


def by_moment(
    records: Sequence[R],
    limit: int,
    at: Callable[[R], datetime],
    item: Callable[[R], T],
    before: tuple[datetime, int] | None,
) -> Page[T]:
    """A page of a list by moments, from one record more than it holds. Its cursor is the moment of
    the last record and how many of that moment were shown: it names nobody, so a reader who sees
    numbers masked learns none from it.
    """
    shown, following = records[:limit], None
    if len(records) > limit:
        last = at(shown[-1])
        had = sum(at(record) == last for record in shown)
        if before is not None and before[0] == last:
            had += before[1]
        following = to_cursor(f"{last.isoformat()} {had}")
    return Page[T](items=[item(record) for record in shown], next=following)


def bad_cursor() -> Problem:
    """400."""
    return Problem(
        400, "bad-cursor", "Bad cursor", "The cursor is not one that a page gave.",
        "Pass `next` of the page before, unchanged.",
    )  # fmt: skip
