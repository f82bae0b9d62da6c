"""Who calls, from where, and about which case: known before the first prompt."""

from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.repeat.repeat import begin
from desk.region import locate


async def welcome(call: Call, line: Line) -> Stage:
    """Stage WELCOME. Nothing is answered that the desk does not know."""
    call.caller = locate(call.caller_id, line.settings.company.home_area_code, table=line.regions)
    await line.journal.begin(call)
    await call.channel.answer()
    return Stage.REPEAT if await begin(call, line) else Stage.MENU
