"""Automation: rule sets, what rules did, and what they would have done."""

from typing import Annotated

from fastapi import Depends, Path, Query
from sqlalchemy import Connection

from desk import automation
from desk.api import automation_models as models
from desk.api.access import Reader, reader
from desk.api.paging import Page, number_from_cursor
from desk.api.problems import Problem
from desk.api.room import MISSING, Cursor, Desk, Limit, described, room
from desk.api.routing_models import CheckedOut, FindingOut
from desk.api.state import ApiState
from desk.api.ticket_writing import Readable, no_such_ticket
from desk.api.writing import Write
from desk.automation import RunState, runs, timers
from desk.automation.book import Book
from desk.automation.check import book_of, check
from desk.automation.dry_run import DryRun
from desk.house import house_of
from desk.tickets import id_of

router = room("automation")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]
Writer = Annotated[Reader, Depends(reader("automation:write"))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]

MOST_STEPS = 20
"""Of a dry run by API, each of 500 entries: `huisheng automation dry-run` plays any past."""
MOST_SHOWN = 1000


@router.get("/automation/editions")
async def list_editions(
    desk: Desk, _who: Allowed, limit: Limit = 50, cursor: Cursor = None
) -> Page[models.EditionOut]:
    """Every rule set that was put in force; the first on the first page is in force. Scope
    `tickets:read`.
    """
    before = number_from_cursor(cursor)
    found = await desk.db.read(automation.versions, before=before, limit=limit + 1)
    return Page[models.EditionOut].of(found, limit, lambda e: e.edition, models.EditionOut.of)


@router.get("/automation/editions/{edition}", responses=MISSING)
async def get_edition(desk: Desk, _who: Allowed, edition: Number) -> models.WholeEditionOut:
    """A rule set with its YAML. Scope `tickets:read`."""
    return models.WholeEditionOut.of(await desk.db.read(automation.get, edition))


@router.post("/automation/check")
async def check_rules(desk: Desk, _who: Writer, body: models.RulesGiven) -> CheckedOut:
    """Everything that is wrong with a rule set. Changes nothing. Scope `automation:write`."""
    house = await desk.db.read(house_of)
    _, findings = check(body.content, house, desk.templates)
    return CheckedOut(
        usable=not any(each.fatal for each in findings),
        findings=[FindingOut.of(each) for each in findings],
    )


@router.post(
    "/automation/editions",
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
    The one in force again changes nothing. Scope `automation:write`.
    """
    if (body.content is None) == (body.restores is None):
        raise Problem(
            422, "one-of-both", "One of both", "Give either `content` or `restores`.",
            "`restores` is the number of a former rule set.",
        )  # fmt: skip
    now = desk.now()

    def work(db: Connection) -> automation.Edition:
        if body.restores is not None:
            return automation.restore(
                db, body.restores, desk.templates, now, actor=who.actor, expected=body.expected
            )
        return automation.activate(
            db, body.content or "", desk.templates, now, actor=who.actor, note=body.note,
            expected=body.expected,
        )  # fmt: skip

    return await write(models.WholeEditionOut.of, work)


@router.post("/automation/dry-run", responses=MISSING)
async def dry_run(desk: Desk, _who: Writer, body: models.DryRunGiven) -> models.DryRunOut:
    """What a rule set would have done to the cases of the past, at most the first 10,000 entries
    since then. Changes nothing. Scope `automation:write`.
    """
    book = await _book(desk, body.content)
    play = DryRun(book, body.since, body.until or desk.now(), desk.timezone)
    for _ in range(MOST_STEPS):
        if play.over:
            break
        await desk.db.read(play.step)
    return models.DryRunOut.of(play, MOST_SHOWN)


@router.get("/automation/runs", responses=MISSING)
async def list_runs(
    desk: Desk,
    who: Allowed,
    ticket: Annotated[str | None, Query(max_length=30, description="a ticket's number")] = None,
    rule: Annotated[str | None, Query(max_length=60)] = None,
    state: Annotated[RunState | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[models.RunOut]:
    """The run log, newest first. Scope `tickets:read`."""
    ticket_id = id_of(ticket) if ticket is not None else None
    if ticket is not None and ticket_id is None:
        raise no_such_ticket(ticket)
    before = number_from_cursor(cursor)
    found = await desk.db.read(
        runs.listing, ticket_id=ticket_id, rule=rule, state=state, before=before, limit=limit + 1
    )
    return Page[models.RunOut].of(
        found, limit, lambda run: run.id, lambda run: models.RunOut.of(run, who.masked)
    )


@router.get("/tickets/{number}/automation", responses=MISSING)
async def automation_of_ticket(one: Readable) -> models.TicketAutomationOut:
    """What rules did to a ticket, at most the last 200, and what they will do if nothing happens
    before. Scope `tickets:read`.
    """
    ran = await one.desk.db.read(runs.listing, ticket_id=one.ticket.id, limit=runs.MOST)
    waiting = await one.desk.db.read(timers.of_ticket, one.ticket.id)
    return models.TicketAutomationOut(
        runs=[models.RunOut.of(run, one.masked) for run in ran],
        timers=[models.TimerOut.of(timer) for timer in waiting],
    )


async def _book(desk: ApiState, content: str | None) -> Book:
    """A rule set that is proposed or, without one, that in force.

    Raises:
        BadRules: it cannot be used.
        Problem: none is in force.
    """
    if content is not None:
        return book_of(content, await desk.db.read(house_of), desk.templates)
    found = await desk.db.read(automation.in_force)
    if found is None:
        raise Problem(
            404, "no-rules-in-force", "No rules", "No rule set is in force.",
            "Put one in force: POST /api/v1/automation/editions, or huisheng automation activate.",
        )  # fmt: skip
    return found
