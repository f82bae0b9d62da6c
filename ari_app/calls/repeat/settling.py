"""In the wrap-up: a call about a case belongs to it, however it ended."""

import structlog

from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.repeat.records import repeat_joined
from ari_app.calls.repeat.state import STATE
from desk.errors import DatabaseError

log = structlog.get_logger()


async def settle(call: Call, line: Line) -> None:
    """Let the call join the case that it was about; no second ticket."""
    case = call.state.get(STATE, {}).get("ticket_id")
    if call.ticket_id is not None or case is None:
        return
    try:
        joined = await line.journal.recorded(call, repeat_joined(call.id, case))
    except DatabaseError as error:
        log.error("a call did not join its case", call=call.id, error=str(error))
        return
    call.ticket_id = joined or case
