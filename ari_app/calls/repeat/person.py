"""From a case to a person who sees it: the case's team, or whom the caller's menu would lead to."""

import structlog
from sqlalchemy import Connection

from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.ivr.settings import Action
from ari_app.ivr.tree import Menu
from ari_app.queue import Need
from desk import tickets
from desk.errors import DatabaseError

log = structlog.get_logger()


async def to_person(call: Call, line: Line, ticket_id: int | None) -> Stage:
    """The queue of the team that has the case. Where the caller's menu leads to no person now
    (out of hours), or there is no team, the menu: it has something for everybody.
    """
    assert call.caller is not None  # noqa: S101 - the welcome comes first
    menu = call.menus.entry_for(call.caller, call.dialled, line.now())
    action = _person(menu)
    if action is None or action.person is None:
        return Stage.MENU
    team = action.person
    if ticket_id is not None:
        own = await _team_of(call, line, ticket_id)
        team = own if own in line.teams else team
    need = Need.of(call.caller, team=team)
    urgent = bool(call.state.get("urgent")) or action.urgent
    record = menu.record or ""
    call.state |= {"need": need.as_dict(), "urgent": urgent, "record": record}
    return Stage.QUEUE


def _person(menu: Menu) -> Action | None:
    every = (*menu.keys.values(), menu.failure)
    return next((action for action in every if action.person is not None), None)


async def _team_of(call: Call, line: Line, ticket_id: int) -> str:
    try:
        return await line.db.read(_team, ticket_id)
    except DatabaseError as error:
        log.warning("the team of a case is not known now", call=call.id, error=str(error))
        return ""


def _team(db: Connection, ticket_id: int) -> str:
    ticket = tickets.get(db, ticket_id)
    return ticket.team if ticket is not None else ""
