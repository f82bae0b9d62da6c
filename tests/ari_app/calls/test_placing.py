"""A request is dialled by one process, within the limits, while there is something to ask."""

import asyncio
from datetime import datetime
from typing import Any

from ari_app.calls.outbound.outbound_records import begin_confirm, claim
from desk import journal, timeline
from desk.db.engine import Database
from desk.journal import NewCall
from desk.outbound import Request, attempts, limits, requests
from desk.region import locate
from desk.tickets import closing
from tests.desk.outbound.samples import (
    AGENT,
    CHINA,
    EVENING,
    MORNING,
    SETTINGS,
    case,
    look,
    request_of,
)


async def asked(db: Database) -> tuple[Any, Request]:
    await look(db, MORNING)
    ticket = await db.write(case)
    await look(db, MORNING)
    return ticket, await db.read(request_of, ticket.id)


async def begin(db: Database, request: Request, name: str, now: datetime = MORNING) -> str:
    new = NewCall(
        name, request.number, request.e164, locate(request.e164),
        direction="outbound", ticket_id=request.ticket_id,
    )  # fmt: skip
    said = await db.write(
        begin_confirm, request.id, new, "confirm", {}, "02288880000", SETTINGS, CHINA, now
    )
    return str(said)


async def test_of_several_processes_one_calls_the_customer(db: Database) -> None:
    ticket, request = await asked(db)
    said = await asyncio.gather(*(begin(db, request, f"huisheng-{n}") for n in range(6)))
    assert sorted(said) == ["begun"] + ["taken"] * 5
    assert len(await db.read(attempts.of_request, request.id)) == 1
    assert len(await db.read(journal.unfinished)) == 1
    told = await db.read(timeline.entries_after, 0, 500, ticket_id=ticket.id)
    assert [entry.kind for entry in told].count("outbound.dialling") == 1


async def test_of_several_processes_one_rings_the_agent(db: Database) -> None:
    new = requests.NewRequest("k", "click", "call", MORNING, number="13820220001", agent="8001")
    request, _ = await db.write(requests.add, new, MORNING, actor="agent:8001")
    said = await asyncio.gather(
        *(db.write(claim, request.id, f"huisheng-{n}", "", MORNING) for n in range(5))
    )
    assert sorted(said) == [False] * 4 + [True]


async def test_nobody_is_called_about_a_case_that_is_open_again(db: Database) -> None:
    ticket, request = await asked(db)
    await db.write(
        closing.reopen, ticket.id, "又坏了", MORNING, by=AGENT, expected_version=ticket.version
    )
    assert await begin(db, request, "huisheng-1") == "taken"
    assert await db.read(attempts.of_request, request.id) == []
    assert (await db.read(request_of, ticket.id)).outcome == "withdrawn"


async def test_nobody_is_called_late_or_while_calls_are_stopped(db: Database) -> None:
    ticket, request = await asked(db)
    assert await begin(db, request, "huisheng-1", EVENING) == "hours"
    due = (await db.read(request_of, ticket.id)).due_at
    assert due is not None
    assert due.astimezone(CHINA).hour == 9
    await db.write(limits.stop, "盗打", MORNING, actor="王主管")
    assert await begin(db, request, "huisheng-1") == "stopped"
    assert await db.read(attempts.of_request, request.id) == []
