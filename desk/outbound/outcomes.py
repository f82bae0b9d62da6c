"""What follows an attempt that is over: done, again, another way, or a person."""

from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Connection

from desk import recordings, tickets
from desk.notices import NewNotice, notify
from desk.outbound import attempts, confirming, marks, requests
from desk.outbound.hours import day_began, next_allowed
from desk.outbound.requests import BY_AGENTS, Request
from desk.outbound.settings import OutboundSettings
from desk.tickets import SYSTEM, Given, Identity, Source
from desk.tickets.closing import confirm, reopen

SOLVED, NOT_SOLVED, TOO_LATE = "solved", "not_solved", "too_late"
FAULTS = frozenset({"trunk", "agent_left", "stopped", "most_at_once", "most_per_hour"})
"""Outcomes that are not the customer's: they cost no attempt."""
TO_SMS = frozenset({"refused"})
FAULT_WAIT = timedelta(minutes=5)
ANSWERED_NO = "客户在回访电话中按键:没有解决"


def answer(
    db: Connection,
    request_id: int,
    call_id: str,
    solved: bool,
    identity: Identity,
    recording: str,
    now: datetime,
) -> str:
    """The customer has pressed a key: close or reopen the ticket, and end the request; `solved`,
    `not_solved`, or `too_late` where the question was answered otherwise meanwhile. Again: the
    same.

    Args:
        recording: the name of the recording in which it can be heard, if it is kept yet.
    """
    request = requests.for_change(db, request_id)
    if request.state == "done":
        return request.outcome
    if not confirming.is_open(db, request) or request.ticket_id is None:
        requests.done(db, request, TOO_LATE, now)
        return TOO_LATE
    kept = [each.id for each in recordings.of_call(db, call_id) if each.name == recording]
    given = Given(Source.KEY, identity, call_id, kept[0] if kept else None)
    if solved:
        confirm(db, request.ticket_id, given, now, by=SYSTEM, expected_version=None)
    else:
        reopen(
            db, request.ticket_id, ANSWERED_NO, now,
            by=SYSTEM, expected_version=None, given=given,
        )  # fmt: skip
    outcome = SOLVED if solved else NOT_SOLVED
    requests.done(db, request, outcome, now)
    return outcome


def settle(
    db: Connection,
    request_id: int,
    channel_id: str,
    why: str,
    policy: OutboundSettings,
    tz: tzinfo,
    now: datetime,
) -> Request | None:
    """End the attempt of a request whose channel is gone, once, and say what follows.

    Args:
        why: how the attempt ended.
    """
    attempts.ended(db, channel_id, why, now)
    request = requests.for_change(db, request_id)
    if request.state != "dialling" or request.channel_id != channel_id:
        return None
    if request.purpose in BY_AGENTS:
        return _after_agents(db, request, why, policy, now)
    if why in (SOLVED, NOT_SOLVED, TOO_LATE, "person"):
        return requests.done(db, request, why, now)
    if not confirming.is_open(db, request):
        return requests.done(db, request, confirming.WITHDRAWN, now)
    if why == "stranger":
        marks.put(
            db, request.e164, marks.RECYCLED, "接听者称不是本人 says it is somebody else", now,
            actor="system",
        )  # fmt: skip
    return _after_confirm(db, request, why, policy, tz, now)


def refused(db: Connection, request_id: int, cause: str, now: datetime) -> None:
    """A request that waits may not be called: over for an agent, a person's task otherwise."""
    request = requests.for_change(db, request_id)
    if request.state != "waiting" or request.way != "call":
        return
    if request.purpose in BY_AGENTS:
        requests.done(db, request, cause, now)
    else:
        confirming.fall_back(db, request, cause, now)


def postponed(db: Connection, request_id: int, cause: str, due_at: datetime, now: datetime) -> None:
    """A request that waits may not be called before `due_at`."""
    request = requests.for_change(db, request_id)
    if request.state == "waiting" and request.way == "call":
        requests.again(db, request, cause, due_at, now)


def _after_confirm(
    db: Connection, request: Request, why: str, policy: OutboundSettings, tz: tzinfo, now: datetime
) -> Request:
    if why in TO_SMS | confirming.NOT_THEIRS:
        return confirming.fall_back(db, request, why, now)
    if now - request.asked_at >= timedelta(days=policy.confirm.most_days):
        return confirming.fall_back(db, request, "unreachable", now)
    made = [each for each in attempts.of_request(db, request.id) if each.outcome not in FAULTS]
    if why in FAULTS:
        faults = request.attempts - len(made)
        wait = FAULT_WAIT * (1 << min(max(faults - 1, 0), 6))
        return requests.again(db, request, why, next_allowed(now + wait, policy.ranges, tz), now)
    if len(made) >= policy.confirm.attempts:
        return confirming.fall_back(db, request, "unreachable", now)
    due = now + timedelta(minutes=policy.confirm.retry_minutes)
    today = day_began(now, tz)
    if sum(each.placed_at >= today for each in made) >= policy.confirm.attempts_per_day:
        due = max(due, day_began(now + timedelta(days=1), tz))
    return requests.again(db, request, why, next_allowed(due, policy.ranges, tz), now)


def _after_agents(
    db: Connection, request: Request, why: str, policy: OutboundSettings, now: datetime
) -> Request:
    """An agent who clicked is there and sees it; one who is not is rung again for a call that was
    agreed upon.
    """
    retried = why in FAULTS or why in ("agent_missed", "lost")
    if request.purpose == "click" or not retried or request.attempts >= policy.agent_attempts:
        done = requests.done(db, request, why, now)
        if request.purpose == "scheduled" and why != "answered":
            _tell_missed(db, done, now)
        return done
    due = now + timedelta(minutes=policy.agent_retry_minutes)
    return requests.again(db, request, why, due, now)


def _tell_missed(db: Connection, request: Request, now: datetime) -> None:
    text = f"预约回电没有打通({request.outcome}) the scheduled call did not come about"
    if request.ticket_id is not None:
        text = f"工单{tickets.ticket_number(request.ticket_id)}:{text}"
    key = f"scheduled-missed:{request.id}"
    notify(
        db,
        NewNotice(f"agent:{request.agent}", "scheduled_missed", text, key, request.ticket_id),
        now,
    )
