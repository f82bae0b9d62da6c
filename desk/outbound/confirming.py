"""强制回访: asking the customer of a resolved ticket whether it is solved, until somebody knows.

The policy names the way by level: the handler's own call, an automatic one, or an SMS. An automatic
call that reaches nobody is repeated, then an SMS with a link is sent, and what nobody answers
becomes a person's task. A request belongs to one cycle of one ticket; there is never a second.
"""

from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Connection, select

from desk import links
from desk.db.schema.outbound import outbound_requests
from desk.links import LinkSettings
from desk.messages.message import Asks
from desk.messages.telling import tell
from desk.messages.templates import Templates
from desk.notices import NewNotice, notify
from desk.numbering import ticket_number
from desk.outbound import mobiles, requests
from desk.outbound.hours import next_allowed
from desk.outbound.requests import NewRequest, Request
from desk.outbound.settings import OutboundSettings, Way
from desk.outbound.whom import Reach, in_charge, reach
from desk.routing.confirming import HANDLERS as GRAVEST
from desk.routing.confirming import confirm_way
from desk.routing.route import route
from desk.tickets.states import Status
from desk.tickets.ticket import get

WITHDRAWN = "withdrawn"
NOT_THEIRS = frozenset({"stranger", "no_such_number", "do_not_call", "prefix"})
"""Outcomes after which nothing more goes to that number by itself."""


def request_confirmation(
    db: Connection,
    ticket_id: int,
    now: datetime,
    *,
    policy: OutboundSettings | None = None,
    tz: tzinfo | None = None,
) -> Request | None:
    """Have the customer asked, once per cycle of the ticket. None: there is nothing to ask.

    One that was withdrawn (by a merger that was undone) is taken up again. One that waits, or was
    asked by SMS, becomes the handler's when the case turns out to be of the gravest level.
    """
    policy = policy or OutboundSettings()
    ticket = get(db, ticket_id)
    if ticket is None or ticket.status != Status.RESOLVED:
        return None
    ticket = route(db, ticket_id, now)  # its level may not have followed yet what was said last
    found = reach(db, ticket, policy)
    wanted = confirm_way(db, ticket, policy.confirm.way(ticket.level))
    way, why = way_for(found, wanted, policy.trunk is not None)
    due_at = next_allowed(now, policy.ranges, tz or now.tzinfo) if way == "call" else now  # type: ignore[arg-type]
    new = NewRequest(
        key=f"confirm:{ticket.id}:{ticket.cycle}",
        purpose="confirm",
        way=way,
        due_at=due_at,
        ticket_id=ticket.id,
        cycle=ticket.cycle,
        customer_id=ticket.customer_id,
        number=found.number,
        e164=found.caller.e164 if found.caller is not None else "",
        identity=found.identity if found.caller is not None else "",
        note=why,
    )
    made, fresh = requests.add(db, new, now, actor="system")
    if not fresh and made.state == "done" and made.outcome == WITHDRAWN:
        made = requests.by_way(db, requests.for_change(db, made.id), way, "taken_up", due_at, now)
    if made.state in ("waiting", "asked") and made.way != "handler" and ticket.level == GRAVEST:
        made = requests.by_way(db, requests.for_change(db, made.id), "handler", "grave", now, now)
    if not found.knows_mobile:
        mobiles.ask(db, ticket, now)
    return made


def way_for(found: Reach, wanted: Way, can_call: bool) -> tuple[Way, str]:
    """The way that is possible, and why it is another one than was wanted."""
    if wanted == "call" and not can_call and found.mobile is not None:
        return "sms", "there is no trunk for calls"
    if wanted == "sms" and found.mobile is None:
        wanted = "call"
    if wanted != "call":
        return wanted, ""
    if not can_call:
        return "handler", "there is no trunk for calls, and no mobile is known"
    if found.caller is None:
        return "handler", "no number that may be dialled is known"
    if found.unwanted:
        return "handler", "the customer does not want calls"
    return "call", ""


def withdraw(db: Connection, ticket_id: int, why: str, now: datetime) -> None:
    """The question has been answered, or is none any more. A call under way is left to its end."""
    query = select(outbound_requests.c.id).where(
        outbound_requests.c.ticket_id == ticket_id,
        outbound_requests.c.purpose == "confirm",
        outbound_requests.c.state.in_(("waiting", "asked")),
    )
    for row in db.execute(query.order_by(outbound_requests.c.id)).all():
        request = requests.for_change(db, row.id)
        if request.state in ("waiting", "asked"):
            requests.done(db, request, why, now)


def is_open(db: Connection, request: Request) -> bool:
    """Whether the ticket still waits for the answer to this very question."""
    ticket = get(db, request.ticket_id) if request.ticket_id is not None else None
    return ticket is not None and ticket.status == Status.RESOLVED and ticket.cycle == request.cycle


# -- the other ways --------------------------------------------------------------------------------


def fall_back(db: Connection, request: Request, outcome: str, now: datetime) -> Request:
    """No (further) call: by SMS where the number is surely the customer's own, else a person."""
    sure = outcome not in NOT_THEIRS and request.identity == "pressed"
    way: Way = "sms" if sure and request.way == "call" else "handler"
    return requests.by_way(db, request, way, outcome, now, now)


def send(
    db: Connection,
    request: Request,
    settings: OutboundSettings,
    link_settings: LinkSettings,
    templates: Templates,
    now: datetime,
) -> None:
    """Send the question as an SMS, with a link where links are possible; or make it a person's
    task where no mobile is surely the customer's.
    """
    ticket = get(db, request.ticket_id) if request.ticket_id is not None else None
    if ticket is None or not is_open(db, request):
        requests.done(db, request, WITHDRAWN, now)
        return
    mobile = reach(db, ticket, settings).mobile
    if mobile is None:
        requests.by_way(db, request, "handler", "no_mobile", now, now)
        return
    until = now + timedelta(hours=settings.confirm.sms_hours)
    template, link = "confirm", ""
    if link_settings.sendable:
        expires = max(until, now + timedelta(days=link_settings.expire_days))
        token = links.make(db, "confirm", ticket.id, expires, now)
        template, link = "confirm_link", links.url(link_settings, token)
    tell(
        db,
        templates,
        template,
        ticket.id,
        f"outbound:confirm:{ticket.id}:{ticket.cycle}",
        now,
        to=mobile.e164,
        link=link,
        asks=Asks.CONFIRM,
        only_while=Status.RESOLVED.value,
    )
    requests.asked(db, request, until, now, of="customer")


def hand_to_person(db: Connection, request: Request, now: datetime) -> None:
    """Make it the task of who looks after the ticket, with a notice."""
    ticket = get(db, request.ticket_id) if request.ticket_id is not None else None
    if ticket is None or not is_open(db, request):
        requests.done(db, request, WITHDRAWN, now)
        return
    put = requests.change(db, request, now, way="handler")
    to = in_charge(ticket)
    why = f"({request.outcome})" if request.outcome else ""
    text = f"工单{ticket_number(ticket.id)}请人工回访确认{why} call the customer to confirm"
    notify(
        db,
        NewNotice(to, "confirm_task", text, f"confirm-task:{ticket.id}:{ticket.cycle}", ticket.id),
        now,
    )
    requests.asked(db, put, None, now, of=to)
