"""Which requests want something now, and when the next one will."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from desk.db.schema.outbound import outbound_attempts as attempts
from desk.db.schema.outbound import outbound_requests as requests
from desk.db.types import moment
from desk.outbound.requests import Request, request_of
from desk.outbound.settings import Way


def to_call(
    db: Connection, now: datetime, limit: int, agents: Collection[str] | None = None
) -> list[Request]:
    """Requests for calls whose time has come, who waits longest first.

    Args:
        agents: the extensions that can be rung; None: all.
    """
    query = (
        select(requests)
        .where(requests.c.state == "waiting", requests.c.way == "call", requests.c.due_at <= now)
        .order_by(requests.c.due_at, requests.c.id)
        .limit(limit)
    )
    if agents is not None:
        query = query.where(requests.c.agent.in_(["", *agents]))
    return [request_of(row) for row in db.execute(query)]


def under_way(db: Connection, prefix: str) -> list[Request]:
    """Requests with a call that is not settled, of the system whose channels' ids begin so: those
    that are being dialled, and those answered by a key whose process died before the call's end.
    """
    own = requests.c.channel_id.startswith(prefix, autoescape=True)
    dialling = select(requests).where(requests.c.state == "dialling", own)
    answered = (
        select(requests)
        .join(attempts, attempts.c.request_id == requests.c.id)
        .where(
            attempts.c.ended_at.is_(None),
            attempts.c.id == requests.c.channel_id,
            requests.c.state == "done",
            own,
        )
    )
    return [
        request_of(row)
        for query in (dialling, answered)
        for row in db.execute(query.order_by(requests.c.id))
    ]


def abandoned(db: Connection, before: datetime) -> list[Request]:
    """Requests that some system took before that moment, and that nobody has settled."""
    query = select(requests).where(requests.c.state == "dialling", requests.c.updated_at < before)
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
