"""What calls that we place tell the desk, and how one begins: attempt and journal in one unit.

An attempt is in the desk before Asterisk hears of it, so whoever dies, no number is dialled twice
for one attempt, and one whose outcome nobody knows counts as made.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Literal

from sqlalchemy import Connection

from ari_app.calls.journal.units import unit
from desk import journal
from desk.journal import NewCall
from desk.outbound import (
    NewAttempt,
    OutboundSettings,
    Request,
    attempts,
    confirming,
    limits,
    requests,
)
from desk.outbound.hours import allowed, next_allowed
from desk.outbound.outcomes import answer
from desk.tickets import Identity

Begun = Literal["begun", "taken", "hours"] | limits.Cause


@unit("attempt.answered")
def attempt_answered(db: Connection, now: datetime, attempt_id: str) -> None:
    """Somebody answers; the first moment stays."""
    attempts.answered(db, attempt_id, now)


@unit("attempt.identified")
def attempt_identified(db: Connection, now: datetime, attempt_id: str, identity: str) -> None:
    """It is the customer, who said so in this way; the first time stays."""
    attempts.identified(db, attempt_id, identity, now)


@unit("attempt.consented")
def attempt_consented(
    db: Connection, now: datetime, attempt_id: str, consent: Literal["given", "refused", "told"]
) -> None:
    """What was said to the recording; the first answer stays."""
    attempts.consented(db, attempt_id, consent, now)


@unit("outbound.answer")
def question_answered(
    db: Connection,
    now: datetime,
    request_id: int,
    call_id: str,
    solved: bool,
    identity: str,
    recording: str,
) -> str:
    """The customer pressed a key: the ticket is closed or opened again; once."""
    return answer(db, request_id, call_id, solved, Identity(identity), recording, now)


def begin_confirm(
    db: Connection,
    request_id: int,
    new: NewCall,
    stage: str,
    state: Mapping[str, Any],
    shown: str,
    settings: OutboundSettings,
    tz: tzinfo,
    now: datetime,
) -> Begun:
    """Take a request, and journal the call that is about to be placed. `taken`: another process
    has it, or there is nothing to ask any more; `hours`: it is late; or the limit that stands in
    the way. Then nothing is dialled.
    """
    request = requests.for_change(db, request_id)
    if request.state != "waiting" or request.way != "call" or request.purpose != "confirm":
        return "taken"
    if not confirming.is_open(db, request):
        requests.done(db, request, confirming.WITHDRAWN, now)
        return "taken"
    if not allowed(now, settings.ranges, tz):
        at = next_allowed(now, settings.ranges, tz)
        requests.change(db, request, now, due_at=at)
        return "hours"
    refused = limits.begin(db, _attempt(request, new.id, shown), settings.limits, now)
    if refused is not None:
        return refused
    requests.take(db, request, new.id, now)
    _journal(db, new, stage, state, now)
    return "begun"


def claim(db: Connection, request_id: int, channel_id: str, shown: str, now: datetime) -> bool:
    """Take a request of an agent's, whose telephone is rung next. Nothing is dialled yet."""
    request = requests.for_change(db, request_id)
    if request.state != "waiting" or request.way != "call":
        return False
    requests.take(db, request, channel_id, now)
    return True


def begin_with_agent(
    db: Connection,
    request_id: int,
    new: NewCall,
    stage: str,
    state: Mapping[str, Any],
    shown: str,
    settings: OutboundSettings,
    now: datetime,
) -> Begun:
    """The agent waits: journal the call to the customer that is about to be placed; or the limit
    that stands in the way.
    """
    request = requests.for_change(db, request_id)
    if request.state != "dialling" or request.channel_id != new.id:
        return "taken"
    refused = limits.begin(db, _attempt(request, new.id, shown), settings.limits, now)
    if refused is not None:
        return refused
    _journal(db, new, stage, state, now)
    return "begun"


def _attempt(request: Request, channel_id: str, shown: str) -> NewAttempt:
    return NewAttempt(
        id=channel_id,
        purpose=request.purpose,
        number=request.number,
        e164=request.e164,
        shown=shown,
        request_id=request.id,
        ticket_id=request.ticket_id,
        agent=request.agent,
    )


def _journal(
    db: Connection, new: NewCall, stage: str, state: Mapping[str, Any], now: datetime
) -> None:
    journal.begin(db, new, now)
    journal.enter_stage(db, new.id, stage, state, now)
