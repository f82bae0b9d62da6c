"""A customer says by web link whether a case is solved: it closes, or is opened again."""

from datetime import datetime

from sqlalchemy import Connection

from desk.links.links import Link, open, use  # noqa: A004 - the field's word
from desk.tickets import SYSTEM, Given, Identity, Source, Status, Ticket, closing
from desk.tickets.ticket import for_change, get

MOST_WORDS = 1000


def asks(ticket: Ticket | None, link: Link) -> bool:
    """Whether a case still waits for the answer that a link was made for."""
    return ticket is not None and ticket.status == Status.RESOLVED and ticket.cycle == link.cycle


def confirmable(db: Connection, token: str, now: datetime) -> Ticket | None:
    """The case that this link asks about; None: it asks about nothing (any more)."""
    link = open(db, token, now)
    if link is None or link.purpose != "confirm":
        return None
    ticket = get(db, link.ticket_id)
    return ticket if asks(ticket, link) else None


def confirm(db: Connection, token: str, solved: bool, words: str, now: datetime) -> Ticket | None:
    """Take the customer's answer; the link is spent. The ticket as it is afterwards; None: nothing
    is asked by it (any more).

    Args:
        words: what the customer writes besides, if the case is not solved.
    """
    link = open(db, token, now)
    if link is None or link.purpose != "confirm":
        return None
    ticket = for_change(db, link.ticket_id)
    if not asks(ticket, link) or use(db, token, now) is None:
        return None
    given = Given(Source.LINK, Identity.TOKEN, evidence=f"link {link.id}")
    if solved:
        return closing.confirm(db, ticket.id, given, now, by=SYSTEM, expected_version=None)
    said = words.strip()[:MOST_WORDS]
    reason = (
        f"客户经链接告知未解决: {said}" if said else "客户经链接告知未解决 / not solved, by link"
    )
    return closing.reopen(db, ticket.id, reason, now, by=SYSTEM, expected_version=None, given=given)
