"""One transaction of a target's worker: what pushes came to goes in, what is due comes out."""

import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from crm_bridge.policy import Again, Dead, Decision, Done
from desk import outbox
from desk.outbox import Delivery


@dataclass(frozen=True, slots=True)
class Settled:
    """What is to be recorded of a delivery."""

    delivery: Delivery
    decision: Decision


@dataclass(frozen=True, slots=True)
class Claim:
    """Up to `most` deliveries, for one worker of one process, until a moment."""

    claimant: str
    until: datetime
    most: int


def turn(
    db: Connection,
    target: str,
    kinds: Sequence[str],
    settled: Sequence[Settled],
    claim: Claim,
    now: datetime,
) -> tuple[list[Delivery], datetime | None]:
    """One transaction: record what pushes came to, take in new entries, claim due deliveries, and
    say when the next one is due."""
    for one in settled:
        match one.decision:
            case Done():
                outbox.delivered(db, one.delivery.id, now)
            case Again(at=at, error=error):
                outbox.failed(db, one.delivery.id, error, at, now, claim.claimant)
            case Dead(error=error):
                outbox.bury(db, one.delivery.id, error, now, claim.claimant)
    if claim.most == 0:
        return [], None
    outbox.fan_out(db, [target], now, kinds={target: kinds})
    taken = outbox.claim(db, target, claim.claimant, now, claim.until, claim.most)
    return taken, outbox.next_due_at(db, target)


def claimant_name() -> str:
    """A name that no other worker of any process on any machine has."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(8)}"
