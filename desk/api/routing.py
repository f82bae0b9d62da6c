"""Rule sets of routing: checking, trying, putting in force, going back."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path
from sqlalchemy import Connection

from desk import routing
from desk.api import routing_models as models
from desk.api.access import Reader, reader
from desk.api.paging import Page, number_from_cursor
from desk.api.problems import Problem
from desk.api.room import MISSING, Cursor, Desk, Limit, described, room
from desk.api.routing_told import ExplainedOut
from desk.api.writing import Write
from desk.house import House, house_of
from desk.routing import Book, Edition, Explained, Finding
from desk.routing.editions import get
from desk.routing.roster import peopled

router = room("routing")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]
Writer = Annotated[Reader, Depends(reader("routing:write"))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/ticket-types")
async def ticket_types(desk: Desk, _who: Allowed) -> models.TicketTypesOut:
    """Every ticket type, and the fields that it declares. Scope `tickets:read`."""
    return models.TicketTypesOut.of(await desk.db.read(house_of))


@router.get("/routing/facts")
async def facts(desk: Desk, _who: Allowed) -> models.FactsOut:
    """Everything that conditions of rules can ask about, with its type. Scope `tickets:read`."""
    house = await desk.db.read(house_of)
    return models.FactsOut.of(routing.schema_of(house))


@router.get("/routing/editions")
async def list_editions(
    desk: Desk, _who: Allowed, limit: Limit = 50, cursor: Cursor = None
) -> Page[models.EditionOut]:
    """Every rule set that was put in force; the first on the first page is in force. Scope
    `tickets:read`.
    """
    before = number_from_cursor(cursor)
    found = await desk.db.read(routing.versions, before=before, limit=limit + 1)
    return Page[models.EditionOut].of(found, limit, lambda e: e.edition, models.EditionOut.of)


@router.get("/routing/editions/{edition}", responses=MISSING)
async def get_edition(desk: Desk, _who: Allowed, edition: Number) -> models.WholeEditionOut:
    """A rule set with its YAML. Scope `tickets:read`."""
    return models.WholeEditionOut.of(await desk.db.read(get, edition))


@router.post("/routing/check")
async def check(desk: Desk, _who: Writer, body: models.RulesGiven) -> models.CheckedOut:
    """Everything that is wrong with a rule set. Changes nothing. Scope `routing:write`."""
    findings = await desk.db.read(_checked, body.content)
    return models.CheckedOut(
        usable=not any(each.fatal for each in findings),
        findings=[models.FindingOut.of(each) for each in findings],
    )


@router.post("/routing/test", responses=MISSING)
async def test(desk: Desk, who: Writer, body: models.Trial) -> ExplainedOut:
    """What would happen to a ticket of which only this is known, and why. Changes nothing. Scope
    `routing:write`.
    """
    found = await desk.db.read(_tried, body, desk.now())
    return ExplainedOut.of(found, who.masked)


@router.post(
    "/routing/editions",
    responses=described(
        {
            404: "there is no such rule set to bring back",
            412: "another rule set came into force meanwhile; `versions` has both",
        }
    ),
)
async def activate(
    desk: Desk, who: Writer, write: Write, body: models.Activation
) -> models.WholeEditionOut:
    """Put a rule set in force, if all of it is right, or bring a former one back as a new one.
    The one in force again changes nothing. Scope `routing:write`.
    """
    if (body.content is None) == (body.restores is None):
        raise Problem(
            422, "one-of-both", "One of both", "Give either `content` or `restores`.",
            "`restores` is the number of a former rule set.",
        )  # fmt: skip
    return await write(models.WholeEditionOut.of, _activated, body, desk.now(), who.actor)


def book_for(db: Connection, content: str | None) -> Book:
    """A rule set that is proposed or, without one, that in force.

    Raises:
        BadRules: it cannot be used.
        Problem: none is in force.
    """
    if content is not None:
        return routing.book_of(content, peopled(db, house_of(db)))
    book = routing.in_force(db)
    if book is None:
        raise Problem(
            404, "no-rules-in-force", "No rules", "No rule set is in force.",
            "Put one in force: POST /api/v1/routing/editions, or huisheng rules activate.",
        )  # fmt: skip
    return book


def _checked(db: Connection, content: str) -> list[Finding]:
    house: House = peopled(db, house_of(db))
    return routing.check(content, house)[1]


def _tried(db: Connection, body: models.Trial, now: datetime) -> Explained:
    return routing.explain_sample(db, book_for(db, body.content), body.sample, now)


def _activated(db: Connection, body: models.Activation, now: datetime, actor: str) -> Edition:
    if body.restores is not None:
        return routing.restore(db, body.restores, now, actor=actor, expected=body.expected)
    return routing.activate(
        db, body.content or "", now, actor=actor, note=body.note, expected=body.expected
    )
