"""Storing customers: new ones are made, known ones are changed where they differ."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from desk.customers.customer import Customer, get
from desk.customers.reading import CustomerRow, parse_csv, read_csv
from desk.db.schema import customer_numbers, customers
from desk.timeline import append

FIELDS = ("external_id", "name", "company", "level", "email", "note")

_BY_EXTERNAL_ID = select(customers.c.id).where(
    customers.c.external_id == bindparam("of_external_id")
)
# Without an external id, a customer is known by the name and any of the numbers.
_BY_NAME_AND_NUMBER = (
    select(customers.c.id)
    .join(customer_numbers)
    .where(
        customers.c.external_id.is_(None),
        customers.c.name == bindparam("of_name"),
        customer_numbers.c.e164.in_(bindparam("of_numbers", expanding=True)),
    )
    .order_by(customers.c.id)
    .limit(1)
)
_INSERT = insert(customers)
_UPDATE = (
    update(customers)
    .where(customers.c.id == bindparam("of_id"))
    .values(
        **{field: bindparam(f"new_{field}") for field in FIELDS},
        updated_at=bindparam("now"),
        version=customers.c.version + 1,
    )
)
_DROP_NUMBERS = delete(customer_numbers).where(customer_numbers.c.customer_id == bindparam("of_id"))
_ADD_NUMBER = insert(customer_numbers)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many customers an import made, changed, and found as they were."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "ImportReport") -> "ImportReport":
        return ImportReport(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
        )


def import_csv(
    db: Connection, source: str | Path, now: datetime, *, home_area_code: str = "022"
) -> ImportReport:
    """Import a CSV file, or its text, in one transaction. For big files on a busy line, give the
    rows of `parse_csv` to `upsert` in parts instead.

    Raises:
        BadImport: the file is wrong; nothing was stored.
    """
    if isinstance(source, Path):
        rows = read_csv(source, home_area_code=home_area_code)
    else:
        rows = parse_csv(source, home_area_code=home_area_code)
    return upsert(db, rows, now)


def upsert(
    db: Connection, rows: Sequence[CustomerRow], now: datetime, *, actor: str = "import"
) -> ImportReport:
    """Store these customers; `customer.created` and `customer.updated`. Doing it twice changes
    nothing the second time.
    """
    report = ImportReport()
    for row in rows:
        report += _upsert(db, row, now, actor)
    return report


def add_number(
    db: Connection, customer_id: int, e164: str, now: datetime, *, actor: str
) -> Customer | None:
    """Add a number to what is known of a customer, once; `customer.updated`. None: there is no such
    customer.
    """
    known = get(db, customer_id)
    if known is None or e164 in known.numbers:
        return known
    numbers = (*known.numbers, e164)
    values = {f"new_{field}": getattr(known, field) for field in FIELDS}
    db.execute(_UPDATE, {"of_id": customer_id, "now": now, **values})
    _set_numbers(db, customer_id, numbers)
    append(
        db,
        kind="customer.updated",
        body={"numbers": numbers},
        now=now,
        customer_id=customer_id,
        actor=actor,
    )
    return replace(known, numbers=numbers, version=known.version + 1)


def _upsert(db: Connection, row: CustomerRow, now: datetime, actor: str) -> ImportReport:
    known = _known(db, row)
    wanted: dict[str, Any] = {field: getattr(row, field) for field in FIELDS}
    if known is None:
        times = {"created_at": now, "updated_at": now, "version": 1}
        made: Any = db.execute(_INSERT, {**wanted, **times}).inserted_primary_key
        customer_id = made[0]
        _set_numbers(db, customer_id, row.numbers)
        body = {**wanted, "numbers": row.numbers}
        append(
            db,
            kind="customer.created",
            body=body,
            now=now,
            customer_id=customer_id,
            actor=actor,
        )
        return ImportReport(created=1)
    changes = {field: new for field, new in wanted.items() if getattr(known, field) != new}
    if row.numbers != known.numbers:
        changes["numbers"] = row.numbers
    if not changes:
        return ImportReport(unchanged=1)
    values = {f"new_{field}": value for field, value in wanted.items()}
    db.execute(_UPDATE, {"of_id": known.id, "now": now, **values})
    if "numbers" in changes:
        _set_numbers(db, known.id, row.numbers)
    append(db, kind="customer.updated", body=changes, now=now, customer_id=known.id, actor=actor)
    return ImportReport(updated=1)


def _known(db: Connection, row: CustomerRow) -> Customer | None:
    if row.external_id is not None:
        found = db.execute(_BY_EXTERNAL_ID, {"of_external_id": row.external_id}).scalar()
    elif row.numbers:
        values = {"of_name": row.name, "of_numbers": row.numbers}
        found = db.execute(_BY_NAME_AND_NUMBER, values).scalar()
    else:
        found = None
    return get(db, found) if found is not None else None


def _set_numbers(db: Connection, customer_id: int, numbers: Sequence[str]) -> None:
    db.execute(_DROP_NUMBERS, {"of_id": customer_id})
    if numbers:
        db.execute(
            _ADD_NUMBER,
            [
                {"customer_id": customer_id, "position": position, "e164": e164}
                for position, e164 in enumerate(numbers)
            ],
        )
