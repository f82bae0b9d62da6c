"""Filing a call that Asterisk knows: journal, recording and ticket, in one transaction.

Done twice it changes nothing the second time, so it may follow any crash.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ari_app.calls.recovery.evidence import FALLBACK, NEVER_REACHED, Evidence
from desk import customers, journal, recordings, tickets, timeline
from desk.journal import Call, NewCall
from desk.recordings import NewRecording
from desk.region import Caller
from desk.tickets import NewTicket

MESSAGE, ABANDONED, TALKED = "message", "abandoned", "call"
STAGES = {FALLBACK: "系统离线应答", NEVER_REACHED: "未进入系统"}
MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Filed:
    """The ticket that the call belongs to, and whether it is the one that was just opened."""

    ticket_id: int | None
    opened: bool


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

    What the journal knows better stays: number, stage, choices, an end, a ticket.

    Args:
        caller: what `evidence.caller_id` says.
        types: `tickets.types` of config.yaml.
    """
    call = journal.get(db, evidence.id)
    if call is None:
        call = _begin(db, evidence, caller)
    elif call.ended_at is not None and (message is None or _has(db, message)):
        return Filed(call.ticket_id, opened=False)
    matter = _matter(db, evidence.id)
    if message is not None:
        recordings.add(db, message, now)
    kind = matter.ticket or (MESSAGE if message is not None else matter.otherwise)
    ticket = tickets.open_ticket(db, _ticket(call, kind, matter.label, evidence, types), now)
    body = {
        "stage": evidence.stage,
        "hangup_cause": evidence.hangup_cause,
        "message": message is not None,
    }
    journal.note(db, call.id, "call.reconciled", body, now)
    journal.end(db, call.id, _cause(evidence), evidence.ended_at or evidence.seen_at)
    return Filed(ticket.id, opened=call.ticket_id is None)


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


def _ticket(
    call: Call, kind: str, label: str, evidence: Evidence, types: Mapping[str, str]
) -> NewTicket:
    place = call.caller.city or call.caller.province
    name = types.get(kind, kind)
    labels = [f"阶段:{STAGES[evidence.stage]}"]
    if place:
        labels.insert(0, f"地区:{place}")
    return NewTicket(
        type=kind,
        subject=" ".join(part for part in (place, label or name) if part),
        call_id=call.id,
        caller=call.caller,
        customer_ids=call.customer_ids,
        labels=tuple(labels),
    )


def _cause(evidence: Evidence) -> str:
    """Why the journal says that the call is over."""
    if evidence.ended_at is None:
        return "lost"  # Asterisk died with it
    return "dialplan" if evidence.fallback else "missed"
