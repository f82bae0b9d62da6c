"""What is known of a customer, and finding customers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, or_, select

from desk.db.schema import customer_numbers, customers

MOST = 200
MOST_CANDIDATES = 50  # customers of one number that are shown; a switchboard's may have more

_numbers = customer_numbers.alias("numbers")
_FULL = (
    select(customers, _numbers.c.e164)
    .outerjoin(_numbers, _numbers.c.customer_id == customers.c.id)
    .order_by(customers.c.id, _numbers.c.position)
)
_ONE = _FULL.where(customers.c.id == bindparam("of_id"))
_BY_NUMBER = _FULL.where(
    customers.c.id.in_(
        select(customer_numbers.c.customer_id)
        .where(customer_numbers.c.e164 == bindparam("number"))
        .order_by(customer_numbers.c.customer_id)
        .limit(MOST_CANDIDATES)
    )
)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer. Texts are `""` where nothing is known.

    Attributes:
        level: the company's own word for the customer's value (VIP, 金卡, …).
        numbers: E.164, in the order of the import.
        external_id: the customer's id in the system that the record came from.
    """

    id: int
    name: str
    company: str
    level: str
    numbers: tuple[str, ...]
    email: str = ""
    note: str = ""
    external_id: str | None = None
    version: int = 1


def find_by_number(db: Connection, e164: str) -> list[Customer]:
    """Every customer with this number, by id, at most 50. An empty number is nobody's."""
    return _customers(db.execute(_BY_NUMBER, {"number": e164})) if e164 else []


def get(db: Connection, customer_id: int) -> Customer | None:
    """The customer with this id."""
    found = _customers(db.execute(_ONE, {"of_id": customer_id}))
    return found[0] if found else None


def search(
    db: Connection,
    *,
    text: str | None = None,
    level: str | None = None,
    limit: int = 50,
    before: int | None = None,
    within: ColumnElement[bool] | None = None,
) -> list[Customer]:
    """Customers that meet every given condition, newest first, at most 200.

    Args:
        text: a part of name or company, or the whole external id.
        before: the id of the last customer of the previous page.
        within: what else must be true of the customer.
    """
    ids = select(customers.c.id).order_by(customers.c.id.desc()).limit(min(limit, MOST))
    if text is not None:
        ids = ids.where(
            or_(
                customers.c.name.contains(text, autoescape=True),
                customers.c.company.contains(text, autoescape=True),
                customers.c.external_id == text,
            )
        )
    if within is not None:
        ids = ids.where(within)
    if level is not None:
        ids = ids.where(customers.c.level == level)
    if before is not None:
        ids = ids.where(customers.c.id < before)
    query: Select[Any] = _FULL.where(customers.c.id.in_(ids))
    return _customers(db.execute(query))[::-1]


def _customers(rows: Iterable[Any]) -> list[Customer]:
    """One customer from its run of rows, which differ in the number."""
    found: dict[int, tuple[Any, list[str]]] = {}
    for row in rows:
        _, numbers = found.setdefault(row.id, (row, []))
        if row.e164 is not None:
            numbers.append(row.e164)
    return [
        Customer(
            id=row.id,
            name=row.name,
            company=row.company,
            level=row.level,
            numbers=tuple(numbers),
            email=row.email,
            note=row.note,
            external_id=row.external_id,
            version=row.version,
        )
        for row, numbers in found.values()
    ]
