"""The caller waits for an agent: music, position, keys; agents' phones ring one after the other."""

import asyncio
import contextlib
from datetime import datetime, timedelta

import structlog

from ari_app.ari import AriError, Channel, ChannelDtmfReceived, Event, Playback
from ari_app.ari.ids import new_id
from ari_app.calls.call import Call, Stage
from ari_app.calls.callback.request import PROMISED, can_ask, promise
from ari_app.calls.line import Line
from ari_app.calls.sound import play
from ari_app.calls.talk.consent import ask_consent
from ari_app.calls.talk.conversation import Conversation, Leg
from ari_app.calls.talk.legs import let_go, ring
from ari_app.queue import Agent, Need, Place, QueueFull, Waiting, priority_of
from desk import talks
from desk.errors import DatabaseError

log = structlog.get_logger()

NOBODY = "nobody"  # the prompt that asks for a message when nobody answers
SLICE_SECONDS = 5.0  # the lease is looked after this often
TOLD_MINUTES = (1, 2, 3, 5, 10)
WORTH_TELLING_SECONDS = 20
LAST_AGENT_DAYS = 90
LOOK_UP_SECONDS = 0.5


Reached = tuple[Agent, Channel]
"""An agent who has answered, and the leg."""


async def queue(call: Call, line: Line) -> Stage:
    """Stage QUEUE. Nobody answers: a message, and so a ticket."""
    if "since" not in call.state:
        await play(call, line, "connecting")
        call.state["since"] = line.now().isoformat()
        call.state["last_agent"] = await _last_agent(call, line)
        await line.journal.enter(call)
    elif call.resumed:
        await play(call, line, "resumed")
    call.resumed = False
    if call.state.get(PROMISED):
        return await promise(call, line, _waiting(call, line).priority)
    await ask_consent(call, line)
    try:
        with line.queue.join(_waiting(call, line)) as place:
            line.publish("queue.changed", call.id, {})
            stage = await _wait(call, line, place) if place.has_agents else Stage.MESSAGE
    except QueueFull:
        log.error("too many callers wait: this one leaves a message", call=call.id)
        stage = Stage.MESSAGE
    finally:
        line.queue.forget(call.id)
        line.publish("queue.changed", call.id, {})
    if stage is Stage.WRAP_UP:
        await call.stop_music()
        stage = await promise(call, line, _waiting(call, line).priority)
    if stage is Stage.MESSAGE:
        await call.stop_music()
        call.state["prompt"] = NOBODY
    return stage


async def _last_agent(call: Call, line: Line) -> str:
    """Who talked to this customer last; a slow desk costs the caller this comfort only."""
    if call.caller is None:
        return ""
    since = line.now() - timedelta(days=LAST_AGENT_DAYS)
    ids = [customer.id for customer in call.customers]
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await line.db.read(talks.last_agent, ids, call.caller.e164, since)
    except (DatabaseError, TimeoutError):
        return ""
    return found or ""


def _waiting(call: Call, line: Line) -> Waiting:
    need = Need.from_dict(call.state["need"])
    return Waiting(
        id=call.id,
        since=datetime.fromisoformat(call.state["since"]),
        need=need,
        priority=priority_of(
            (customer.level for customer in call.customers),
            bool(call.state.get("urgent")),
            line.settings.queue,
        ),
        last_agent=call.state.get("last_agent", ""),
    )


async def _wait(call: Call, line: Line, place: Place) -> Stage:
    """Until an agent answers, the caller chooses otherwise, or nobody came for too long."""
    settings = line.settings.queue
    reaching = asyncio.create_task(_reach(call, line, place), name=f"reach {call.id}")
    loop = asyncio.get_running_loop()
    gives_up = loop.time() + settings.most_wait_seconds
    tells = loop.time() + settings.announce_seconds
    telling: Playback | None = None
    reached: Reached | None = None
    try:
        telling = await _tell_keys(call, line)
        while not reaching.done():
            now = loop.time()
            if now >= gives_up:
                return Stage.MESSAGE
            if telling is not None and telling.is_over:
                telling = None
                await call.start_music()
            await call.lease.cover(SLICE_SECONDS, whole=True)
            if now >= tells:
                tells = now + settings.announce_seconds
                telling = await call.channel.play(_position(line, place))
            until = min(SLICE_SECONDS, gives_up - now, tells - now)
            event = await _event_or(call, reaching, max(0.0, until))
            if isinstance(event, ChannelDtmfReceived):
                chosen = await _key(call, line, event.digit)
                if chosen is not None:
                    await _hush(telling)
                    return chosen
        reached = reaching.result()
    finally:
        await _stop(reaching, reached, line, call)
    if reached is None:
        await _hush(telling)
        return Stage.MESSAGE
    _prepare_talk(call, *reached)  # first: what the call knows of, its wrap-up can end
    await _hush(telling)
    return Stage.TALK


