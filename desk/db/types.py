"""Column types that behave alike on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String, TypeDecorator
from sqlalchemy.types import TypeEngine


class UtcTime(TypeDecorator[datetime]):
    """An aware moment in UTC: `timestamptz` on PostgreSQL, ISO 8601 text on SQLite.

    The text always has six decimals and `+00:00`, so text order is time order.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that the database sees."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Aware moment → what the driver takes."""
        if value is None:
            return None
        if value.tzinfo is not UTC:
            if value.tzinfo is None:
                raise ValueError(f"{value!r} has no time zone; pass an aware moment")
            value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else iso(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """What the driver gave → aware moment in UTC."""
        return moment(value) if value is not None else None


def iso(moment: datetime) -> str:
    """`2026-11-22T01:02:03.000004+00:00`: the one way a moment is written as text.

    Raises:
        ValueError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; pass an aware moment")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment(value: datetime | str) -> datetime:
    """The moment in a plain value that either driver gave (`Prepared` converts nothing)."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value.astimezone(UTC)
