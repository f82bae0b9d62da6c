"""The caller is asked how it was, once everything else is done: one key, 1 to 5."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from ari_app.calls.call import Call, Stage
from ari_app.calls.journal.units import unit
from ari_app.calls.line import Line
from ari_app.calls.repeat.person import to_person
from ari_app.calls.sound import key_after, play
from ari_app.calls.wrap_up import ticket_for
from ari_app.survey_policy import survey_policy
from desk import surveys
from desk.errors import DatabaseError
from desk.surveys import POINTS, SurveySettings

ASK_SECONDS = 1.0
PERSON = "0"
WANTED = "survey"  # in a call's state: what the menu that led to the talk says

log = structlog.get_logger()


@unit("survey.answered", telling=True)
def survey_answered(
    db: Connection, now: datetime, call_id: str, points: int, settings: Mapping[str, Any]
) -> bool:
    """The caller's key, by the settings of that moment. Only the first one counts."""
    return surveys.answer_by_key(db, call_id, points, SurveySettings(**settings), now)


def is_wanted(call: Call, line: Line) -> bool:
    """Whether callers who came this way are asked at all."""
    wanted = call.state.get(WANTED)
    if wanted is None:
        wanted = line.settings.surveys.after_talk
    return bool(wanted) and not call.private


async def may_ask(call: Call, line: Line) -> bool:
    """Whether this caller is to be asked now; it is noted that he is. Again: the same, until he
    answers. A desk that is away or slow is no reason to keep him waiting.
    """
    if not is_wanted(call, line) or line.journal.spooling:
        return False
    ticket = ticket_for(call, line.settings)
    if ticket is not None and await line.journal.keep_message(call, ticket) is None:
        return False
    await line.journal.flush()
    try:
        async with asyncio.timeout(ASK_SECONDS):
            asked = await line.db.write(
                surveys.ask_by_key, call.id, survey_policy(line.settings), line.now()
            )
    except (DatabaseError, TimeoutError) as error:
        log.warning("a caller is not asked how it was", call=call.id, error=str(error))
        return False
    return asked is not None


async def survey(call: Call, line: Line) -> Stage:
    """Stage SURVEY. Silence skips it; a process that takes over asks again unless he answered."""
    call.resumed = False
    ours = "confirm" in call.state  # we have rung: there is nobody to thank for his call
    if await may_ask(call, line):
        key = await _points(call, line)
        if key == PERSON:
            return await to_person(call, line, call.ticket_id)
        if key is not None:
            line.journal.record(
                call,
                survey_answered(call.id, int(key), line.settings.surveys.model_dump(mode="json")),
            )
            await play(call, line, "survey_thanks")
    await play(call, line, "confirm_bye" if ours else "goodbye")
    return Stage.WRAP_UP


async def _points(call: Call, line: Line) -> str | None:
    """The key for 1 to 5, or for a person where he has rung and talked with none; None: none of
    them."""
    settings = line.settings.surveys
    served = call.talked or "confirm" in call.state
    keys = {str(points) for points in POINTS} | (set() if served else {PERSON})
    for _ in range(settings.attempts):
        key = await key_after(call, line, "survey_ask", wait_seconds=settings.wait_seconds)
        if key is None or key in keys:
            return key
        await play(call, line, "invalid")
    return None
