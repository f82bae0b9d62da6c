"""告知客户: a customer is told by SMS that the case is resolved, once per cycle; by e-mail where no
mobile is known. And what was written long ago is forgotten."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from desk.chores import Chore, Entry, follower
from desk.house import house_of
from desk.messages import forgetting
from desk.messages.message import Channel
from desk.messages.telling import address_of, tell
from desk.messages.templates import Templates
from desk.rollout import Switch, gated
from desk.tickets.states import Status, Trigger
from desk.tickets.ticket import get as get_ticket

TEMPLATE = "resolved"

AsksBySms = Callable[[Connection, int, datetime], bool]
"""Whether the customer is asked by SMS anyway: that question tells of the solution too."""


def nobody_asks(_db: Connection, _ticket_id: int, _now: datetime) -> bool:
    """Where no questions are sent."""
    return False


def message_chores(templates: Templates, asks_by_sms: AsksBySms = nobody_asks) -> list[Chore]:
    """The chores of messages. Cases that are resolved while `tell_resolved` is off are not told of
    later."""

    def resolved(db: Connection, entry: Entry, now: datetime) -> None:
        wanted = Trigger.TELL_CUSTOMER.value in entry.body.get("triggers", ())
        if entry.ticket_id is not None and wanted:
            tell_resolved(db, templates, entry.ticket_id, asks_by_sms, now)

    settings = templates.settings
    follows = follower("messages.resolved", ("ticket.resolved",), resolved)
    chores = gated(settings.tell_resolved, [follows])
    return chores if settings.keep_days is None else [*chores, _forgetting(settings.keep_days)]


def _forgetting(keep_days: float) -> Chore:
    keep = timedelta(days=keep_days)

    def forgets(db: Connection) -> datetime | None:
        at = forgetting.oldest(db)
        return at + keep if at is not None else None

    return Chore(
        "messages.forget", lambda db, now, limit: forgetting.forget(db, now - keep, limit), forgets
    )


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
