"""The fields that a ticket's type declares (tickets.fields in config.yaml): their values, and
which of them are still to be filled before the ticket can be resolved.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from desk.errors import BadFields
from desk.house import FieldSettings, house_of
from desk.text import storable
from desk.tickets.change import By, held, write
from desk.tickets.ticket import Ticket

MOST_TEXT = 1000
MOST_NUMBER = 1e15
KIND = "ticket.fields_set"

Value = bool | int | float | str
"""What a field holds; a date is text like `2026-11-22`."""


def set_fields(
    db: Connection,
    ticket_id: int,
    values: Mapping[str, Value | None],
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
) -> Ticket:
    """Fill fields of a ticket; `ticket.fields_set` says which. None empties one; what is not named
    stays. Nothing new changes nothing.

    Raises:
        BadFields: the ticket's type has no such field, or a value is not of its kind.
        NoSuchTicket, VersionConflict: see `change.held`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    declared = house_of(db).fields_of(ticket.type)
    problems = [
        problem
        for name, value in values.items()
        if (problem := _problem(name, value, declared, ticket.type))
    ]
    if problems:
        raise BadFields(ticket.number, problems)
    given = {name: _stored(value) for name, value in values.items()}
    new = {name: value for name, value in given.items() if value != ticket.fields.get(name)}
    if not new:
        return ticket
    kept = {**ticket.fields, **new}
    fields = {name: value for name, value in kept.items() if value is not None}
    return write(db, ticket, now, by, kind=KIND, values={"fields": fields}, body={"fields": new})


def unfilled(db: Connection, ticket: Ticket) -> tuple[str, ...]:
    """The fields that must be filled before the ticket is resolved and are not, as `product
    (产品)`.
    """
    return tuple(
        f"{name} ({field.label})"
        for name, field in house_of(db).fields_of(ticket.type).items()
        if field.required and ticket.fields.get(name) in (None, "")
    )


def _stored(value: Value | None) -> Value | None:
    if isinstance(value, str):
        return storable(value.strip(), MOST_TEXT) or None
    return value


def _problem(
    name: str, value: Value | None, declared: Mapping[str, FieldSettings], ticket_type: str
) -> str:
    field = declared.get(name)
    if field is None:
        there = ", ".join(declared) or "none"
        return f"{name!r} is no field of the type {ticket_type}; it has {there}"
    if value is None or _fits(value, field):
        return ""
    wanted = {
        "text": f"a text of at most {MOST_TEXT} characters",
        "number": "a number",
        "yes_no": "true or false",
        "date": "a date like 2026-11-22",
        "choice": "one of " + ", ".join(field.choices),
    }[field.kind]
    return f"{name} must be {wanted}"


def _fits(value: Any, field: FieldSettings) -> bool:
    if field.kind == "yes_no":
        return isinstance(value, bool)
    if field.kind == "number":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and abs(value) <= MOST_NUMBER  # NaN is not
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        return False
    if field.kind == "choice":
        return value.strip() in field.choices
    return field.kind == "text" or _is_date(value)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