async def _hush(telling: Playback | None) -> None:
    """Stop what is being told, unless it ends by itself this moment."""
    if telling is not None and not telling.is_over:
        with contextlib.suppress(AriError):
            await telling.stop(wait=False)


async def _tell_keys(call: Call, line: Line) -> Playback | None:
    """Say what the caller may press, who may press it at once; where there is nothing, music."""
    prompt = "queue_keys" if line.settings.queue.message_key else None
    if can_ask(call, line):
        prompt = "queue_callback_keys"
    if prompt is None:
        await call.start_music()
        return None
    await call.lease.cover(line.prompts.seconds(prompt))
    return await call.channel.play([line.prompts.media(prompt)])


def _position(line: Line, place: Place) -> list[str]:
    return [line.prompts.media(p) for p in position_prompts(place.position, place.expected_wait)]


async def _stop(
    reaching: "asyncio.Task[Reached | None]", reached: "Reached | None", line: Line, call: Call
) -> None:
    """End the search; an agent who answered in the moment when the caller went is let go."""
    reaching.cancel()
    (found,) = await asyncio.gather(reaching, return_exceptions=True)
    if isinstance(found, tuple) and found is not reached:
        agent, leg = found
        line.queue.free(agent.extension, call.id)
        await let_go(leg)


async def _reach(call: Call, line: Line, place: Place) -> "Reached | None":
    """The first agent who answers, and the leg; None when nobody could be offered in time."""
    while True:
        agent = await place.offer(line.settings.queue.most_wait_seconds)
        if agent is None:
            return None
        line.journal.note(call, "agent.rung", agent=agent.extension)
        leg, why = await ring(line, call, agent.extension)
        if leg is None:
            line.journal.note(call, "agent.missed", agent=agent.extension, reason=why)
            place.declined(why)
            continue
        try:
            place.answered()
        except BaseException:
            await let_go(leg)
            raise
        return agent, leg


async def _event_or(call: Call, reaching: "asyncio.Task[object]", seconds: float) -> Event | None:
    """The caller's next event; None when an agent is reached, or none comes in time."""
    waiting = asyncio.create_task(call.next_event(seconds), name=f"wait {call.id}")
    try:
        await asyncio.wait({waiting, reaching}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else None
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)  # also what it raised just now


async def _key(call: Call, line: Line, digit: str) -> Stage | None:
    """What a waiting caller's key leads to; None: he waits on."""
    settings = line.settings.queue
    if digit == settings.message_key:
        line.journal.note(call, "queue.left", key=digit, to="message")
        return Stage.MESSAGE
    if digit == settings.callback_key and can_ask(call, line):
        line.journal.note(call, "queue.left", key=digit, to="callback")
        return Stage.WRAP_UP
    return None


def position_prompts(position: int, expected_wait: float | None) -> list[str]:
    """What a waiting caller is told: the place (`queue_1` … `queue_9`, `queue_more`), and about
    how many minutes it takes where that is known and worth telling (`wait_1` … `wait_more`)."""
    prompts = [f"queue_{position}" if 0 < position < 10 else "queue_more"]
    if expected_wait is not None and expected_wait >= WORTH_TELLING_SECONDS:
        minutes = next((m for m in TOLD_MINUTES if expected_wait <= m * 60), None)
        prompts.append(f"wait_{minutes}" if minutes else "wait_more")
    return prompts


def _prepare_talk(call: Call, agent: Agent, leg: Channel) -> None:
    state = Conversation(bridge=new_id("b"), recorded=call.recorded)
    state.legs[leg.id] = Leg(leg.id, agent.extension, "agent")
    call.state["talk"] = state.as_state()
