"""At start: what a former process left, found in the journal and in Asterisk.

A call whose channel is still in our application re-enters the stage that the journal names, with
what it needs. A call whose channel is gone is wrapped up: its recordings are kept, and it gets the
ticket it calls for. A call that the dialplan serves alone, or has served, is left to it
(reconciliation ends it, and has its message); the talk that it may have been before is wrapped up.
Calls of other systems on the same desk are theirs (`pbx.system_name` begins every call id), and
messages of AGI scripts are finished by the FastAGI server.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from ari_app.ari import ChannelSnapshot
from ari_app.calls.call import BACK, Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.new_call import new_call
from ari_app.calls.recovery.evidence import Evidence
from ari_app.calls.recovery.filing import has_talked, how_it_ended
from ari_app.calls.system import is_own
from ari_app.calls.talk.conversation import Conversation
from ari_app.ivr.walk import Choice, Walk
from desk import customers, journal
from desk.journal import Call as Journaled

log = structlog.get_logger()

INBOUND = ("huisheng-line", "huisheng-callback", "huisheng-outbound", BACK)
"""The dialplan contexts of callers, and of customers whom we have called."""
EXPECT_SECONDS = 10.0  # for which those who waited are expected back in the line
OUR_OWN = (Stage.MESSAGE, Stage.CONFIRM, Stage.CALLBACK)
"""Stages that have something to finish whoever has served the caller since."""


Noted = Callable[[], Awaitable[Mapping[str, Evidence]]]
"""Tells what the dialplan has noted of calls that are not settled yet, by their ids."""


async def nothing_noted() -> Mapping[str, Evidence]:
    """Where the dialplan keeps no notes for us."""
    return {}


@dataclass(frozen=True)
class Found:
    """What a former process left.

    Attributes:
        unfinished: calls of the journal, oldest first, each with its channel in our application,
            or None if the channel is gone.
        unknown: callers in our application whom the journal does not know.
        owned_channels, owned_bridges: ids of what belongs to the calls that go on.
    """

    unfinished: Sequence[tuple[Journaled, ChannelSnapshot | None]]
    unknown: Sequence[ChannelSnapshot]
    owned_channels: frozenset[str]
    owned_bridges: frozenset[str]


async def find(line: Line, noted: Mapping[str, Evidence]) -> Found:
    """Ask Asterisk and the journal; `noted`: what the dialplan has noted of calls, by their ids.

    Raises:
        AriError, DatabaseError: one of them does not say.
    """
    application = await line.ari.applications.get(line.ari.application)
    channels = {channel.id: channel for channel in await line.ari.channels.list()}
    inside = frozenset(application.channel_ids)
    callers = {
        ident: channel
        for ident, channel in channels.items()
        if ident in inside and channel.dialplan.context in INBOUND
    }
    unfinished: list[tuple[Journaled, ChannelSnapshot | None]] = []
    for journaled in await _unfinished(line):
        channel = callers.pop(journaled.id, None)
        if channel is None and not has_talked(journaled):
            evidence = noted.get(journaled.id)
            is_served = evidence is not None and evidence.fallback
            if journaled.id in channels or (is_served and journaled.stage not in OUR_OWN):
                log.info("the dialplan serves this call, or has", call=journaled.id)
                continue
        unfinished.append((journaled, channel))
    going_on = [journaled for journaled, channel in unfinished if channel is not None]
    talks = list(_talks(going_on))
    return Found(
        unfinished=unfinished,
        unknown=list(callers.values()),
        owned_channels=frozenset(ident for talk in talks for ident in talk.channels())
        | frozenset(journaled.id for journaled in going_on),
        owned_bridges=frozenset(ident for talk in talks for ident in talk.bridges()),
    )


async def former_calls(line: Line, noted: Mapping[str, Evidence]) -> tuple[Sequence[Call], Found]:
    """The calls to be gone on with, each in its stage; who waits keeps the place.

    Raises:
        AriError, DatabaseError: Asterisk or the desk does not say.
    """
    found = await find(line, noted)
    waiting = [
        call.id
        for call, channel in found.unfinished
        if channel is not None and call.stage == Stage.QUEUE
    ]
    line.queue.expect(waiting, EXPECT_SECONDS)  # nobody passes those whose calls come later
    calls = []
    for journaled, channel in found.unfinished:
        call = new_call(channel or ChannelSnapshot(id=journaled.id), line)
        await remember(call, journaled, line)
        if channel is None:
            log.warning("call was lost with a former process", call=call.id, stage=call.stage)
            # Where it keeps what the caller has told, or does what the customer pressed.
            if call.stage not in (Stage.MESSAGE, Stage.CONFIRM):
                call.stage = Stage.WRAP_UP
                call.end_cause = how_it_ended(noted.get(call.id))
        calls.append(call)
    for channel in found.unknown:  # came while nobody was here to journal it
        call = new_call(channel, line)
        call.lease.doubt()
        calls.append(call)
    return calls, found


def _talks(calls: Sequence[Journaled]) -> Iterator[Conversation]:
    for call in calls:
        if "talk" in call.state:
            yield Conversation.restore(call.state["talk"])


async def _unfinished(line: Line) -> list[Journaled]:
    """This system's unfinished calls, oldest first."""
    system = line.settings.pbx.system_name
    stages = frozenset(Stage)
    return [
        call
        for call in await line.db.read(journal.unfinished)
        if is_own(call.id, system) and call.stage in stages
    ]


async def remember(call: Call, journaled: Journaled, line: Line) -> None:
    """Give a new `call` what the journal knows of it."""
    call.stage = Stage(journaled.stage)
    call.state = dict(journaled.state)
    call.caller = journaled.caller
    call.caller_id = journaled.caller_id
    call.dialled = journaled.dialled
    call.ticket_id = journaled.ticket_id
    call.journaled = call.resumed = True
    call.lease.doubt()
    call.armed = call.stage in (Stage.QUEUE, Stage.TALK, Stage.CALLBACK)
    call.private = bool(call.state.get("talk", {}).get("recorded") == "paused")
    call.choice = _matter(call)
    for customer_id in journaled.customer_ids:
        customer = await line.db.read(customers.get, customer_id)
        if customer is not None:
            call.customers = (*call.customers, customer)


def _matter(call: Call) -> Choice | None:
    """The choice that said what the caller's matter is, out of the journaled walk."""
    if "walk" not in call.state or call.caller is None:
        return None
    walk = Walk.restore(call.menus, call.state["walk"], call.menus.entries[-1].menu)
    return walk.matter or (walk.choices[-1] if walk.choices else None)
