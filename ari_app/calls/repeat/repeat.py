"""Stage REPEAT: a caller whose case we know is told at once how it stands, or asked to confirm it.

Of a case nobody hears more than its number and state. Where the caller's number alone does not say
who he is, the ticket's number must be keyed in before that, too. At every point 0, a wrong key or
silence lead to a person who sees the case, and 9 to the menu.

The steps are journaled with what they need, so a process that takes over asks the same question
again; an answer is one unit, which counts only while the case waits for it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

import structlog

from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.outbound.keys import Question
from ari_app.calls.outbound.spoken_name import by_name
from ari_app.calls.repeat import cases
from ari_app.calls.repeat.person import to_person
from ari_app.calls.repeat.records import repeat_answered, repeat_left, repeat_told
from ari_app.calls.repeat.state import STATE, Repeat, Step
from ari_app.calls.sound import key_after, key_to, keys_after, play
from ari_app.calls.survey import may_ask
from ari_app.repeat_settings import SAID_STATUSES
from desk.errors import DatabaseError
from desk.outbound.salutation import salutation
from desk.tickets import Cases, Identity, Status

log = structlog.get_logger()

MOST_DIGITS = 18
PERSON, OTHER_CASE, OTHER, MENU = "0", "8", "9", "*"
MINE, SOLVED, NOT_SOLVED = "1", "1", "2"


async def begin(call: Call, line: Line) -> bool:
    """Whether the caller is one of those; then the call's state says where to begin."""
    if not line.settings.repeat.enabled:
        return False
    found = await cases.look_up(call, line)
    if found is None:
        return False
    known, sure = found
    state = Repeat("number")
    if sure and known.best is not None:
        state = Repeat("tell", others=bool(known.others) or _both(known))
        state.of(known.best)
    call.state[STATE] = asdict(state)
    return True


def ask_number(call: Call) -> None:
    """Have the next stage REPEAT ask for a ticket's number; from the menu."""
    call.state[STATE] = asdict(Repeat("number"))


def _both(known: Cases) -> bool:
    return known.to_confirm is not None and known.to_tell is not None


async def repeat(call: Call, line: Line) -> Stage:
    """Stage REPEAT."""
    state = Repeat(**call.state[STATE])
    if call.resumed:
        call.resumed = False
        await play(call, line, "resumed")
    following: Step | Stage = state.step
    while not isinstance(following, Stage):
        state.step = following
        call.state[STATE] = asdict(state)
        await line.journal.enter(call)
        following = await STEPS[following](call, line, state)
    if following is Stage.MENU:
        call.state.pop(STATE, None)
    else:
        call.state[STATE] = asdict(state)
    return following


# -- the steps -------------------------------------------------------------------------------------


async def _number(call: Call, line: Line, state: Repeat) -> Step | Stage:
    """The number of the case, keyed in; three times at most."""
    for _ in range(line.settings.repeat.attempts):
        digits = await keys_after(
            call,
            line,
            "repeat_number",
            most=MOST_DIGITS,
            wait_seconds=line.settings.repeat.digit_seconds,
        )
        if not digits or MENU in digits:
            return Stage.MENU
        if digits == PERSON:
            return await to_person(call, line, state.ticket_id)
        try:
            keyed = await cases.by_number(call, line, digits)
        except (DatabaseError, TimeoutError):
            return Stage.MENU
        if keyed is not None:
            state.of(keyed.ticket)
            state.identity, state.own = Identity.TICKET_NUMBER.value, keyed.own
            state.others = False
            return "tell"
        await play(call, line, "repeat_wrong")
    return Stage.MENU


async def _tell(call: Call, line: Line, state: Repeat) -> Step | Stage:
    """The state of the case, at once."""
    status = state.status
    if status not in {said.value for said in SAID_STATUSES}:
        return Stage.MENU
    said = ("repeat_open", f"repeat_state_{status}")
    key = await key_after(call, line, *said, number=state.number, wait_seconds=0)
    line.journal.record(call, repeat_told(call.id, state.case, status))
    if status == Status.RESOLVED and state.own:
        if key in (None, MINE):
            return "question" if state.identity else "identity"
        return await _elsewhere(call, line, state, key)
    if key is None:
        keys = "repeat_keys_others" if state.others else "repeat_keys"
        wait = line.settings.repeat.wait_seconds
        key = await key_after(call, line, keys, wait_seconds=wait)
    return await _elsewhere(call, line, state, key)


