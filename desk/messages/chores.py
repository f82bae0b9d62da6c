"""告知客户: a customer is told by SMS that the case is resolved, once per cycle; by e-mail where no
mobile is known."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from desk.chores import Chore, Entry, follower
from desk.house import house_of
from desk.messages.message import Channel
from desk.messages.telling import address_of, tell
from desk.messages.templates import Templates
from desk.rollout import Switch
from desk.tickets.states import Status, Trigger
from desk.tickets.ticket import get as get_ticket

TEMPLATE = "resolved"

AsksBySms = Callable[[Connection, int, datetime], bool]
"""Whether the customer is asked by SMS anyway: that question tells of the solution too."""


def nobody_asks(_db: Connection, _ticket_id: int, _now: datetime) -> bool:
    """Where no questions are sent."""
    return False


def message_chores(templates: Templates, asks_by_sms: AsksBySms = nobody_asks) -> list[Chore]:
    """The chores of messages."""

    def resolved(db: Connection, entry: Entry, now: datetime) -> None:
        wanted = Trigger.TELL_CUSTOMER.value in entry.body.get("triggers", ())
        if entry.ticket_id is not None and wanted:
            tell_resolved(db, templates, entry.ticket_id, asks_by_sms, now)

    if not templates.settings.tell_resolved:
        return []
    return [follower("messages.resolved", ("ticket.resolved",), resolved)]


def tell_resolved(
    db: Connection,
    templates: Templates,
    ticket_id: int,
    asks_by_sms: AsksBySms,
    now: datetime,
) -> int | None:
    """Tell the customer, unless that was done, the case has moved on, or is told otherwise; the
    message's id."""
    ticket = get_ticket(db, ticket_id)
    if ticket is None or ticket.status != Status.RESOLVED:
        return None
    if not house_of(db).on(Switch.AUTOMATION_RULES) or asks_by_sms(db, ticket_id, now):
        return None
    by_email = not address_of(db, ticket, Channel.SMS) and address_of(db, ticket, Channel.EMAIL)
    return tell(
        db, templates, TEMPLATE, ticket_id, f"resolved:{ticket_id}:{ticket.cycle}", now,
        channel=Channel.EMAIL if by_email else Channel.SMS, only_while=Status.RESOLVED.value,
    )  # fmt: skip
