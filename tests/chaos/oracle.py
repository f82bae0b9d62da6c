"""What must be true when a round is over. Who called is read off the wire, never asked of us."""

import asyncio
import time
import wave
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, select

from desk import journal, outbox, recordings, timeline, utterances
from desk.db.engine import Database
from desk.db.schema import calls, tickets
from desk.journal import Call
from desk.recordings import Recording
from desk.timeline import Entry
from tests.chaos.cast import (
    ARRIVING,
    ENDED,
    SECRET_KEYS,
    SPEAKING,
    SPOKEN_EVERY,
    TALKS,
    WORD,
    Caller,
)
from tests.chaos.house import House
from tests.chaos.listening import judge_talk
from tests.chaos.site import QUEUE_AGENT, TARGET
from tests.chaos.sound import SECRET_HZ, seconds_of_tone

if TYPE_CHECKING:
    from tests.chaos.round import Round

QUIET_SECONDS = 90.0
FILED_SECONDS = 70.0  # reconciliation looks every minute
LOOK_SECONDS = 0.5
HEADER_BYTES = 44
LEAST_HEARD = 0.6  # of what a caller said in a talk must be in the transcript


@dataclass(frozen=True)
class Known:
    """What the desk knows of one number."""

    calls: list[Call] = field(default_factory=list)
    tickets: list[Any] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)  # by party


async def judge(house: House, one: "Round") -> None:
    """Wait until all is quiet, then hold the desk against the wire; problems go into the round."""
    async with await Database.open(house.settings.database_url) as db:
        house.invited |= {invite.number for invite in _arrived(one)}
        await _filed(db, [each.number for each in one.callers if each.number in house.invited])
        left = await quiet(house, db)
        if left:
            one.problems.append(f"not quiet after {QUIET_SECONDS:g} s: {left}")
        for each in one.callers:
            known = await db.read(_known, each.number)
            if each.number in house.invited:
                each.reached = each.reached or each.stage == ARRIVING
                _judge_call(one, each, known)
                _judge_end(one, each)
            elif known.calls or known.tickets:
                each.problems.append("a call or ticket without an INVITE")
            else:
                each.notes.append("the INVITE was never taken")
        one.problems += await db.read(_strangers, frozenset(house.invited))
    _judge_order(one)
    judge_talk(one)


def _arrived(one: "Round") -> list[Any]:
    """INVITEs that Asterisk has taken: answered with anything but silence."""
    return [invite for invite in one.wire.from_callers() if invite.answered_by - {100}]


async def _filed(db: Database, numbers: list[str]) -> None:
    """Give reconciliation its time to file what the dialplan has served."""
    last = time.monotonic() + FILED_SECONDS
    while time.monotonic() < last:
        known = [await db.read(_known, number) for number in numbers]
        if all(one.tickets for one in known):
            return
        await asyncio.sleep(LOOK_SECONDS)


# -- nothing is left -------------------------------------------------------------------------------


async def quiet(house: House, db: Database) -> dict[str, Any]:
    """Wait until nothing of any call is left anywhere; what is left after too long."""
    last = time.monotonic() + QUIET_SECONDS
    while left := await _left(house, db):
        if time.monotonic() > last:
            return left
        await asyncio.sleep(LOOK_SECONDS)
    return {}


async def _left(house: House, db: Database) -> dict[str, Any]:
    counts = (await db.read(outbox.counts)).get(TARGET)
    agents = (await house.get("agents"))["items"]
    left = {
        **await house.asterisk_holds(),
        "unfinished": [(c.id, c.stage, c.caller_id) for c in await db.read(journal.unfinished)],
        "untranscribed": [r.name for r in await db.read(recordings.untranscribed, limit=100)],
        "undelivered": counts.pending if counts else 0,
        "agents": {a["extension"]: a["state"] for a in agents if a["state"] != "ready"},
    }
    return {name: what for name, what in left.items() if what}


def _strangers(db: Connection, invited: frozenset[str]) -> list[str]:
    """Calls and tickets of numbers that never called."""
    found = []
    for table, name in ((calls, "call"), (tickets, "ticket")):
        for number, count in Counter(db.scalars(select(table.c.caller_id))).items():
            if number not in invited:
                found.append(f"{count} {name} of {number!r}, who never called")
    return found


# -- each call -------------------------------------------------------------------------------------


def _known(db: Connection, number: str) -> Known:
    ids = list(db.scalars(select(calls.c.id).where(calls.c.caller_id == number)))
    found = [call for call in (journal.get(db, ident) for ident in ids) if call is not None]
    said: dict[str, str] = {}
    for ident in ids:
        for one in utterances.transcript(db, ident):
            said[one.party] = said.get(one.party, "") + one.text
    kept = [each for ident in ids for each in recordings.of_call(db, ident)]
    for each in kept:
        text = recordings.transcript_of(db, each.id)
        if text is not None and each.kind == "message":
            said[each.party] = said.get(each.party, "") + text.text
    return Known(
        found,
        list(db.execute(select(tickets).where(tickets.c.caller_id == number))),
        kept,
        [e for ident in ids for e in timeline.entries_after(db, 0, 1000, call_id=ident)],
        said,
    )


