"""We have called a customer whose case is resolved: who is it, may we record, is it solved?

Nothing of the case is said before somebody has pressed the key for "that is me", or keyed in the
ticket's number where the telephone number alone says too little. Only keys answer; silence, speech
and hanging up leave everything as it is. The answer is journaled before anything is done with it,
so it takes effect once, whoever dies.
"""

import structlog

from ari_app.ari import ApplicationReplaced, AriError, Closed
from ari_app.calls.call import Call, HungUp, Stage
from ari_app.calls.line import Line
from ari_app.calls.outbound.evidence import (
    begin_recording,
    end_former,
    end_recording,
    keep_now,
)
from ari_app.calls.outbound.keys import Question, ask_digits, ask_key
from ari_app.calls.outbound.outbound_records import (
    attempt_answered,
    attempt_consented,
    attempt_identified,
    question_answered,
)
from ari_app.calls.outbound.spoken_name import by_name
from ari_app.calls.sound import play
from ari_app.calls.survey import is_wanted
from ari_app.queue import Need
from desk.errors import DatabaseError, DeskError
from desk.tickets import Identity, ticket_id_of

log = structlog.get_logger()

ME, NOT_ME = "1", "2"
AGREE, REFUSE = "1", "9"
SOLVED, NOT_SOLVED, PERSON = "1", "2", "0"
WORDS = {SOLVED: "solved", NOT_SOLVED: "not_solved"}
# How a call ended in which nothing was answered.
STRANGER, UNKNOWN, NO_KEY, REFUSED, LOST = "stranger", "unknown", "no_key", "refused", "lost"


async def confirm(call: Call, line: Line) -> Stage:
    """Stage CONFIRM; re-entered at the question that was open."""
    said = call.state["confirm"]
    resumed, call.resumed = call.resumed, False
    if resumed:
        await end_former(call, line)
    if said.get("answer"):
        return await _take(call, line, said["answer"])
    if resumed:
        await play(call, line, "resumed")
    else:
        line.journal.record(call, attempt_answered(call.id))
    if not said.get("identified") and not await _is_customer(call, line):
        return Stage.WRAP_UP
    if not await _may_record(call, line):
        return Stage.WRAP_UP
    tap = await begin_recording(call, line) if said.get("consent") == "given" else None
    try:
        key = await _ask(call, line)
        if key in WORDS:
            said["answer"] = key
            await line.journal.enter(call)
    finally:
        await end_recording(line, tap)
    if key in WORDS:
        return await _take(call, line, key)
    if key == PERSON:
        return await _to_person(call, line)
    await _end(call, line, NO_KEY, "confirm_bye")
    return Stage.WRAP_UP


async def _is_customer(call: Call, line: Line) -> bool:
    said, settings = call.state["confirm"], line.settings.outbound.confirm
    if said["identity"] == Identity.PRESSED:
        named = await by_name(line, said.get("who", ""))
        identity = named or Question.of(line, "confirm_identity")
        greeting, other = Question.of(line, "confirm_greeting"), Question.of(line, "confirm_not_me")
        question = Question(
            [*greeting.media, *identity.media, *other.media],
            greeting.seconds + identity.seconds + other.seconds,
        )
        key = await ask_key(call, question, (ME, NOT_ME), settings.answer_seconds, settings.asks)
        if key != ME:
            await _end(call, line, STRANGER if key == NOT_ME else NO_KEY, "confirm_bye")
            return False
    elif not await _knows_number(call, line):
        return False
    said["identified"] = said["identity"]
    line.journal.record(call, attempt_identified(call.id, said["identity"]))
    line.journal.note(call, "outbound.identity", identity=said["identity"])
    await line.journal.enter(call)
    return True


async def _knows_number(call: Call, line: Line) -> bool:
    settings = line.settings.outbound.confirm
    tried = False
    for number in range(settings.asks):
        names = ("confirm_greeting", "confirm_number") if number == 0 else ("confirm_number",)
        digits = await ask_digits(call, Question.of(line, *names), settings.answer_seconds)
        if digits and ticket_id_of(digits) == call.ticket_id:
            return True
        tried = tried or bool(digits)
    await _end(call, line, UNKNOWN if tried else NO_KEY, "confirm_bye")
    return False


async def _may_record(call: Call, line: Line) -> bool:
    """Whether the call goes on: with the customer's consent, or where nothing is recorded."""
    said, settings = call.state["confirm"], line.settings.outbound.confirm
    if said.get("consent") or not line.settings.recording.talks:
        return True
    question = Question.of(line, "confirm_consent")
    key = await ask_key(call, question, (AGREE, REFUSE), settings.answer_seconds, settings.asks)
    if not key:
        await _end(call, line, NO_KEY, "confirm_bye")
        return False
    said["consent"] = "given" if key == AGREE else "refused"
    line.journal.record(call, attempt_consented(call.id, said["consent"]))
    line.journal.note(call, "outbound.consent", consent=said["consent"], key=key)
    await line.journal.enter(call)
    if key == REFUSE:
        call.recorded = "refused"
        await _end(call, line, REFUSED, "confirm_refused")
        return False
    call.recorded = "on"
    return True


async def _ask(call: Call, line: Line) -> str:
    settings = line.settings.outbound.confirm
    question = Question.of(line, "confirm_question")
    keys = (SOLVED, NOT_SOLVED, PERSON)
    return await ask_key(call, question, keys, settings.answer_seconds, settings.asks)


async def _take(call: Call, line: Line, key: str) -> Stage:
    """Write the answer down; where the desk is away it is told later. Needs no customer."""
    said = call.state["confirm"]
    recording = await keep_now(call, line)
    unit = question_answered(said["request"], call.id, key == SOLVED, said["identified"], recording)
    result: str | None = None
    try:
        result = await line.journal.recorded(call, unit)
    except DatabaseError:
        raise  # it stays in the journal; the next start does it
    except DeskError as error:
        log.error("answer not taken", call=call.id, error=str(error))
        result = "not_taken"
    call.served = True
    outcome = result or WORDS[key]
    if key != SOLVED:
        await _end(call, line, outcome, "confirm_reopened")
    elif outcome != WORDS[SOLVED] or not is_wanted(call, line):
        await _end(call, line, outcome, "confirm_solved", "confirm_bye")
    elif await _end(call, line, outcome, "confirm_solved") and not await call.is_ending():
        return Stage.SURVEY
    return Stage.WRAP_UP


async def _to_person(call: Call, line: Line) -> Stage:
    """Into the queue, before others; the talk belongs to the ticket."""
    said = call.state["confirm"]
    team = said.get("team", "")
    call.state |= {
        "need": Need.of(call.caller, team=team if team in line.teams else "").as_dict(),
        "urgent": True,
        "record": "",
    }
    line.journal.note(call, "outbound.person")
    # From here on the dialplan serves this customer like any caller where we are gone.
    await call.channel.get_variable("SET(HUISHENG_PERSON=1)")
    return Stage.QUEUE


async def _end(call: Call, line: Line, outcome: str, *prompts: str) -> bool:
    """Note how it ended, then tell who is still there. Whether that was heard to its end."""
    call.state["confirm"]["outcome"] = outcome
    await line.journal.enter(call)
    try:
        await play(call, line, *prompts)
    except HungUp:
        call.end_cause = "hangup"
    except (ApplicationReplaced, Closed):
        raise
    except AriError as error:
        log.info("goodbye not heard", call=call.id, error=str(error))
    else:
        return True
    return False
