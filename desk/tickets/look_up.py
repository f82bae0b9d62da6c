"""Finding tickets."""

from sqlalchemy import Connection, exists, or_, select

from desk.db.schema import calls, tickets, utterances
from desk.numbering import ticket_id_of
from desk.tickets.ticket import Ticket, get, ticket_of

MOST = 200
MOST_LISTENED = 5000  # tickets; their words are read one after the other, 40 ms on SQLite
_NEWEST = select(tickets).order_by(tickets.c.id.desc())


def by_number(db: Connection, number: str) -> Ticket | None:
    """The ticket with this number; None also for a number with a wrong digit."""
    ticket_id = ticket_id_of(number)
    return get(db, ticket_id) if ticket_id is not None else None


def search(
    db: Connection,
    status: str | None = None,
    customer_id: int | None = None,
    region: str | None = None,
    text: str | None = None,
    limit: int = 50,
    before: int | None = None,
    *,
    type: str | None = None,  # noqa: A002 - the ticket's own word
    e164: str | None = None,
    said: str | None = None,
) -> list[Ticket]:
    """Tickets that meet every given condition, newest first, at most 200.

    Args:
        region: an area code (`022`), or the name of a province or a city (`天津`).
        text: a ticket number, or a part of subject, description or summary.
        said: a part of an utterance in one of its calls. Only the newest 5000 tickets that meet
            the other conditions are looked through.
        before: the id of the last ticket of the previous page.
    """
    query = _NEWEST
    if status is not None:
        query = query.where(tickets.c.status == status)
    if type is not None:
        query = query.where(tickets.c.type == type)
    if customer_id is not None:
        query = query.where(tickets.c.customer_id == customer_id)
    if e164 is not None:
        query = query.where(tickets.c.e164 == e164)
    if region is not None:
        if region.isascii() and region.isdigit():
            query = query.where(tickets.c.area_code == region)
        else:
            query = query.where(or_(tickets.c.province == region, tickets.c.city == region))
    if text is not None:
        anywhere = [
            tickets.c.subject.contains(text, autoescape=True),
            tickets.c.description.contains(text, autoescape=True),
            tickets.c.summary.contains(text, autoescape=True),
        ]
        ticket_id = ticket_id_of(text)
        if ticket_id is not None:
            anywhere.append(tickets.c.id == ticket_id)
        query = query.where(or_(*anywhere))
    if before is not None:
        query = query.where(tickets.c.id < before)
    if said is not None:
        newest = query.with_only_columns(tickets.c.id).limit(MOST_LISTENED).subquery()
        query = _NEWEST.where(
            tickets.c.id.in_(select(newest.c.id)),
            exists().where(
                calls.c.ticket_id == tickets.c.id,
                utterances.c.call_id == calls.c.id,
                utterances.c.text.contains(said, autoescape=True),
            ),
        )
    return [ticket_of(row) for row in db.execute(query.limit(min(limit, MOST)))]
