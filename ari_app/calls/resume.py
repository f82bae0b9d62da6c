"""At start: calls that a former process left unfinished.

A call whose channel still waits in our application re-enters the stage that the journal names. A
call whose channel is gone gets its end, and the ticket it calls for. Calls of other systems on
the same desk are theirs (`pbx.system_name` begins every call id), and messages of AGI scripts are
finished by the FastAGI server.
"""

from collections.abc import Sequence

import structlog

from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.wrap_up import ticket_for
from ari_app.ivr.walk import Choice, Walk
from desk import customers, journal
from desk.journal import Call as Journaled

log = structlog.get_logger()


async def unfinished(line: Line) -> list[Journaled]:
    """This system's unfinished calls, oldest first."""
    own = f"{line.settings.pbx.system_name}-"
    stages = frozenset(Stage)
    return [
        call
        for call in await line.db.read(journal.unfinished)
        if call.id.startswith(own) and call.stage in stages
    ]


async def remember(call: Call, journaled: Journaled, line: Line) -> None:
    """Give a new `call` what the journal knows of it."""
    call.stage = Stage(journaled.stage)
    call.state = dict(journaled.state)
    call.caller = journaled.caller
    call.caller_id = journaled.caller_id
    call.dialled = journaled.dialled
    call.ticket_id = journaled.ticket_id
    call.journaled = True
    call.choice = _matter(call)
    for customer_id in journaled.customer_ids:
        customer = await line.db.read(customers.get, customer_id)
        if customer is not None:
            call.customers = (*call.customers, customer)


async def close_lost(calls: Sequence[Call], line: Line) -> None:
    """End `calls`, whose channels are gone, each with the ticket it calls for."""
    for call in calls:
        log.warning("call was lost with a former process", call=call.id, stage=call.stage)
        call.end_cause = "lost"
        await line.journal.finish(call, ticket_for(call, line.settings))


def _matter(call: Call) -> Choice | None:
    """The choice that said what the caller's matter is, out of the journaled walk."""
    if "walk" not in call.state or call.caller is None:
        return None
    walk = Walk.restore(call.menus, call.state["walk"], call.menus.entries[-1].menu)
    return walk.matter or (walk.choices[-1] if walk.choices else None)
