"""`ticket_state[,TICKET]`: how far a ticket is, by its number or, without one, the caller's
newest."""

from sqlalchemy import Connection

from agi_scripts.area_code import caller_of
from agi_scripts.protocol import harmless
from agi_scripts.script import Script, Services
from agi_scripts.session import Session
from desk import customers, tickets
from desk.tickets import Ticket

_MOST = 50


async def run(session: Session, services: Services) -> None:
    """Set HS_TICKET_COUNT and what is known of one ticket: HS_TICKET_NUMBER, HS_TICKET_STATUS,
    HS_TICKET_STATUS_NAME, HS_TICKET_TYPE, HS_TICKET_SUBJECT and HS_TICKET_OPENED."""
    number = session.request.argument(0, "ticket")
    if number:
        ticket = await services.db.read(tickets.by_number, number)
        found = [ticket] if ticket is not None else []
    else:
        found = await services.db.read(of_caller, caller_of(session, services).e164)
    newest = found[0] if found else None
    opened = newest.opened_at.astimezone(services.timezone) if newest else None
    await session.set_variables(
        {
            "HS_TICKET_COUNT": str(len(found)),
            "HS_TICKET_NUMBER": newest.number if newest else "",
            "HS_TICKET_STATUS": newest.status if newest else "",
            "HS_TICKET_STATUS_NAME": _status_name(newest) if newest else "",
            "HS_TICKET_TYPE": harmless(newest.type) if newest else "",
            "HS_TICKET_SUBJECT": harmless(newest.subject) if newest else "",
            "HS_TICKET_OPENED": f"{opened:%Y-%m-%d %H:%M}" if opened else "",
            "HS_RESULT": "OK" if newest else "NOT_FOUND",
        }
    )


def of_caller(db: Connection, e164: str) -> list[Ticket]:
    """The newest tickets of a number: opened by a call from it, or of the one customer who has
    it. At most 50, the newest first; none for a number that is not known."""
    if not e164:
        return []
    found = {ticket.id: ticket for ticket in tickets.search(db, e164=e164, limit=_MOST)}
    candidates = customers.find_by_number(db, e164)
    if len(candidates) == 1:
        of_customer = tickets.search(db, customer_id=candidates[0].id, limit=_MOST)
        found |= {ticket.id: ticket for ticket in of_customer}
    return [found[ticket_id] for ticket_id in sorted(found, reverse=True)][:_MOST]


def _status_name(ticket: Ticket) -> str:
    return harmless(tickets.STATUSES.get(ticket.status, ticket.status))


SCRIPT = Script("ticket_state", run)
