"""What the desk knows of a call-back: the attempt before anything is dialled, its end afterwards.

An attempt is in the desk before Asterisk hears of it, so whoever dies, no number is dialled twice
for one attempt, and one whose outcome nobody knows counts as made.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection

from ari_app.callback_settings import CallbackSettings
from ari_app.calls.call import Stage
from desk import callbacks, journal, recordings, timeline
from desk.callbacks import Callback
from desk.journal import NewCall
from desk.outbound import LimitSettings, NewAttempt, attempts, limits
from desk.timeline import Entry

AGENT_LEFT, TRUNK = "agent_left", "trunk"
FAULTS = frozenset({AGENT_LEFT, TRUNK})
"""Outcomes that are not the customer's: they cost no attempt."""

ANSWERED, MESSAGE = "answered", "message"
UNREACHABLE, REFUSED = "unreachable", "refused"
LOST = "lost"  # nobody knows
MOST_DOUBLINGS = 4  # of the wait between two attempts, while trunk or agents fail
_PAGE = 500

Begun = Literal["begun", "taken"] | limits.Cause


def begin(
    db: Connection,
    callback_id: int,
    new: NewCall,
    state: Mapping[str, Any],
    shown: str,
    bounds: LimitSettings,
    now: datetime,
) -> Begun:
    """Take a request, and journal the call that is about to be placed. `taken`: another process
    has it, or it is done; or the limit that stands in the way. Then nothing is dialled.
    """
    callback = callbacks.get(db, callback_id)
    if callback is None or callback.state != "waiting":
        return "taken"
    attempt = NewAttempt(
        id=new.id,
        purpose="callback",
        number=callback.number,
        e164=new.caller.e164,
        shown=shown,
        callback_id=callback_id,
        ticket_id=new.ticket_id,
    )
    refused = limits.begin(db, attempt, bounds, now)
    if refused is not None:
        return refused
    callbacks.dialling(db, callback_id, new.id, now)
    journal.begin(db, new, now)
    journal.enter_stage(db, new.id, Stage.CALLBACK, state, now)
    return "begun"


def settle(
    db: Connection,
    callback_id: int,
    channel_id: str,
    why: str,
    settings: CallbackSettings,
    now: datetime,
) -> None:
    """End an attempt whose channel is gone: with a talk or a message the request is done; else it
    waits for the next attempt, or is given up as `unreachable` after the last one.

    Args:
        why: how the attempt ended, if the customer did not talk.
    """
    attempts.ended(db, channel_id, why, now)
    callback = callbacks.get(db, callback_id)
    if callback is None or callback.state != "dialling" or callback.channel_id != channel_id:
        return
    call = journal.get(db, channel_id)
    if call is not None:
        journal.end(db, channel_id, why, now)
    if call is not None and call.state.get("talked"):
        callbacks.done(db, callback_id, ANSWERED, now)
    elif any(kept.kind == "message" for kept in recordings.of_call(db, channel_id)):
        callbacks.done(db, callback_id, MESSAGE, now)
    else:
        _again(db, callback, why, settings, now)


def _again(
    db: Connection, callback: Callback, why: str, settings: CallbackSettings, now: datetime
) -> None:
    outcomes = [why, *_outcomes(db, callback)]
    faults = sum(outcome in FAULTS for outcome in outcomes)
    wait = timedelta(minutes=settings.retry_minutes)
    if why in FAULTS:
        wait *= 1 << min(faults - 1, MOST_DOUBLINGS)
    elif len(outcomes) - faults >= settings.attempts:
        callbacks.done(db, callback.id, UNREACHABLE, now)
        return
    callbacks.again(db, callback.id, why, now + wait, now)


def _outcomes(db: Connection, callback: Callback) -> Iterator[str]:
    """Of the attempts before."""
    for entry in _entries(db, callback.call_id):
        if entry.kind == "callback.postponed" and entry.body is not None:
            yield str(entry.body.get("outcome", LOST))


def _entries(db: Connection, call_id: str) -> Iterator[Entry]:
    after = 0
    while page := timeline.entries_after(db, after, _PAGE, call_id=call_id):
        yield from page
        after = page[-1].seq