def _judge_call(one: "Round", each: Caller, known: Known) -> None:
    if not known.calls:
        each.problems.append("LOST: no call in the journal")
    if len(known.calls) > 1:
        each.problems.append(f"DOUBLED: {len(known.calls)} calls")
    if not known.tickets:
        each.problems.append("LOST: no ticket")
    if len(known.tickets) > 1:
        each.problems.append(f"DOUBLED: {len(known.tickets)} tickets")
    for call in known.calls:
        if call.ended_at is None:
            each.problems.append(f"call unfinished in {call.stage}")
        if call.ticket_id not in [ticket.id for ticket in known.tickets]:
            each.problems.append("the call's ticket is another caller's")
    for kept in known.recordings:
        _judge_recording(each, kept)
    # Who waits in the menu meanwhile is with the dialplan, or cut off, before he says anything.
    broken = one.long or one.fault.asterisk
    silent = broken and each.stage in ("menu", "announcement")
    if each.stage in SPEAKING and each.reached and not silent:
        _judge_words(each, known)
    alone = [call for call in known.calls if call.stage == "fallback"]
    each.alone = any(entry.kind == "call.reconciled" for entry in known.entries)
    if each.stage == ARRIVING and alone and not one.fault.asterisk:
        _judge_words(each, known)
    if each.stage in TALKS and each.reached:
        parties = [kept.party for kept in known.recordings if kept.kind == "party"]
        if parties.count("caller") != 1:
            each.problems.append(f"recordings of {parties}, not one of the caller")
    if each.stage == "paused" and each.reached:
        _judge_secret(each, known)


def _judge_recording(each: Caller, kept: Recording) -> None:
    path = Path(kept.path)
    try:
        with wave.open(str(path), "rb") as file:
            seconds = file.getnframes() / file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        each.problems.append(f"{kept.name} cannot be played: {error}")
        return
    told = kept.kind != "message" or each.stage == "message"  # others may have said nothing
    if seconds <= 0 and told:
        each.problems.append(f"{kept.name} is empty")
    if path.stat().st_size - HEADER_BYTES != round(seconds * 16_000):
        each.problems.append(f"{kept.name}: its header does not say how long it is")
    if kept.state == "failed":
        each.problems.append(f"{kept.name} was not transcribed")


def _judge_words(each: Caller, known: Known) -> None:
    said = known.said.get("caller", "").count(WORD)
    seconds = [one.seconds for one in known.recordings if one.party == "caller"]
    talks = each.stage in TALKS  # and says it again and again, before the fault and after it
    least = max(1, round(LEAST_HEARD * max(seconds, default=0.0) / SPOKEN_EVERY)) if talks else 1
    if said < least:
        each.problems.append(f"heard {said} of {least} times: {known.said} in {seconds} s")


def _judge_secret(each: Caller, known: Known) -> None:
    for kept in known.recordings:
        if kept.party not in ("caller", ""):
            continue
        with wave.open(kept.path, "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        heard = seconds_of_tone(samples, SECRET_HZ)
        if heard > 0.1:
            each.problems.append(f"{heard:.1f} s of what was private are in {kept.name}")
    told = [{**(entry.body or {}), "sha256": ""} for entry in known.entries]
    if SECRET_KEYS in repr(told):
        each.problems.append("private keys are in the timeline")


# -- what callers saw ------------------------------------------------------------------------------


def _judge_end(one: "Round", each: Caller) -> None:
    """A caller in a talk is not hung up on because we die."""
    if one.fault.asterisk or not each.reached:
        return
    kept_on = each.stage in TALKS and each.stage not in ENDED
    if not one.long:
        kept_on = kept_on or each.stage in ("menu", "announcement", "queue", "ringing")
    ended = [i.ended_at for i in one.wire.from_callers() if i.number == each.number and i.ended_at]
    if kept_on and ended and not each.alone and ended[0] < one.ending_at:
        each.problems.append(f"CUT: hung up {ended[0] - one.fault_at:.1f} s after the fault")


def _judge_order(one: "Round") -> None:
    """Those who waited were served in the order in which they came: by the agent's telephone."""
    came = [each.number for each in one.callers if each.stage == "queue" and each.reached]
    port = one.agent_ports.get(QUEUE_AGENT, 0)
    # An agent who is gone before the talk has begun is rung for the same caller again.
    rung = [i.number for i in one.wire.to_agents() if i.destination == port]
    served = [number for number in dict.fromkeys(rung) if number in came]
    expected = [number for number in came if number in served]
    if served != expected:
        one.problems.append(f"not served in the order of coming: {served}, came as {expected}")
    talker = one.agent_ports.get(TALKS["talk"], 0)
    rung = [i.number for i in one.wire.to_agents() if i.destination == talker]
    if len(rung) > 1:
        one.problems.append(f"an agent's telephone rang during a talk: {rung}")
    if one.fault.asterisk or one.long:
        return
    alone = [each.number for each in one.callers if each.alone]
    if missing := [number for number in came if number not in served + alone]:
        one.problems.append(f"waited and were never served: {missing}")
