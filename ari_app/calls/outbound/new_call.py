"""The call to be: what is known of it before anybody's telephone rings."""

import secrets

from ari_app.ari import ChannelSnapshot
from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.new_call import new_call
from desk import customers, tickets
from desk.journal import NewCall
from desk.outbound import Request
from desk.outbound.salutation import salutation
from desk.region import locate


def channel_name(line: Line, request: Request) -> str:
    """An id that no other attempt has, of any process."""
    system = line.settings.pbx.system_name
    return f"{system}-outbound-{request.id}-{secrets.token_hex(4)}"


async def placed_call(line: Line, request: Request, name: str) -> Call:
    """A call to the customer of a request. Raises DatabaseError."""
    call = new_call(ChannelSnapshot(id=name), line)
    call.journaled = True
    call.resumed = True  # a full line refuses new callers, not this one
    home = line.settings.company.home_area_code
    call.caller = locate(request.e164, home, table=line.regions)
    call.caller_id = request.e164
    call.dialled = request.number
    call.ticket_id = request.ticket_id
    if request.customer_id is not None:
        found = await line.db.read(customers.get, request.customer_id)
        call.customers = (found,) if found is not None else ()
    return call


async def asking_call(line: Line, request: Request) -> Call | None:
    """The call in which a customer is asked; None: there is no such ticket. Raises
    DatabaseError.
    """
    ticket = await line.db.read(tickets.get, request.ticket_id or 0)
    if ticket is None:
        return None
    call = await placed_call(line, request, channel_name(line, request))
    call.resumed = False  # nobody was led so far yet
    call.stage = Stage.CONFIRM
    known = call.customers[0].name if call.customers else ""
    call.state = {
        "confirm": {
            "request": request.id,
            "identity": request.identity,
            "who": salutation(known) or "",
            "team": ticket.team,
        }
    }
    return call


def new_call_row(call: Call) -> NewCall:
    """How the journal takes it."""
    assert call.caller is not None  # noqa: S101 - `placed_call` locates it
    return NewCall(
        id=call.id,
        dialled=call.dialled,
        caller_id=call.caller_id,
        caller=call.caller,
        customer_ids=tuple(customer.id for customer in call.customers),
        direction="outbound",
        ticket_id=call.ticket_id,
    )
