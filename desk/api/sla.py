"""Service levels: how tickets stand, what is due, and changing the policies."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import BaseModel
from sqlalchemy import Connection

from desk import sla
from desk.access.within import tickets_within
from desk.api.access import Reader, reader
from desk.api.paging import Page, bad_cursor, from_cursor, number_from_cursor, to_cursor
from desk.api.problems import Problem
from desk.api.room import MISSING, Cursor, Desk, Limit, described, room
from desk.api.sla_models import (
    Applied,
    ClockOut,
    DueOut,
    EditionOut,
    EffectOut,
    EffectsOut,
    Proposal,
    TargetName,
    TicketSlaOut,
    WholeEditionOut,
    warnings_of,
)
from desk.api.ticket_writing import Readable
from desk.api.writing import Write
from desk.calendar import announced_through
from desk.house import house_of
from desk.sla import Book, Effects, elapsed_at
from desk.sla.check import check_names
from desk.sla.clock import Colour
from desk.sla.editions import Edition, edition, editions, former
from desk.sla.lists import After, Due, due
from desk.sla.settings import Target

router = room("service levels")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]
Writer = Annotated[Reader, Depends(reader("sla:write"))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class EditionsOut(BaseModel):
    """Editions, the newest first; `in_force` is 0 before the first."""

    in_force: int
    items: list[EditionOut]
    next: str | None


@router.get("/tickets/{number}/sla", responses=MISSING)
async def sla_of_ticket(one: Readable) -> TicketSlaOut:
    """Every clock of a ticket with its colour, and the steps of its escalation. Scope
    `tickets:read`.
    """
    now = one.desk.now()
    clocks = await one.desk.db.read(_of_ticket, one.ticket.id, now)
    return TicketSlaOut.of(one.ticket.id, clocks)


@router.get("/sla/due")
async def list_due(
    desk: Desk,
    who: Allowed,
    colour: Annotated[Colour | None, Query(description="red is overdue")] = None,
    target: TargetName | None = None,
    team: Annotated[str | None, Query(max_length=60, description="in charge")] = None,
    assignee: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DueOut]:
    """Running clocks, the first due first. Scope `tickets:read`."""
    now = desk.now()
    found = await desk.db.read(
        due,
        now,
        colour=colour,
        target=Target(target) if target is not None else None,
        team=team,
        assignee=assignee,
        within=tickets_within(who.principal, who.reach),
        after=_after(cursor),
        limit=limit + 1,
    )
    return Page[DueOut].of(found, limit, _key, lambda each: DueOut.of(each, now, who.masked))


@router.get("/sla/editions")
async def list_editions(
    desk: Desk, _who: Allowed, limit: Limit = 50, cursor: Cursor = None
) -> EditionsOut:
    """Every edition of policies and calendars, the newest first. Scope `tickets:read`."""
    found = await desk.db.read(editions, number_from_cursor(cursor), limit + 1)
    newest = found if cursor is None else await desk.db.read(editions, None, 1)
    today = desk.now().date()
    return EditionsOut(
        in_force=newest[0].number if newest else 0,
        items=[EditionOut.of(each, today) for each in found[:limit]],
        next=to_cursor(str(found[limit - 1].number)) if len(found) > limit else None,
    )


@router.get("/sla/editions/{edition}", responses=MISSING)
async def get_edition(desk: Desk, _who: Allowed, edition: Number) -> WholeEditionOut:
    """An edition with its content. Scope `tickets:read`."""
    return WholeEditionOut.of(await desk.db.read(_edition, edition), desk.now().date())


@router.post("/sla/effect", responses=MISSING)
async def effect_of(
    desk: Desk, _who: Writer, body: Proposal, limit: Limit = 50, cursor: Cursor = None
) -> EffectsOut:
    """What a change would do to the next open tickets. Changes nothing. Scope `sla:write`."""
    now = desk.now()
    after = number_from_cursor(cursor) or 0
    book, found = await desk.db.read(_effect, body, str(desk.timezone), now, after, limit)
    return EffectsOut(
        in_force=found.edition,
        looked_at=found.looked_at,
        items=[EffectOut.of(each) for each in found.changed],
        next=to_cursor(str(found.last)) if found.last is not None else None,
        warnings=warnings_of(book, now.date()),
    )


@router.post(
    "/sla/editions",
    responses=described(
        {
            404: "there is no such former edition",
            412: "another edition came into force meanwhile; `versions` has both",
        }
    ),
)
async def apply_edition(desk: Desk, who: Writer, write: Write, body: Applied) -> WholeEditionOut:
    """Put policies and calendars in force; open tickets are reckoned anew at once. What has ended
    stays, a step that has fired does not fire again. The content in force again changes nothing.
    Scope `sla:write`.
    """
    now = desk.now()
    return await write(
        lambda found: WholeEditionOut.of(found, now.date()),
        _apply, body, str(desk.timezone), now, who.actor,
    )  # fmt: skip


def _of_ticket(db: Connection, ticket_id: int, now: datetime) -> list[ClockOut]:
    books = sla.in_force(db)
    steps = sla.stored_steps(db, ticket_id)
    if books is None:
        return []
    return [
        ClockOut.of(clock, elapsed_at(clock, books.latest, now), steps, now)
        for clock in sla.stored_clocks(db, ticket_id)
    ]


def _edition(db: Connection, number: int) -> Edition:
    return edition(db, number)


def _book(db: Connection, body: Proposal, timezone: str) -> Book:
    """The book that is proposed.

    Raises:
        NoSuchEdition: of a former one.
        Problem: it names what does not exist.
    """
    if body.edition is not None:
        return former(db, body.edition)
    content = body.content
    assert content is not None  # noqa: S101 - one of the two is there
    house = house_of(db)
    wrong = list(check_names(content.policies, content.calendars, house.types, house.teams))
    if wrong:
        told = "; ".join(f"{'.'.join(map(str, where))}: {sentence}" for where, sentence in wrong)
        raise Problem(
            422,
            "service-levels-refused",
            "Not possible",
            told,
            "Name area codes, provinces, ticket types and teams that exist.",
        )
    return Book.of(content.data(timezone, announced_through()))


def _effect(
    db: Connection, body: Proposal, timezone: str, now: datetime, after: int, limit: int
) -> tuple[Book, Effects]:
    book = _book(db, body, timezone)
    return book, sla.effect(db, book, now, after, limit)


def _apply(db: Connection, body: Applied, timezone: str, now: datetime, actor: str) -> Edition:
    book = _book(db, body, timezone)
    return edition(db, sla.apply(db, book, now, actor=actor, expected=body.expected))


def _key(found: Due) -> str:
    at, ticket_id, target, cycle = found.key
    return f"{at.isoformat()} {ticket_id} {target} {cycle}"


def _after(cursor: str | None) -> After | None:
    key = from_cursor(cursor)
    if key is None:
        return None
    try:
        at, ticket_id, target, cycle = key.split(" ")
        found = After(datetime.fromisoformat(at), int(ticket_id), Target(target), int(cycle))
    except ValueError as error:
        raise bad_cursor() from error
    known = found.due_at.tzinfo is not None
    if not known or found.ticket_id >= 2**62 or not 0 < found.cycle < 2**31 or found.ticket_id < 0:
        raise bad_cursor()
    return found
