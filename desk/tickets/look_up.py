"""Finding tickets.

Words are looked up in an index (`desk.tickets.word_index`), and what is found is read again as its
reader sees it: who sees numbers masked finds nothing by what is hidden from him.
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, false, or_, select, union

from desk.db.schema import calls, customer_numbers, customers, tickets, utterances
from desk.db.schema.teamwork import watchers as watching
from desk.errors import Unacceptable
from desk.numbering import ticket_id_of
from desk.text import canonical
from desk.tickets.sorting import Place, Sort, beyond, ordered, place_in, place_of
from desk.tickets.states import ALIVE
from desk.tickets.ticket import Ticket, get, ticket_of
from desk.tickets.word_index import own_texts, unseen, with_pairs
from desk.tickets.words import (
    digits_of,
    fits,
    holds,
    pairs,
    phone_patterns,
    plain,
    spelled_out,
)

MOST = 200
MOST_LISTENED = 5000  # tickets; their words are read one after the other, 40 ms on SQLite
MOST_READ = 5000  # tickets that may be read again for one page
MOST_WORDS = 8
_TICKETS = select(tickets)
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_DIGITS = frozenset("0123456789零〇一二三四五六七八九幺两")


class DigitsHidden(Unacceptable):
    """What was said is shown with its numbers masked, so it is not searched for numbers."""

    error_id = "digits-hidden"

    def __init__(self) -> None:
        super().__init__(
            "what was said is not searched for numbers by those who see them masked; "
            "search for a word, or for the end of the caller's number"
        )


class _Known(NamedTuple):
    """What is known of a ticket's customer."""

    names: Sequence[str]
    numbers: Sequence[str]


_NOBODY = _Known((), ())


def id_of(number: str) -> int | None:
    """The id behind a ticket's number as somebody wrote, keyed or said it (`一零零零一四`); None
    for one with a wrong digit.
    """
    return ticket_id_of(digits_of(number))


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
    level: int | None = None,
    label: str | None = None,
    statuses: Collection[str] | None = None,
    assignees: Collection[str] | None = None,
    watchers: Collection[str] | None = None,
    going_on: bool | None = None,
    void_check: str | None = None,
    within: ColumnElement[bool] | None = None,
    sort: Sort = "newest",
    after: Place | None = None,
    masked: bool = False,
) -> list[Ticket]:
    """Tickets that meet every given condition, at most 200.

    Args:
        region: an area code (`022`), or the name of a province or a city (`天津`).
        text: a ticket number, or words, each of which is in subject, description, summary,
            solution, or the customer's name or company, or is a number as below.
        e164: the number from which it was opened.
        phone: that number or another one of its customer, in any form, or four digits or more at
            the end of one.
        said: a part of an utterance in one of its calls. Only the newest 5000 tickets that meet
            the other conditions are looked through.
        statuses, assignees: one of these.
        watchers: addresses, one of which watches it.
        going_on: True for tickets that have not ended, False for those that have.
        void_check: `wanted` for those at which a supervisor is to look.
        before: the id of the last ticket of the previous page, the newest coming first.
        after: where the previous page ended, in this order.
        within: what else must be true of the ticket.
        masked: whoever asks sees numbers masked: what is hidden from him is not searched.

    Raises:
        DigitsHidden: see there.
    """
    plainly = {
        "status": status, "type": type, "customer_id": customer_id, "e164": e164, "team": team,
        "assignee": assignee, "void_check": void_check, "level": level,
    }  # fmt: skip
    query = _TICKETS.where(
        *(tickets.c[name] == value for name, value in plainly.items() if value is not None)
    )
    for column, several in ((tickets.c.status, statuses), (tickets.c.assignee, assignees)):
        if several is not None:
            query = query.where(column.in_(sorted(several)))
    if within is not None:
        query = query.where(within)
    if going_on is not None:
        alive = tickets.c.status.in_(sorted(ALIVE))
        query = query.where(alive if going_on else ~alive)
    if phone is not None:
        query = query.where(_of_phone(phone, masked))
    if label is not None:
        query = query.where(tickets.c.labels.contains(canonical(label), autoescape=True))
    if watchers is not None:
        watched = select(watching.c.ticket_id).where(watching.c.watcher.in_(sorted(watchers)))
        query = query.where(tickets.c.id.in_(watched))
    if region is not None:
        if region.isascii() and region.isdigit():
            query = query.where(tickets.c.area_code == region)
        else:
            query = query.where(or_(tickets.c.province == region, tickets.c.city == region))
    if before is not None:
        query = query.where(tickets.c.id < before)
    if said is not None:
        query = _listened(query, said, masked)
    most = min(limit, MOST)
    if text is not None:
        return _told(db, query, text, sort, after, most, masked)
    return _page(db, query, sort, after, most)


def _page(
    db: Connection, query: Select[Any], sort: Sort, after: Place | None, most: int
) -> list[Ticket]:
    if after is not None:
        query = query.where(beyond(sort, after))
    return [ticket_of(row) for row in db.execute(ordered(query, sort).limit(most))]