async def _identity(call: Call, line: Line, state: Repeat) -> Step | Stage:
    """The number is the registered one; is it he, too? By name where one customer has it."""
    wait = line.settings.repeat.wait_seconds
    named = await _by_name(call, line)
    if named is None:
        key = await key_after(call, line, "repeat_identity", wait_seconds=wait)
    else:
        media = [*named.media, line.prompts.media("repeat_keys")]
        seconds = named.seconds + line.prompts.seconds("repeat_keys")
        key = await key_to(call, media, seconds, wait)
    if key != MINE:
        return await _elsewhere(call, line, state, key)
    state.identity = Identity.PRESSED.value
    return "question"


async def _by_name(call: Call, line: Line) -> Question | None:
    if len(call.customers) != 1 or "confirm_identity" not in line.settings.ivr.prompts:
        return None
    who = salutation(call.customers[0].name)
    return await by_name(line, who) if who else None


async def _question(call: Call, line: Line, state: Repeat) -> Step | Stage:
    """Solved or not. A process before this one may have taken the answer already."""
    answer = await _before(call, line, state)
    if answer is not None:
        state.solved = answer == "solved"
        return "answered"
    wait = line.settings.repeat.wait_seconds
    key = await key_after(call, line, "repeat_question", wait_seconds=wait)
    if key not in (SOLVED, NOT_SOLVED):
        return await _elsewhere(call, line, state, key)
    solved = key == SOLVED
    unit = repeat_answered(call.id, state.case, state.cycle, solved, state.identity)
    try:
        status = await line.journal.recorded(call, unit)
    except DatabaseError as error:
        log.error("a caller's answer was not taken", call=call.id, error=str(error))
        return await to_person(call, line, state.ticket_id)
    call.ticket_id = state.ticket_id
    state.solved = solved
    state.status = status or ""
    return "answered"


async def _answered(call: Call, line: Line, state: Repeat) -> Step | Stage:
    """Thank him; he may still go on to a person."""
    solved = state.solved
    expected = Status.CLOSED if solved else Status.REOPENED
    if state.status and state.status != expected:
        return await to_person(call, line, state.ticket_id)  # somebody was faster: let them talk
    if not state.status:
        said = "repeat_noted"
    else:
        said = "repeat_solved" if solved else "repeat_not_solved"
    survey = bool(solved) and await may_ask(call, line)
    key = await key_after(call, line, said, wait_seconds=0)
    if key is None and not survey:
        wait = line.settings.repeat.wait_seconds
        key = await key_after(call, line, "repeat_more", wait_seconds=wait)
    if key is not None:
        call.state["urgent"] = not solved
        return await to_person(call, line, state.ticket_id)
    if survey:
        return Stage.SURVEY
    call.served = True
    await play(call, line, "goodbye")
    return Stage.WRAP_UP


STEPS: dict[Step, Callable[[Call, Line, Repeat], Awaitable[Step | Stage]]] = {
    "number": _number,
    "tell": _tell,
    "identity": _identity,
    "question": _question,
    "answered": _answered,
}


async def _elsewhere(call: Call, line: Line, state: Repeat, key: str | None) -> Step | Stage:
    """What any other key, or silence, leads to."""
    if key == OTHER:
        line.journal.record(call, repeat_left(call.id, state.case, "other"))
        state.ticket_id = None
        return Stage.MENU
    if key == OTHER_CASE and state.others:
        return "number"
    line.journal.record(call, repeat_left(call.id, state.case, "person"))
    call.ticket_id = state.ticket_id
    return await to_person(call, line, state.ticket_id)


async def _before(call: Call, line: Line, state: Repeat) -> str | None:
    try:
        return await cases.answer_of(call, line, state.case)
    except (DatabaseError, TimeoutError):
        return None  # the unit counts once, whoever asks again
