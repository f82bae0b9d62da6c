"""How a ticket is confirmed, where a rule says so."""

from typing import cast

from sqlalchemy import Connection

from desk.house import house_of
from desk.rollout import Switch
from desk.routing.route import route_of
from desk.routing.ruleset import Way
from desk.tickets.ticket import Ticket

HANDLERS = 1


def confirm_way(db: Connection, ticket: Ticket, usual: Way) -> Way:
    """The way that a rule names for a ticket, else the usual one of its level. Level 1 is always
    its handler's, and so is every level while automatic call-backs are not rolled out.
    """
    if ticket.level == HANDLERS or not house_of(db).on(Switch.AUTOMATION_CALLBACKS):
        return "handler"
    found = route_of(db, ticket.id)
    return cast(Way, found.confirm) if found is not None and found.confirm else usual
