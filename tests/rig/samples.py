"""Callers, calls and tickets that tests of the desk begin with."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from desk import journal, tickets
from desk.db.engine import Database
from desk.journal import NewCall
from desk.region import Caller, locate
from desk.tickets import NewTicket, Ticket

NOW = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)
TIANJIN = locate("02253456789", "022")


def begin(
    db: Connection, call_id: str = "c1", caller: Caller = TIANJIN, now: datetime = NOW
) -> None:
    journal.begin(db, NewCall(call_id, "4001234567", caller.input, caller), now)


def call_with_ticket(db: Connection, call_id: str = "c1", now: datetime = NOW) -> Ticket:
    begin(db, call_id, now=now)
    return tickets.open_ticket(db, NewTicket("complaint", "天津 投诉", call_id=call_id), now)


async def sql(db: Database, statement: str, **values: object) -> None:
    """A change past the desk, as somebody with the database's password could make it."""
    await db.write(lambda connection: connection.execute(text(statement), values) and None)


def count(db: Connection, table: str) -> int:
    found: int = db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
    return found
