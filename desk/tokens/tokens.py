"""Making, checking and revoking API tokens.

A token is `hs_` and 256 random bits; only its SHA-256 is stored. A slow hash protects guessable
passwords and is of no use here.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from desk.db.schema import tokens
from desk.errors import NoSuchToken
from desk.text import canonical, parsed
from desk.timeline import append

PREFIX = "hs_"
USE_NOTED_EVERY = timedelta(hours=1)  # a look at the API is no reason to write each time

SCOPES: Mapping[str, str] = {
    "calls:read": "calls, live and past, with transcripts",
    "recordings:listen": "the audio of recordings; what is said in it cannot be masked",
    "tickets:read": "tickets",
    "tickets:write": "opening tickets, and every step that an agent may take",
    "tickets:override": "what supervisors decide: closing in the customer's place, and taking "
    "back 作废 and mergers",
    "attachments:read": "the files on tickets; what is in them cannot be masked",
    "customers:read": "customers",
    "routing:write": "checking, trying and putting in force rule sets of routing",
    "automation:write": "checking, trying and putting in force rule sets of automation",
    "messages:receive": "handing in what customers answer by SMS",
    "sla:write": "the policies and calendars of the service levels",
    "events:read": "the timeline and the event stream",
    "agents:read": "agents, their states, and who waits",
    "agents:write": "setting agents' states",
    "calls:control": "hold, transfer, conference, hang-up and recording of live calls",
    "calls:place": "calling customers: at once, at a moment; numbers that are not to be called",
    "calls:supervise": "listening to live calls, whispering and stepping in",
    "unmasked": "callers' numbers and names in full, in whatever else may be read",
    "admin": "everything above",
}

_INSERT = insert(tokens)
_BY_HASH = select(tokens).where(tokens.c.hash == bindparam("of_hash"))
_ALL = select(tokens).order_by(tokens.c.id)
_REVOKE = (
    update(tokens)
    .where(tokens.c.id == bindparam("of_id"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_USED = (
    update(tokens).where(tokens.c.id == bindparam("of_id")).values(last_used_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    account_id: int | None = None  # of the person whose rights bound it; None: a program's

    def allows(self, scope: str) -> bool:
        """Whether its holder may do what `scope` stands for."""
        return scope in self.scopes or "admin" in self.scopes

    def valid(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create(
    db: Connection,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    *,
    expires_at: datetime | None = None,
    account_id: int | None = None,
    actor: str = "system",
) -> tuple[Token, str]:
    """A new token and its secret, which is shown this once; `token.created`.

    Args:
        account_id: the account whose rights bound it, and which can take it away.

    Raises:
        ValueError: a scope is unknown, none is given, the name is empty, or it has expired.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise ValueError(f"unknown scopes {unknown}; choose from {', '.join(SCOPES)}")
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise ValueError("a token's name has 1 to 100 printable characters; say who uses it")
    if expires_at is not None and expires_at <= now:
        raise ValueError("the token would have expired already; give a later date")
    secret = PREFIX + secrets.token_urlsafe(32)
    kept = tuple(sorted(set(scopes)))
    row = {
        "name": name,
        "hash": _hash(secret),
        "scopes": canonical(kept),
        "created_at": now,
        "expires_at": expires_at,
        "account_id": account_id,
    }
    made: Any = db.execute(_INSERT, row).inserted_primary_key
    token = Token(made[0], name, kept, now, expires_at, None, None, account_id)
    body: dict[str, Any] = {
        "token_id": token.id,
        "name": name,
        "scopes": kept,
        "expires_at": expires_at,
    }
    if account_id is not None:
        body["account_id"] = account_id
    append(db, kind="token.created", body=body, now=now, actor=actor)
    return token, secret


def check(db: Connection, secret: str, now: datetime) -> Token | None:
    """The valid token with this secret."""
    if not secret.startswith(PREFIX):
        return None
    row = db.execute(_BY_HASH, {"of_hash": _hash(secret)}).one_or_none()
    token = _token(row) if row is not None else None
    return token if token is not None and token.valid(now) else None


def used(db: Connection, token: Token, now: datetime) -> None:
    """Note the use of a token. Call it when `use_is_worth_noting`."""
    db.execute(_USED, {"of_id": token.id, "now": now})


def use_is_worth_noting(token: Token, now: datetime) -> bool:
    """The last noted use is an hour old."""
    return token.last_used_at is None or now - token.last_used_at >= USE_NOTED_EVERY


def revoke(db: Connection, token_id: int, now: datetime, *, actor: str = "system") -> None:
    """Make a token useless from now on; `token.revoked`. Twice is once.

    Raises:
        NoSuchToken: there is none with this id.
    """
    if db.execute(_REVOKE, {"of_id": token_id, "now": now}).rowcount == 0:
        if any(token.id == token_id for token in listing(db)):
            return
        raise NoSuchToken(token_id)
    append(db, kind="token.revoked", body={"token_id": token_id}, now=now, actor=actor)


def listing(db: Connection) -> list[Token]:
    """All tokens, also expired and revoked ones, oldest first."""
    return [_token(row) for row in db.execute(_ALL)]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scopes=tuple(parsed(row.scopes)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        account_id=row.account_id,
    )
