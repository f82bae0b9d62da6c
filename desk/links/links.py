"""Making, opening and using web links.

A token is 24 characters of an alphabet of 58 (140 bits): letters and digits that people do not
mistake, and at whose end no phone stops reading a link. Only its SHA-256 is stored; a slow hash
protects guessable secrets and is of no use here.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, insert, select, update

from desk.db.schema.survey import links
from desk.errors import NoSuchTicket
from desk.tickets.ticket import get

Purpose = Literal["confirm", "survey"]

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LENGTH = 24

_INSERT = insert(links)
_GOOD = (
    links.c.hash == bindparam("of_hash"),
    links.c.used_at.is_(None),
    links.c.expires_at > bindparam("now"),
)
_OPEN = select(links).where(*_GOOD)
_USE = update(links).where(*_GOOD).values(used_at=bindparam("now")).returning(*links.c)


@dataclass(frozen=True, slots=True)
class Link:
    """A link without its secret. `cycle` is the ticket's when it was made: a link about one
    solution says nothing of a later one.
    """

    id: int
    purpose: Purpose
    ticket_id: int
    cycle: int
    made_at: datetime
    expires_at: datetime


def make(
    db: Connection, purpose: Purpose, ticket_id: int, expires_at: datetime, now: datetime
) -> str:
    """A new link; its token, which is shown this once.

    Raises:
        NoSuchTicket: there is none with this id.
        ValueError: it would have expired already.
    """
    if expires_at <= now:
        raise ValueError("the link would have expired already; give a later moment")
    ticket = get(db, ticket_id)
    if ticket is None:
        raise NoSuchTicket(ticket_id)
    token = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    row = {
        "hash": _hash(token),
        "purpose": purpose,
        "ticket_id": ticket_id,
        "cycle": ticket.cycle,
        "made_at": now,
        "expires_at": expires_at,
    }
    db.execute(_INSERT, row)
    return token


def open(db: Connection, token: str, now: datetime) -> Link | None:  # noqa: A001 - the field's word
    """The link with this token, if it is still good for an answer."""
    row = db.execute(_OPEN, {"of_hash": _hash(token), "now": now}).one_or_none()
    return _link(row) if row is not None else None


def use(db: Connection, token: str, now: datetime) -> Link | None:
    """Spend the link in the answer's own transaction; None: it is good for none (any more). Of
    two who use it at once, one does.
    """
    row = db.execute(_USE, {"of_hash": _hash(token), "now": now}).one_or_none()
    return _link(row) if row is not None else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _link(row: Any) -> Link:
    return Link(row.id, row.purpose, row.ticket_id, row.cycle, row.made_at, row.expires_at)
