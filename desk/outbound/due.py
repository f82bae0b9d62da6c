"""Which requests want something now, and when the next one will."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from desk.db.schema.outbound import outbound_requests as requests
from desk.db.types import moment
from desk.outbound.requests import Request, request_of
from desk.outbound.settings import Way


def to_call(db: Connection, now: datetime, limit: int) -> list[Request]:
    """Requests for calls whose time has come, who waits longest first."""
    query = (
        select(requests)
        .where(requests.c.state == "waiting", requests.c.way == "call", requests.c.due_at <= now)
        .order_by(requests.c.due_at, requests.c.id)
        .limit(limit)
    )
    return [request_of(row) for row in db.execute(query)]


def dialling(db: Connection, prefix: str) -> list[Request]:
    """Requests that are being dialled by the system whose channels' ids begin so."""
    query = select(requests).where(
        requests.c.state == "dialling",
        requests.c.channel_id.startswith(prefix, autoescape=True),
    )
    return [request_of(row) for row in db.execute(query.order_by(requests.c.id))]


def next_call(db: Connection, now: datetime) -> datetime | None:
    """When the next request for a call comes due after `now`; None: none does."""
    query = (
        select(requests.c.due_at)
        .where(requests.c.state == "waiting", requests.c.way == "call", requests.c.due_at > now)
        .order_by(requests.c.due_at)
        .limit(1)
    )
    at = db.execute(query).scalar_one_or_none()
    return moment(at) if at is not None else None


def next_due(db: Connection, ways: Sequence[Way]) -> datetime | None:
    """When the next request of these ways wants something; None: nothing is known of."""
    query = (
        select(requests.c.due_at)
        .where(
            requests.c.state.in_(("waiting", "asked")),
            requests.c.way.in_(ways),
            requests.c.due_at.is_not(None),
        )
        .order_by(requests.c.due_at)
        .limit(1)
    )
    at = db.execute(query).scalar_one_or_none()
    return moment(at) if at is not None else None
