"""The steps of a ticket under way; the table in `lifecycle.py` decides.

Each takes the ticket's id, the moment, who acts (`by`) and the version that was seen
(`expected_version`), and returns the ticket as it is afterwards. Each may raise NoSuchTicket,
VersionConflict, TransitionRefused, RoleNotAllowed or TransitionIncomplete; then nothing changed.
"""

from datetime import datetime

from sqlalchemy import Connection

from desk.tickets.change import (
    MOST_ASSIGNEE,
    MOST_REASON,
    MOST_TEAM,
    By,
    Present,
    held,
    in_charge,
    step,
    trimmed,
)
from desk.tickets.handovers import withdraw_open
from desk.tickets.states import Action, Need
from desk.tickets.ticket import Ticket


def assign(
    db: Connection,
    ticket_id: int,
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
    team: str | None = None,
    assignee: str | None = None,
) -> Ticket:
    """分配: put a team or a person in charge; `ticket.assigned`. What is None stays, but a new team
    has nobody in charge until it is said. A hand-over under way to another team ends.
    """
    ticket = held(db, ticket_id, by, expected_version)
    place = _place_of(ticket, team, assignee)
    present: Present = {Need.PLACE: (team or "").strip() or (assignee or "").strip()}
    changed = step(
        db, ticket, Action.ASSIGN, now, by, present=present, values=place, body=dict(place)
    )
    if changed.team != ticket.team:
        withdraw_open(db, changed, now, by)
    return changed


def start(
    db: Connection, ticket_id: int, now: datetime, *, by: By, expected_version: int | None
) -> Ticket:
    """开始处理: begin, or go on after waiting; `ticket.started`. Where nobody is in charge, who
    starts it is.
    """
    ticket = held(db, ticket_id, by, expected_version)
    assignee = in_charge(ticket, by)
    return step(
        db,
        ticket,
        Action.START,
        now,
        by,
        present={Need.ASSIGNEE: assignee},
        values={"assignee": assignee},
        body={"team": ticket.team, "assignee": assignee},
    )


def wait(
    db: Connection, ticket_id: int, reason: str, now: datetime, *, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    """待客户: nothing can be done until the customer does something; `ticket.waiting`."""
    ticket = held(db, ticket_id, by, expected_version)
    reason = trimmed(reason, MOST_REASON)
    present: Present = {Need.ASSIGNEE: ticket.assignee, Need.REASON: reason}
    return step(db, ticket, Action.WAIT, now, by, present=present, body={"reason": reason})


def escalate(
    db: Connection,
    ticket_id: int,
    reason: str,
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
    team: str | None = None,
    assignee: str | None = None,
) -> Ticket:
    """升级: to somebody who can do more; `ticket.escalated`. Again: one step further up."""
    ticket = held(db, ticket_id, by, expected_version)
    reason = trimmed(reason, MOST_REASON)
    place = _place_of(ticket, team, assignee)
    body = {"reason": reason, **place}
    present: Present = {Need.REASON: reason}
    changed = step(db, ticket, Action.ESCALATE, now, by, present=present, values=place, body=body)
    if changed.team != ticket.team:
        withdraw_open(db, changed, now, by)
    return changed


def _place_of(ticket: Ticket, team: str | None, assignee: str | None) -> dict[str, str]:
    new_team = ticket.team if team is None else trimmed(team, MOST_TEAM)
    stays = ticket.assignee if new_team == ticket.team else ""
    return {
        "team": new_team,
        "assignee": stays if assignee is None else trimmed(assignee, MOST_ASSIGNEE),
    }
