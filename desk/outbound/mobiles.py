"""A mobile is asked for where only a land line is known: of who looks after the case, who answers
with the number, or that there is none. Asked once for a case.

With a mobile the customer can be asked by SMS. The question is open as long as nobody has answered
it and no mobile is on file, wherever it came from.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select, update

from desk import customers
from desk.db.insert import insert_unless_there
from desk.db.schema.outbound import outbound_mobiles as mobiles
from desk.notices import NewNotice, notify
from desk.outbound import numbers
from desk.outbound.whom import in_charge, known_numbers
from desk.region import Caller
from desk.text import storable
from desk.tickets.change import By
from desk.tickets.states import ALIVE
from desk.tickets.ticket import Ticket, for_change
from desk.timeline import append

State = Literal["", "wanted", "given", "none"]

_INSERT = insert_unless_there(
    mobiles, ("ticket_id", "state", "e164", "reason", "actor", "asked_at", "answered_at")
)


@dataclass(frozen=True, slots=True)
class Mobile:
    """Whether a case wants a mobile, and what was answered.

    Attributes:
        wanted: somebody is to ask the customer for it.
        state: `""`: nobody was asked; `none`: the customer has none, or does not give it.
        e164: where an SMS to the customer goes; `""`: no mobile is known.
    """

    wanted: bool
    state: State
    e164: str
    reason: str
    actor: str
    asked_at: datetime | None
    answered_at: datetime | None


def of_ticket(db: Connection, ticket: Ticket) -> Mobile:
    """How that stands for a case."""
    known = numbers.mobile_of(known_numbers(db, ticket))
    row = db.execute(select(mobiles).where(mobiles.c.ticket_id == ticket.id)).one_or_none()
    e164 = known.e164 if known is not None else ""
    if row is None:
        return Mobile(False, "", e164, "", "", None, None)
    wanted = row.state == "wanted" and known is None and ticket.status in ALIVE
    return Mobile(wanted, row.state, e164, row.reason, row.actor, row.asked_at, row.answered_at)


def ask(db: Connection, ticket: Ticket, now: datetime) -> bool:
    """Ask who looks after a case for the customer's mobile; `outbound.mobile_wanted`. False: it was
    asked for or answered before.
    """
    if _INSERT.execute(db, _row(ticket.id, "wanted", asked_at=now)).rowcount != 1:
        return False
    to = in_charge(ticket)
    text = f"工单{ticket.number}的客户没有手机号,请询问 no mobile is known; ask the customer"
    notify(db, NewNotice(to, "mobile_wanted", text, f"mobile-wanted:{ticket.id}", ticket.id), now)
    _tell(db, ticket, "outbound.mobile_wanted", now, "system", of=to)
    return True


def answer(
    db: Connection,
    ticket_id: int,
    mobile: Caller | None,
    now: datetime,
    *,
    by: By,
    reason: str = "",
) -> Mobile:
    """The customer's mobile, which goes into the customer's record, too; `outbound.mobile_given`.
    None: there is none, and `reason` why; `outbound.no_mobile`. The last answer counts.

    Raises:
        NoSuchTicket: there is none with this id.
        ValueError: that number is no mobile.
    """
    if mobile is not None and (mobile.kind != "mobile" or not mobile.e164):
        raise ValueError("this is no Chinese mobile; an SMS would not arrive")
    ticket = for_change(db, ticket_id)
    state: State = "given" if mobile is not None else "none"
    row = _row(
        ticket_id,
        state,
        e164=mobile.e164 if mobile is not None else "",
        reason=storable(reason.strip(), 1000),
        actor=storable(by.actor, 200),
        answered_at=now,
    )
    if _INSERT.execute(db, row).rowcount != 1:
        said = {name: value for name, value in row.items() if name not in ("ticket_id", "asked_at")}
        db.execute(update(mobiles).where(mobiles.c.ticket_id == ticket_id).values(**said))
    if mobile is None:
        _tell(db, ticket, "outbound.no_mobile", now, by.actor, reason=row["reason"])
    else:
        if ticket.customer_id is not None:
            customers.add_number(db, ticket.customer_id, mobile.e164, now, actor=by.actor)
        _tell(db, ticket, "outbound.mobile_given", now, by.actor, e164=mobile.e164)
    return of_ticket(db, ticket)


def _row(
    ticket_id: int,
    state: State,
    *,
    e164: str = "",
    reason: str = "",
    actor: str = "",
    asked_at: datetime | None = None,
    answered_at: datetime | None = None,
) -> dict[str, object]:
    return {
        "ticket_id": ticket_id,
        "state": state,
        "e164": e164,
        "reason": reason,
        "actor": actor,
        "asked_at": asked_at,
        "answered_at": answered_at,
    }


def _tell(
    db: Connection, ticket: Ticket, kind: str, now: datetime, actor: str, **body: object
) -> None:
    append(
        db,
        kind=kind,
        body=body,
        now=now,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        actor=actor,
    )
