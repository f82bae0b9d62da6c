"""The status page: the line at a glance, for a browser on the machine itself. Masked throughout."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection
from starlette.responses import Response

from desk import journal, outbox, tickets
from desk.api.access import on_this_machine
from desk.api.event_stream import event
from desk.api.events import open_stream
from desk.api.health import line_findings
from desk.api.live_models import AgentOut, WaitingOut
from desk.api.models import CallOut, TicketOut
from desk.api.passing import Passing
from desk.api.state import ApiState, state_of
from desk.api.words import (
    AGENT_STATES,
    CAUSES,
    RECORDING,
    STAGES,
    SUPERVISION,
    TARGET_STATES,
    TRANSCRIPT,
)
from desk.outbox import Counts
from desk.tickets import STATUSES
from desk.timeline import Entry

HERE = Path(__file__).parent
SHOWN = 10
MOST_LIVE = 50
MOST_READ = 200  # those who wait longest are not among the newest calls

router = APIRouter(include_in_schema=False, dependencies=[Depends(on_this_machine)])
Desk = Annotated[ApiState, Depends(state_of)]

_pages = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
)


@router.get("/")
async def status(desk: Desk) -> HTMLResponse:
    """The page."""
    live, recent, newest, counts = await desk.db.read(_read)
    findings = await line_findings(desk)
    waiting = desk.control.queue()
    now = desk.now()
    page = _pages.get_template("status.html").render(
        company=desk.line.company,
        where_to_call=desk.line.where_to_call(),
        speech=desk.line.speech(),
        findings=findings,
        healthy=all(finding.ok for finding in findings),
        agents=[AgentOut.of(agent, True) for agent in desk.control.agents()],
        waiting=[WaitingOut.of(one) for one in waiting[:MOST_LIVE]],
        all_waiting=len(waiting),
        live=live[:MOST_LIVE],
        all_live=len(live),
        callers={call.id: call.caller for call in live},
        talks={call.id: desk.control.talk(call.id) for call in live[:MOST_LIVE]},
        served=set(desk.line.live_calls()),
        recent=recent,
        tickets=newest,
        targets=_targets(desk, counts),
        stages=STAGES,
        agent_states=AGENT_STATES,
        recording=RECORDING,
        transcript=TRANSCRIPT,
        supervision=SUPERVISION,
        causes=CAUSES,
        statuses=STATUSES,
        target_states=TARGET_STATES,
        now=now,
        seconds=lambda since: max(0, int((now - since).total_seconds())),
        local=lambda moment, form: moment.astimezone(desk.timezone).strftime(form),
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


@router.get("/docs")
async def reference(request: Request) -> HTMLResponse:
    """The API's reference, made from its OpenAPI description."""
    schema = request.app.openapi()
    return HTMLResponse(_pages.get_template("reference.html").render(schema=schema))


@router.get("/changes", response_class=Response)
async def changes(desk: Desk) -> Response:
    """Tells the page's script that something has changed, and no more."""

    def shown(told: Entry | Passing) -> bytes:
        if isinstance(told, Entry):
            return event(told.seq, "message", b"changed")
        if told.kind == "utterance.partial":
            return b""  # the page shows no words
        return event(None, "message", b"changed")

    return open_stream(desk, None, shown)


def _read(
    db: Connection,
) -> tuple[list[CallOut], list[CallOut], list[TicketOut], dict[str, Counts]]:
    """Everything that the page shows, from one moment."""
    return (
        [CallOut.of(call, True) for call in journal.search(db, live=True, limit=MOST_READ)],
        [CallOut.of(call, True) for call in journal.search(db, live=False, limit=SHOWN)],
        [TicketOut.of(ticket, True) for ticket in tickets.search(db, limit=SHOWN)],
        outbox.counts(db),
    )


def _targets(desk: ApiState, counts: dict[str, Counts]) -> list[dict[str, Any]]:
    """Targets that are configured, and those that still have something waiting."""
    known = {target.name: target for target in desk.line.targets()}
    names = [*known, *(n for n, c in counts.items() if n not in known and (c.pending or c.dead))]
    return [
        {
            "name": name,
            "state": known[name].state if name in known else "disabled",
            "detail": known[name].detail if name in known else "",
            "pending": counts[name].pending if name in counts else 0,
            "dead": counts[name].dead if name in counts else 0,
        }
        for name in names
    ]
