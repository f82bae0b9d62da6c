"""What actions need besides the database."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from desk.messages import MessageSettings, Templates

Ask = Callable[[Connection, int, datetime], object]
"""Asks a ticket's customer something; None: there was nothing to ask, or no way."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far rules may go on one ticket.

    Attributes:
        depth: a rule that is set off by what a rule did, which was set off by what a rule did …
        per_ticket: runs on one ticket in an hour, of all rules.
        per_rule: of one rule.
    """

    depth: int = 5
    per_ticket: int = 30
    per_rule: int = 6
    window: timedelta = timedelta(hours=1)


def nothing(_db: Connection, _ticket_id: int, _now: datetime) -> None:
    """Asks nobody: where surveys or call-backs are not set up."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What actions need. survey, confirm: how a customer is asked."""

    templates: Templates = field(default_factory=lambda: Templates(MessageSettings(), ""))
    survey: Ask = nothing
    confirm: Ask = nothing
    limits: Limits = Limits()
