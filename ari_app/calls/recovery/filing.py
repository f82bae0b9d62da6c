"""Filing a call that Asterisk knows: journal, recording and ticket, in one transaction.

Done twice it changes nothing the second time, so it may follow any crash.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ari_app.calls.call import Stage
from ari_app.calls.recovery.evidence import FALLBACK, NEVER_REACHED, Evidence
from desk import customers, journal, recordings, tickets, timeline
from desk.journal import Call, NewCall
from desk.recordings import NewRecording
from desk.region import Caller
from desk.tickets import NewTicket

MESSAGE, ABANDONED, TALKED = "message", "abandoned", "call"
STAGES = {
    FALLBACK: "系统离线应答",
    NEVER_REACHED: "未进入系统",
    "welcome": "接入",
    "repeat": "进度查询",
    "menu": "语音菜单",
    "queue": "排队",
    "talk": "通话",
    "message": "留言",
    "confirm": "回访确认",
    "callback": "回拨",
    "survey": "满意度",
}
"""How a ticket's label names the stage that the caller came to."""
MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Filed:
    """The ticket that the call belongs to, whether it is the one that was just opened, and whether
    the journal has ended the call: not where a talk has left something that is still to be kept.
    """

    ticket_id: int | None
    opened: bool
    ended: bool = True


def ended(db: Connection, call_ids: Collection[str]) -> dict[str, bool]:
    """Which of these calls the journal knows, and whether they are over there. A read."""
    found = {call_id: journal.get(db, call_id) for call_id in call_ids}
    return {
        call_id: call.ended_at is not None for call_id, call in found.items() if call is not None
    }


def file_call(
    db: Connection,
    evidence: Evidence,
    caller: Caller,
    message: NewRecording | None,
    types: Mapping[str, str],
    now: datetime,
) -> Filed:
    """Bring a call that is over into the journal, with exactly one ticket, and end it.

    What the journal knows better stays: number, stage, choices, an end, a ticket. A call whose talk
    has left recordings is ended by its wrap-up, perhaps at the next start: nobody else keeps them.

    Args:
        caller: what `evidence.caller_id` says.
        types: `tickets.types` of config.yaml.
    """
    call = journal.get(db, evidence.id)
    known = call is not None
    if call is None:
        call = _begin(db, evidence, caller)
    keeps = call.ended_at is None and has_talked(call)
    settled = call.ended_at is not None or (keeps and call.ticket_id is not None)
    if settled and (message is None or _has(db, message)):
        return Filed(call.ticket_id, opened=False, ended=not keeps)
    stage = FALLBACK if evidence.fallback else call.stage
    matter = _matter(db, evidence.id)
    if message is not None:
        recordings.add(db, message, now)
    kind = matter.ticket or (MESSAGE if message is not None else matter.otherwise)
    ticket = tickets.open_ticket(db, _ticket(call, kind, matter.label, stage, types), now)
    body = {
        "stage": stage,
        "hangup_cause": evidence.hangup_cause,
        "message": message is not None,
    }
    journal.note(db, call.id, "call.reconciled", body, now)
    if not keeps:
        cause = how_it_ended(evidence) if known else _cause(evidence)
        journal.end(db, call.id, cause, evidence.ended_at or evidence.seen_at)
    return Filed(ticket.id, opened=call.ticket_id is None, ended=not keeps)


def _begin(db: Connection, evidence: Evidence, caller: Caller) -> Call:
    known = customers.find_by_number(db, caller.e164) if caller.e164 else []
    new = NewCall(
        id=evidence.id,
        dialled=evidence.line_number,
        caller_id=evidence.caller_id,
        caller=caller,
        customer_ids=tuple(customer.id for customer in known),
    )
    at = evidence.received_at or evidence.seen_at
    journal.begin(db, new, at)
    journal.enter_stage(db, evidence.id, evidence.stage, {}, at)
    call = journal.get(db, evidence.id)
    assert call is not None  # noqa: S101 - it was begun in this transaction
    return call


def _has(db: Connection, message: NewRecording) -> bool:
    return any(there.name == message.name for there in recordings.of_call(db, message.call_id))


@dataclass(frozen=True, slots=True)
class _Matter:
    """What the call was about: the choice's ticket type and label, and the type if none was."""

    ticket: str = ""
    label: str = ""
    otherwise: str = ABANDONED


def _matter(db: Connection, call_id: str) -> _Matter:
    """Out of the call's own timeline: the last choice that says what the matter is."""
    ticket, label, otherwise = "", "", ABANDONED
    for entry in timeline.entries_after(db, 0, MOST_ENTRIES, call_id=call_id):
        if entry.kind == "agent.answered":
            otherwise = TALKED
        if entry.kind == "menu.chosen" and entry.body and entry.body.get("ticket"):
            ticket, label = str(entry.body["ticket"]), str(entry.body.get("label") or "")
    return _Matter(ticket, label, otherwise)


def _ticket(call: Call, kind: str, label: str, stage: str, types: Mapping[str, str]) -> NewTicket:
    place = call.caller.city or call.caller.province
    name = types.get(kind, kind)
    labels = [f"地区:{place}"] if place else []
    if stage in STAGES:
        labels.append(f"阶段:{STAGES[stage]}")
    return NewTicket(
        type=kind,
        subject=" ".join(part for part in (place, label or name) if part),
        call_id=call.id,
        caller=call.caller,
        customer_ids=call.customer_ids,
        labels=tuple(labels),
    )


def has_talked(call: Call) -> bool:
    """Whether a talk has left something to be taken down and kept. Nobody but the wrap-up does so,
    and it does not wait for the end of what the dialplan hears after the talk. A customer whose
    telephone still rings for a call-back has a talk prepared, and has not talked."""
    if call.stage == Stage.CALLBACK:
        return False
    return "talk" in call.state or bool(call.state.get("recordings"))


def how_it_ended(evidence: Evidence | None) -> str:
    """Why a call is over that the line has served, and no process of it has seen the end of."""
    if evidence is not None and evidence.fallback:
        return "dialplan"
    if evidence is not None and evidence.ended_at is not None:
        return "hangup"
    return "lost"  # Asterisk died with it, or keeps no notes for us


def _cause(evidence: Evidence) -> str:
    """Why a call is over that the line has never served."""
    if evidence.ended_at is None:
        return "lost"  # Asterisk died with it
    return "dialplan" if evidence.fallback else "missed"
