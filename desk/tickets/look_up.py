"""Finding tickets."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, false, or_, select

from desk.db.schema import calls, customer_numbers, customers, tickets, utterances
from desk.numbering import ticket_id_of
from desk.tickets.states import ALIVE
from desk.tickets.ticket import Ticket, get, ticket_of

MOST = 200
MOST_LISTENED = 5000  # tickets; their words are read one after the other, 40 ms on SQLite
MOST_WORDS = 8
FEWEST_DIGITS = 4  # that may stand for a number's end
_NEWEST = select(tickets).order_by(tickets.c.id.desc())
_SPOKEN = str.maketrans("零〇一幺二两三四五六七八九", "0011223456789")


def id_of(number: str) -> int | None:
    """The id behind a ticket's number as somebody wrote, keyed or said it (`一零零零一四`); None
    for one with a wrong digit.
    """
    return ticket_id_of(_digits(number))


def by_number(db: Connection, number: str) -> Ticket | None:
    """The ticket with this number, in any form that `id_of` understands."""
    ticket_id = id_of(number)
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
    phone: str | None = None,
    said: str | None = None,
    team: str | None = None,
    assignee: str | None = None,
    going_on: bool | None = None,
    void_check: str | None = None,
    within: ColumnElement[bool] | None = None,
) -> list[Ticket]:
    """Tickets that meet every given condition, newest first, at most 200.

    Args:
        region: an area code (`022`), or the name of a province or a city (`天津`).
        text: a ticket number, or words, each of which is in subject, description, summary,
            solution, or the customer's name or company, or is the end of the caller's number.
        e164: the number from which it was opened.
        phone: that number, a number of its customer, or the last four digits or more of the first.
        said: a part of an utterance in one of its calls. Only the newest 5000 tickets that meet
            the other conditions are looked through.
        going_on: True for tickets that have not ended, False for those that have.
        void_check: `wanted` for those at which a supervisor is to look.
        before: the id of the last ticket of the previous page.
        within: what else must be true of the ticket.
    """
    plain = {
        "status": status, "type": type, "customer_id": customer_id, "e164": e164, "team": team,
        "assignee": assignee, "void_check": void_check,
    }  # fmt: skip
    query = _NEWEST.where(
        *(tickets.c[name] == value for name, value in plain.items() if value is not None)
    )
    if within is not None:
        query = query.where(within)
    if going_on is not None:
        alive = tickets.c.status.in_(sorted(ALIVE))
        query = query.where(alive if going_on else ~alive)
    if phone is not None:
        query = query.where(_of_phone(phone))
    if region is not None:
        if region.isascii() and region.isdigit():
            query = query.where(tickets.c.area_code == region)
        else:
            query = query.where(or_(tickets.c.province == region, tickets.c.city == region))
    if text is not None:
        query = query.where(_told(text))
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


def _of_phone(phone: str) -> ColumnElement[bool]:
    if phone.startswith("+"):
        holders = select(customer_numbers.c.customer_id).where(customer_numbers.c.e164 == phone)
        return or_(tickets.c.e164 == phone, tickets.c.customer_id.in_(holders))
    digits = _digits(phone)
    if len(digits) < FEWEST_DIGITS or not (digits.isascii() and digits.isdigit()):
        return false()
    return tickets.c.e164.endswith(digits, autoescape=True)


def _told(text: str) -> ColumnElement[bool]:
    """Every word is somewhere, or the whole is a ticket's number."""
    words = text.split()[:MOST_WORDS]
    found = and_(*(_has(word) for word in words)) if words else false()
    ticket_id = id_of(text)
    return found if ticket_id is None else or_(found, tickets.c.id == ticket_id)


def _has(word: str) -> ColumnElement[bool]:
    whose = select(customers.c.id).where(_contains((customers.c.name, customers.c.company), word))
    own = (tickets.c.subject, tickets.c.description, tickets.c.summary, tickets.c.solution)
    return or_(_contains(own, word), tickets.c.customer_id.in_(whose), _of_phone(word))


def _contains(columns: Sequence[Any], word: str) -> ColumnElement[bool]:
    """As written, or in half width: `ABC-12` is found by `ABC－12` too."""
    forms = dict.fromkeys((word, unicodedata.normalize("NFKC", word)))
    return or_(*(column.contains(form, autoescape=True) for column in columns for form in forms))


def _digits(text: str) -> str:
    """A number as it is said, keyed or written: half width, Chinese digits as digits, no gaps."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(plain.split()).translate(_SPOKEN).replace("-", "")
