"""批量: one action on many tickets, each in a transaction of its own.

A run has a key. What it did to a ticket is kept in the transaction in which it did it, so a run
that broke off is simply asked for again: no ticket is touched twice.
"""

import hashlib
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Connection, select

from desk.db.insert import insert_unless_there
from desk.db.schema.teamwork import bulk_results
from desk.errors import NoSuchTicket, NotLinkable, Unacceptable
from desk.teamwork import noting, watching
from desk.teamwork.people import roster
from desk.text import canonical
from desk.tickets import by_number, edit, handovers, links, merging, steps, voiding
from desk.tickets.change import By
from desk.tickets.ticket import Ticket, get

MOST = 200
_COLUMNS = ("actor", "key", "ticket_id", "asked", "version", "at")
_KEEP = insert_unless_there(bulk_results, _COLUMNS)

Word = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]
Number = Annotated[str, Field(min_length=6, max_length=30)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]


class _Action(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    operation: ClassVar[str]
    """The operation of the API that does the same to one ticket."""

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """Do it to one ticket."""
        raise NotImplementedError


class Assign(_Action):
    """Put a team, a person or both in charge."""

    operation: ClassVar[str] = "POST /tickets/{number}/assign"
    do: Literal["assign"]
    team: Word | None = None
    assignee: Annotated[str, Field(min_length=1, max_length=100)] | None = None

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

    operation: ClassVar[str] = "PATCH /tickets/{number}"
    do: Literal["label"]
    add: list[Word] = Field([], max_length=50)
    remove: list[Word] = Field([], max_length=50)

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        left = [label for label in ticket.labels if label not in self.remove]
        return edit(db, ticket.id, now, by=by, expected_version=seen, labels=[*left, *self.add])


class Note(_Action):
    """Write the same internal note on each."""

    operation: ClassVar[str] = "POST /tickets/{number}/notes"
    do: Literal["note"]
    text: Annotated[str, Field(min_length=1, max_length=10_000)]

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        new = noting.NewNote(self.text)
        noting.write(db, ticket.id, new, now, by=by, roster=roster(db))
        return ticket


class Start(_Action):
    """Begin to work on each."""

    operation: ClassVar[str] = "POST /tickets/{number}/start"
    do: Literal["start"]

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return steps.start(db, ticket.id, now, by=by, expected_version=seen)


class Escalate(_Action):
    """Escalate each."""

    operation: ClassVar[str] = "POST /tickets/{number}/escalate"
    do: Literal["escalate"]
    reason: Reason
    team: Word | None = None

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return steps.escalate(
            db, ticket.id, self.reason, now, by=by, expected_version=seen, team=self.team
        )


class HandOver(_Action):
    """Ask another team to take each over."""

    operation: ClassVar[str] = "POST /tickets/{number}/handovers"
    do: Literal["hand_over"]
    team: Word
    reason: Reason

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return handovers.ask(
            db, ticket.id, self.team, self.reason, now, by=by, expected_version=seen
        )


class Void(_Action):
    """None of them is a customer's matter."""

    operation: ClassVar[str] = "POST /tickets/{number}/void"
    do: Literal["void"]
    reason: Literal["wrong_number", "silent", "test"]

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        return voiding.void(db, ticket.id, self.reason, now, by=by, expected_version=seen)


class Watch(_Action):
    """Whoever asks watches each."""

    operation: ClassVar[str] = "POST /tickets/{number}/watchers"
    do: Literal["watch"]

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        watching.watch(db, ticket.id, by.actor, now, by=by)
        return ticket


class Merge(_Action):
    """Let each go on as one and the same other ticket."""

    operation: ClassVar[str] = "POST /tickets/{number}/merge"
    do: Literal["merge"]
    survivor: Number

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        survivor = _named(db, self.survivor)
        return merging.merge(db, ticket.id, survivor, now, by=by, expected_version=seen)


class Link(_Action):
    """Relate each to one and the same other ticket."""

    operation: ClassVar[str] = "POST /tickets/{number}/links"
    do: Literal["link"]
    kind: links.Kind
    other: Number

    def apply(
        self, db: Connection, ticket: Ticket, now: datetime, by: By, seen: int | None
    ) -> Ticket:
        """See there."""
        links.add(db, ticket.id, _named(db, self.other), self.kind, now, by=by)
        return ticket


def _named(db: Connection, number: str) -> int:
    other = by_number(db, number)
    if other is None:
        raise NotLinkable(f"there is no ticket {number!r}; a digit may be wrong")
    return other.id


Action = Annotated[
    Assign | Label | Note | Start | Escalate | HandOver | Void | Watch | Merge | Link,
    Field(discriminator="do"),
]
UNVERSIONED = (Note, Watch, Link)
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