def _listened(query: Select[Any], said: str, masked: bool) -> Select[Any]:
    if masked and any({one, two} <= _DIGITS for one, two in pairwise(said)):
        raise DigitsHidden
    newest = (
        query.with_only_columns(tickets.c.id)
        .order_by(tickets.c.id.desc())
        .limit(MOST_LISTENED)
        .subquery()
    )
    return _TICKETS.where(
        tickets.c.id.in_(select(newest.c.id)),
        exists().where(
            calls.c.ticket_id == tickets.c.id,
            utterances.c.call_id == calls.c.id,
            utterances.c.text.contains(said, autoescape=True),
        ),
    )


def _of_phone(phone: str, masked: bool) -> ColumnElement[bool]:
    found: list[ColumnElement[bool]] = []
    for pattern in phone_patterns(phone, masked):
        holders = select(customer_numbers.c.customer_id).where(
            customer_numbers.c.e164.like(pattern)
        )
        found += [tickets.c.e164.like(pattern), tickets.c.customer_id.in_(holders)]
    return or_(*found) if found else false()


def _told(
    db: Connection, query: Select[Any], text: str, sort: Sort, after: Place | None, most: int,
    masked: bool,
) -> list[Ticket]:  # fmt: skip
    """Those in which every word is somewhere, or whose number the whole is."""
    readings = [text.split()[:MOST_WORDS], *spelled_out(text)]
    numbered = id_of(text)
    if not readings[0]:
        return []
    stale = unseen(db)
    wanted = or_(*(and_(*(_has(db, word, stale, masked) for word in words)) for words in readings))
    if numbered is not None:
        wanted = or_(wanted, tickets.c.id == numbered)
    found: list[Ticket] = []
    left = MOST_READ
    query = query.where(wanted)
    while left > 0 and len(found) < most:
        page = _page(db, query, sort, after, min(MOST, left))
        known = _known(db, page)
        found += [
            ticket
            for ticket in page
            if ticket.id == numbered
            or any(_truly(ticket, known, words, masked) for words in readings)
        ]
        left -= len(page)
        if len(page) < MOST:
            break
        after = _place(db, page[-1], sort)
    return found[:most]


def _has(db: Connection, word: str, stale: Select[Any] | None, masked: bool) -> ColumnElement[bool]:
    """Tickets that may have a word; all that have it are among them."""
    whose = select(customers.c.id).where(_contains((customers.c.name, customers.c.company), word))
    phone = _of_phone(word, masked)
    wanted = pairs(word)
    if stale is None or not wanted:  # a single character, or no index to use
        own = (tickets.c.subject, tickets.c.description, tickets.c.summary, tickets.c.solution)
        return or_(_contains(own, word), tickets.c.customer_id.in_(whose), phone)
    ids = [
        with_pairs(db, wanted),
        stale,
        select(tickets.c.id).where(tickets.c.customer_id.in_(whose)),
    ]
    if phone is not false():
        ids.append(select(tickets.c.id).where(phone))
    return tickets.c.id.in_(union(*ids))


def _truly(ticket: Ticket, known: Mapping[int, _Known], words: Sequence[str], masked: bool) -> bool:
    """Whether every word is in the ticket as whoever asks sees it."""
    customer = known.get(ticket.customer_id or 0, _NOBODY)
    numbers = (ticket.caller.e164, *customer.numbers)
    return all(
        any(holds(text, plain(word), masked=masked) for text in own_texts(ticket))
        or any(holds(text, plain(word), masked=False) for text in customer.names)
        or any(
            fits(number, pattern) for pattern in phone_patterns(word, masked) for number in numbers
        )
        for word in words
    )


def _known(db: Connection, page: Sequence[Ticket]) -> dict[int, _Known]:
    """What is known of the customers of a page."""
    ids = sorted({ticket.customer_id for ticket in page if ticket.customer_id is not None})
    if not ids:
        return {}
    numbers: dict[int, list[str]] = {}
    held = select(customer_numbers.c.customer_id, customer_numbers.c.e164)
    for row in db.execute(held.where(customer_numbers.c.customer_id.in_(ids))):
        numbers.setdefault(row.customer_id, []).append(row.e164)
    named = select(customers.c.id, customers.c.name, customers.c.company)
    return {
        row.id: _Known((row.name, row.company), numbers.get(row.id, ()))
        for row in db.execute(named.where(customers.c.id.in_(ids)))
    }


def _place(db: Connection, ticket: Ticket, sort: Sort) -> Place:
    return place_in(place_of(db, ticket, sort), sort)


def _contains(columns: Sequence[Any], word: str) -> ColumnElement[bool]:
    """As written, in half width, or in full: `ABC-12` is found by `ＡＢＣ－１２`, and finds it."""
    half = unicodedata.normalize("NFKC", word)
    full = (half.upper().translate(_FULL_WIDTH), half.lower().translate(_FULL_WIDTH))
    forms = dict.fromkeys((word, half, *full))
    return or_(*(column.icontains(form, autoescape=True) for column in columns for form in forms))
