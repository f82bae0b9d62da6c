"""How tickets are related. Links are no part of a ticket's row: its version stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, or_, select

from desk.db.schema import ticket_links
from desk.db.types import moment
from desk.errors import NotLinkable
from desk.numbering import ticket_number
from desk.text import storable
from desk.tickets.change import By
from desk.tickets.ticket import for_change
from desk.timeline import append

MOST = 100


class Kind(StrEnum):
    """What a ticket is to the other."""

    DUPLICATE = "duplicate"  # the same matter twice
    RELATED = "related"
    CAUSED_BY = "caused_by"
    SPLIT_FROM = "split_from"


WORDS: Mapping[Kind, str] = {
    Kind.DUPLICATE: "重复",
    Kind.RELATED: "相关",
    Kind.CAUSED_BY: "起因",
    Kind.SPLIT_FROM: "拆自",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A relation, as one of the two sees it.

    Attributes:
        other_id: the other ticket.
        inverse: the other one is a duplicate of this one, is caused by it, or was split from it.
    """

    kind: Kind
    other_id: int
    inverse: bool
    actor: str
    at: datetime

    @property
    def number(self) -> str:
        """The other ticket's number."""
        return ticket_number(self.other_id)


def add(
    db: Connection, ticket_id: int, other_id: int, kind: Kind, now: datetime, *, by: By
) -> None:
    """Let a ticket be related to another; `ticket.linked` at both. Again: nothing.

    Raises:
        NoSuchTicket: there is none with one of the ids.
        NotLinkable: it is the same ticket, the other way round already, or has 100 links.
    """
    first, second = _ends(db, ticket_id, other_id, kind)
    there = of_ticket(db, first)
    if any(link.kind is kind and link.other_id == second and not link.inverse for link in there):
        return
    if any(link.kind is kind and link.other_id == second for link in there):
        raise NotLinkable(
            f"ticket {ticket_number(second)} is already {kind} of {ticket_number(first)}; "
            "remove that link first"
        )
    if len(there) >= MOST:
        raise NotLinkable(f"ticket {ticket_number(first)} has {MOST} links; remove one")
    row = {
        "ticket_id": first,
        "other_id": second,
        "kind": kind.value,
        "actor": storable(by.actor, 200),
        "at": now,
    }
    db.execute(insert(ticket_links), row)
    _tell(db, "ticket.linked", first, second, kind, now, by)


def remove(
    db: Connection, ticket_id: int, other_id: int, kind: Kind, now: datetime, *, by: By
) -> None:
    """Take a relation back; `ticket.unlinked` at both. Where there is none: nothing.

    Raises:
        NoSuchTicket, NotLinkable: see `add`.
    """
    first, second = _ends(db, ticket_id, other_id, kind)
    gone = db.execute(
        delete(ticket_links).where(
            ticket_links.c.ticket_id == first,
            ticket_links.c.other_id == second,
            ticket_links.c.kind == kind.value,
        )
    )
    if gone.rowcount:
        _tell(db, "ticket.unlinked", first, second, kind, now, by)


def of_ticket(db: Connection, ticket_id: int) -> list[Link]:
    """A ticket's relations, oldest first."""
    query = (
        select(ticket_links)
        .where(or_(ticket_links.c.ticket_id == ticket_id, ticket_links.c.other_id == ticket_id))
        .order_by(ticket_links.c.at, ticket_links.c.ticket_id, ticket_links.c.other_id)
    )
    found = []
    for row in db.execute(query):
        kind, mine = Kind(row.kind), row.ticket_id == ticket_id
        other_id = row.other_id if mine else row.ticket_id
        inverse = not mine and kind is not Kind.RELATED
        found.append(Link(kind, other_id, inverse, row.actor, moment(row.at)))
    return found


def _ends(db: Connection, ticket_id: int, other_id: int, kind: Kind) -> tuple[int, int]:
    """The ends as they are stored, both held. `related` has no direction: the older one first."""
    if ticket_id == other_id:
        raise NotLinkable("a ticket cannot be linked to itself; name another one")
    for each in sorted((ticket_id, other_id)):
        for_change(db, each)
    if kind is Kind.RELATED:
        return min(ticket_id, other_id), max(ticket_id, other_id)
    return ticket_id, other_id


def _tell(
    db: Connection, what: str, first: int, second: int, kind: Kind, now: datetime, by: By
) -> None:
    for ticket_id, other_id, inverse in ((first, second, False), (second, first, True)):
        append(
            db,
            kind=what,
            body={
                "number": ticket_number(ticket_id),
                "other": ticket_number(other_id),
                "link": kind.value,
                "inverse": inverse and kind is not Kind.RELATED,
            },
            now=now,
            ticket_id=ticket_id,
            actor=by.actor,
        )
