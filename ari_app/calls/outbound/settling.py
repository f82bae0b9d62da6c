"""What became of a call that was placed, as the journal knows it."""

from datetime import datetime, tzinfo

from sqlalchemy import Connection

from desk import journal, recordings
from desk.outbound import OutboundSettings, outcomes, requests
from desk.outbound.requests import BY_AGENTS
from desk.tickets import Identity

PERSON, TALKED = "person", "answered"


def settle_attempt(
    db: Connection,
    request_id: int,
    channel_id: str,
    why: str,
    settings: OutboundSettings,
    tz: tzinfo,
    now: datetime,
) -> None:
    """End an attempt whose channel is gone.

    Args:
        why: how it ended, as far as its process knows: how the customer was not reached.
    """
    call = journal.get(db, channel_id)
    request = requests.get(db, request_id)
    if call is not None:
        journal.end(db, channel_id, why, now)
        said = call.state.get("confirm", {})
        if said.get("answer") and not said.get("outcome"):
            # Pressed and journaled, and nobody came to write it down.
            identity = Identity(said.get("identified") or said["identity"])
            solved = said["answer"] == "1"
            why = outcomes.answer(db, request_id, channel_id, solved, identity, "", now)
        why = said.get("outcome", why)
        told = any(kept.kind == "message" for kept in recordings.of_call(db, channel_id))
        if (call.state.get("talked") or told) and request is not None:
            why = TALKED if request.purpose in BY_AGENTS else PERSON
    outcomes.settle(db, request_id, channel_id, why, settings, tz, now)
