"""批量: one action on many tickets, each in a transaction of its own.

A run has a key. What it did to a ticket is kept in the transaction in which it did it, so a run
that broke off is simply asked for again: no ticket is touched twice.
"""

import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Connection, select

from desk.db.insert import insert_unless_there
from desk.db.schema.teamwork import bulk_results
from desk.errors import NoSuchTicket, Unacceptable
from desk.teamwork import noting, watching
from desk.teamwork.people import roster
from desk.text import canonical
from desk.tickets import edit, handovers, steps, voiding
from desk.tickets.change import By
from desk.tickets.ticket import Ticket, get

MOST = 200
_COLUMNS = ("actor", "key", "ticket_id", "asked", "version", "at")
_KEEP = insert_unless_there(bulk_results, _COLUMNS)

Word = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]


class _Action(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def operation(self) -> str:
        """The operation of the API that does the same to one ticket."""
        raise NotImplementedError

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """Do it to one ticket."""
        raise NotImplementedError


class Assign(_Action):
    """Put a team, a person or both in charge."""

    do: Literal["assign"]
    team: Word | None = None
    assignee: Annotated[str, Field(min_length=1, max_length=100)] | None = None

    @property
    def operation(self) -> str:
        """See there."""
        return "POST /tickets/{number}/assign"

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return steps.assign(
            db, ticket.id, now, by=by, expected_version=seen, team=self.team,
            assignee=self.assignee,
        )  # fmt: skip


class Label(_Action):
    """Add labels, take labels away."""

    do: Literal["label"]
    add: list[Word] = Field([], max_length=50)
    remove: list[Word] = Field([], max_length=50)

    @property
    def operation(self) -> str:
        """See there."""
        return "PATCH /tickets/{number}"

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        left = [label for label in ticket.labels if label not in self.remove]
        return edit(db, ticket.id, now, by=by, expected_version=seen, labels=[*left, *self.add])


class Note(_Action):
    """Write the same internal note on each."""

    do: Literal["note"]
    text: Annotated[str, Field(min_length=1, max_length=10_000)]

    @property
    def operation(self) -> str:
        """See there."""
        return "POST /tickets/{number}/notes"

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        new = noting.NewNote(self.text)
        noting.write(db, ticket.id, new, now, by=by, roster=roster(db))
        return ticket


class Start(_Action):
    """Begin to work on each."""

    do: Literal["start"]

    @property
    def operation(self) -> str:
        """See there."""
        return "POST /tickets/{number}/start"

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return steps.start(db, ticket.id, now, by=by, expected_version=seen)


class Escalate(_Action):
    """Escalate each."""

    do: Literal["escalate"]
    reason: Reason
    team: Word | None = None

    @property
    def operation(self) -> str:
        """See there."""
        return "POST /tickets/{number}/escalate"

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return steps.escalate(
            db, ticket.id, self.reason, now, by=by, expected_version=seen, team=self.team
        )


class HandOver(_Action):
    """Ask another team to take each over."""

    do: Literal["hand_over"]
    team: Word
    reason: Reason

    @property
    def operation(self) -> str:
        """See there."""
        return "POST /tickets/{number}/handovers"

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return handovers.ask(
            db, ticket.id, self.team, self.reason, now, by=by, expected_version=seen
        )


class Void(_Action):
    """None of them is a customer's matter."""

    do: Literal["void"]
    reason: Literal["wrong_number", "silent", "test"]

    @property
    def operation(self) -> str:
        """See there."""
        return "POST /tickets/{number}/void"

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return voiding.void(db, ticket.id, self.reason, now, by=by, expected_version=seen)


class Watch(_Action):
    """Whoever asks watches each."""

    do: Literal["watch"]

    @property
    def operation(self) -> str:
        """See there."""
        return "POST /tickets/{number}/watchers"

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        watching.watch(db, ticket.id, by.actor, now, by=by)
        return ticket


Action = Annotated[
    Assign | Label | Note | Start | Escalate | HandOver | Void | Watch,
    Field(discriminator="do"),
]
UNVERSIONED = (Note, Watch)
"""What adds to a ticket and needs no version."""


class KeyTaken(Unacceptable):
    """The run's key was used for something else."""

    error_id = "bulk-key-taken"

    def __init__(self, key: str, number: str) -> None:
        super().__init__(
            f"under the key {key!r} something else was asked for ticket {number}; take a new key"
        )


def act(
    db: Connection, ticket_id: int, action: Action, now: datetime, *, by: By, owner: str, key: str,
    seen: int | None,
) -> tuple[int, bool]:  # fmt: skip
    """Do an action of a run to one ticket. Returns the ticket's version afterwards, and whether it
    was done now: if not, this run did it before.

    Args:
        owner: whose run it is; another one's of the same key is another run.
        seen: the version that was seen; None only for what needs none.

    Raises:
        KeyTaken: the run did something else to it.
        NoSuchTicket, VersionConflict, …: what the action raises; nothing changed.
    """
    ticket = get(db, ticket_id)
    if ticket is None:
        raise NoSuchTicket(ticket_id)
    asked = hashlib.sha256(canonical([action.model_dump(mode="json"), seen]).encode()).hexdigest()
    row = {
        "actor": owner,
        "key": key,
        "ticket_id": ticket_id,
        "asked": asked,
        "version": ticket.version,
        "at": now,
    }
    if _KEEP.execute(db, row).rowcount != 1:
        there = db.execute(select(bulk_results).where(*_of(row))).one()
        if there.asked != asked:
            raise KeyTaken(key, ticket.number)
        return there.version, False
    changed = action.apply(db, ticket, now, by, seen)
    if changed.version != ticket.version:
        db.execute(bulk_results.update().where(*_of(row)).values(version=changed.version))
    return changed.version, True


def _of(row: dict[str, Any]) -> tuple[ColumnElement[bool], ...]:
    return tuple(bulk_results.c[name] == row[name] for name in ("actor", "key", "ticket_id"))
