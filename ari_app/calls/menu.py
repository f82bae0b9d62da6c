"""The IVR: ask, hear a key or silence, go where it leads."""

from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.repeat.repeat import ask_number
from ari_app.calls.sound import ask, play
from ari_app.calls.survey import WANTED
from ari_app.ivr.walk import Ask, AskCase, Choice, Extension, HangUp, LeaveMessage, Person, Walk
from ari_app.queue import Need


async def menu(call: Call, line: Line) -> Stage:
    """Stage MENU. A caller who was in it before a crash goes on where the walk was."""
    walk = _walk(call, line)
    if call.resumed:
        call.resumed = False
        await play(call, line, "resumed")
    outcome = walk.ask()
    while isinstance(outcome, Ask):
        outcome = walk.step(await ask(call, line, outcome))
        call.state["walk"] = walk.state()
        if outcome.choice is not None:
            call.choice = walk.matter or outcome.choice
            call.served = is_served(outcome.choice, call.served)
            line.journal.chose(call, outcome.choice)
    match outcome:
        case LeaveMessage(prompt=prompt):
            call.state["prompt"] = prompt
            return Stage.MESSAGE
        case Person(team=team, skills=skills, language=language):
            need = Need.of(call.caller, team=team, skills=skills, language=language)
            return _to_queue(call, outcome, need)
        case Extension(number=number):
            return _to_queue(call, outcome, Need.of(call.caller, extension=number))
        case AskCase():
            ask_number(call)
            return Stage.REPEAT
        case HangUp(prompts=prompts):
            await play(call, line, *prompts)
            return Stage.WRAP_UP


def _to_queue(call: Call, outcome: Person | Extension, need: Need) -> Stage:
    call.state |= {"need": need.as_dict(), "urgent": outcome.urgent, "record": outcome.record or ""}
    if outcome.survey is not None:
        call.state[WANTED] = outcome.survey
    return Stage.QUEUE


def is_served(choice: Choice, before: bool) -> bool:
    """Whether a caller has got what the menu offers, now that `choice` was made; `before`: until
    then. An answer serves, and so does a good-bye that the caller asked for; who asks for
    something else waits for that. Failed attempts (no key) leave it as it was.
    """
    if choice.verb == "say":
        return True
    return choice.verb == "hangup" if choice.key else before


def _walk(call: Call, line: Line) -> Walk:
    assert call.caller is not None  # noqa: S101 - the welcome comes first
    entry = call.menus.entry_for(call.caller, call.dialled, line.now()).name
    if "walk" in call.state:
        return Walk.restore(call.menus, call.state["walk"], entry)
    return Walk(call.menus, entry)
