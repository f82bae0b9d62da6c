"""What accounts do by themselves: forget sessions whose time is over."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from desk.accounts.sessions import forget_over
from desk.chores import Chore
from desk.db.schema.account import sessions


def account_chores() -> list[Chore]:
    """All of them."""
    return [Chore("accounts.sessions", forget_over, _next)]


def _next(db: Connection) -> datetime | None:
    first: datetime | None = db.execute(select(func.min(sessions.c.expires_at))).scalar()
    return first
