"""Sessions: what a browser holds after a log-in.

A session's secret is 256 random bits in a cookie; only its SHA-256 is stored. A session ends after
a time however it is used, earlier when nobody uses it, and at once with a new password, a new role
or a disabled account. The CSRF token is derived from the secret: it needs no place of its own, and
nobody who cannot read the page knows it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from desk.accounts.account import Account, account_of, find
from desk.db.schema.account import accounts, sessions
from desk.timeline import append

NOTED_EVERY = timedelta(minutes=5)  # a look at a page is no reason to write each time
MOST_OF_ONE = 20  # sessions of an account; the oldest goes


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a session lasts: altogether, and unused."""

    longest: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Session:
    """A session of an account."""

    id: int
    account: Account
    expires_at: datetime
    used_at: datetime


def open_session(
    db: Connection, name: str, password_hash: str, now: datetime, terms: Terms,
    new_hash: str | None = None,
) -> tuple[Session, str] | None:  # fmt: skip
    """A session and its secret for somebody whose password was found right; `session.opened`.
    None if the account is locked or disabled, or the password was changed meanwhile.

    Args:
        password_hash: against which the password was verified.
        new_hash: the same password's, made with today's settings.
    """
    account = find(db, name, held=True)
    if account is None or account.locked(now) or account.disabled_at is not None:
        return None
    kept = db.execute(select(accounts.c.password_hash).where(accounts.c.id == account.id)).scalar()
    if kept != password_hash:
        return None
    values: dict[str, Any] = {"failures": 0, "locked_until": None, "last_login_at": now}
    if new_hash is not None:
        values["password_hash"] = new_hash
    db.execute(update(accounts).where(accounts.c.id == account.id).values(**values))
    _make_room(db, account.id, now)
    secret = secrets.token_urlsafe(32)
    row = {
        "account_id": account.id,
        "hash": hash_of(secret),
        "created_at": now,
        "used_at": now,
        "expires_at": now + terms.longest,
    }
    made = db.execute(insert(sessions).returning(sessions.c.id), row).scalar_one()
    append(db, kind="session.opened", body={"account": name}, now=now, actor=name)
    return Session(made, account, now + terms.longest, now), secret


def check(db: Connection, secret: str, now: datetime, terms: Terms) -> Session | None:
    """The session with this secret, if it still lasts."""
    row = db.execute(
        select(accounts, sessions.c.id.label("session_id"), sessions.c.expires_at,
               sessions.c.used_at)
        .join(sessions, sessions.c.account_id == accounts.c.id)
        .where(sessions.c.hash == hash_of(secret), accounts.c.disabled_at.is_(None))
    ).one_or_none()  # fmt: skip
    if row is None or now >= row.expires_at or now - row.used_at >= terms.idle:
        return None
    return Session(row.session_id, account_of(row), row.expires_at, row.used_at)


def used(db: Connection, session: Session, now: datetime) -> None:
    """Note that it is used. Call it when `use_is_worth_noting`."""
    db.execute(update(sessions).where(sessions.c.id == session.id).values(used_at=now))


def use_is_worth_noting(session: Session, now: datetime) -> bool:
    """The last noted use is five minutes old."""
    return now - session.used_at >= NOTED_EVERY


def close(db: Connection, session: Session, now: datetime) -> None:
    """Log out; `session.closed`. Twice is once."""
    if db.execute(delete(sessions).where(sessions.c.id == session.id)).rowcount:
        body = {"account": session.account.name}
        append(db, kind="session.closed", body=body, now=now, actor=session.account.name)


def forget_over(db: Connection, now: datetime, limit: int) -> int:
    """Delete sessions whose time is over, at most `limit`; how many there were."""
    over = select(sessions.c.id).where(sessions.c.expires_at <= now).limit(limit)
    return db.execute(delete(sessions).where(sessions.c.id.in_(over))).rowcount


def csrf_of(secret: str) -> str:
    """The token that a page's requests must carry besides the cookie."""
    return hashlib.sha256(f"csrf {secret}".encode("utf-8", "replace")).hexdigest()


def csrf_is_right(secret: str, given: str) -> bool:
    """Whether a request carries it."""
    return hmac.compare_digest(csrf_of(secret).encode(), given.encode("utf-8", "replace"))


def hash_of(secret: str) -> str:
    """What is stored of a secret. A slow hash protects guessable passwords; this is none."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _make_room(db: Connection, account_id: int, now: datetime) -> None:
    newest = (
        select(sessions.c.id)
        .where(sessions.c.account_id == account_id, sessions.c.expires_at > now)
        .order_by(sessions.c.id.desc())
        .limit(MOST_OF_ONE - 1)
    )
    db.execute(
        delete(sessions).where(
            sessions.c.account_id == account_id, sessions.c.id.not_in(newest.scalar_subquery())
        )
    )
