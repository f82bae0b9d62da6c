"""附件: which files a ticket has. The files themselves lie on a shelf (`desk.teamwork.shelf`): a
row is written once its file is on the disk, and a file goes after its row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from desk.db.schema import timeline
from desk.db.schema.teamwork import attachments
from desk.db.types import moment
from desk.errors import NotFound, Refused
from desk.teamwork.settings import MIB, AttachmentSettings
from desk.text import parsed, storable
from desk.tickets.change import By
from desk.tickets.ticket import Ticket, for_change, get
from desk.timeline import append

MOST = 200
ONE_READING = timedelta(minutes=1)
ADDED, DELETED, ACCESSED = "attachment.added", "attachment.deleted", "attachment.accessed"


class NoSuchAttachment(NotFound):
    """The ticket has no attachment with this id."""

    error_id = "no-such-attachment"

    def __init__(self, attachment_id: int) -> None:
        super().__init__(f"no attachment with id {attachment_id} on this ticket; list them again")
        self.attachment_id = attachment_id


class TooManyAttachments(Refused):
    """The ticket's files would be too many or too large together."""

    error_id = "attachments-full"

    def __init__(self, ticket: Ticket, settings: AttachmentSettings) -> None:
        super().__init__(
            f"ticket {ticket.number} takes {settings.most_per_ticket} files and "
            f"{settings.ticket_mib} MiB together; delete one, or raise attachments.* in config.yaml"
        )
        self.number = ticket.number


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file that is in the store.

    Attributes:
        file: its name there.
        name: as its sender calls it.
        bytes, sha256: of the file as it came.
    """

    file: str
    name: str
    type: str
    bytes: int
    sha256: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a ticket; see `NewAttachment`."""

    id: int
    ticket_id: int
    file: str
    name: str
    type: str
    bytes: int
    sha256: str
    encrypted: bool
    actor: str
    at: datetime
    deleted_at: datetime | None


def check_room(db: Connection, ticket_id: int, more: int, settings: AttachmentSettings) -> None:
    """Whether a ticket has room for a file of `more` bytes.

    Raises:
        NoSuchTicket: there is none with this id.
        TooManyAttachments: it has not.
    """
    kept = (attachments.c.ticket_id == ticket_id, attachments.c.deleted_at.is_(None))
    count, total = db.execute(
        select(func.count(), func.coalesce(func.sum(attachments.c.bytes), 0)).where(*kept)
    ).one()
    if count >= settings.most_per_ticket or int(total) + more > settings.ticket_mib * MIB:
        raise TooManyAttachments(_ticket(db, ticket_id), settings)


def add(
    db: Connection, ticket_id: int, new: NewAttachment, now: datetime, *, by: By,
    settings: AttachmentSettings,
) -> tuple[Attachment, bool]:  # fmt: skip
    """Let a ticket have a file; `attachment.added`. The same file under the same name again is the
    one that is there. Returns it, and whether it is new: if not, `new.file` is nobody's.

    Raises:
        NoSuchTicket: there is none with this id.
        TooManyAttachments: its files would be too many or too large together.
    """
    ticket = for_change(db, ticket_id)
    name = storable(new.name, 200)
    same = select(attachments).where(
        attachments.c.ticket_id == ticket_id,
        attachments.c.deleted_at.is_(None),
        attachments.c.sha256 == new.sha256,
        attachments.c.name == name,
    )
    there = db.execute(same).first()
    if there is not None:
        return attachment_of(there), False
    check_room(db, ticket_id, new.bytes, settings)
    row = {
        "ticket_id": ticket_id,
        "file": new.file,
        "name": name,
        "type": new.type,
        "bytes": new.bytes,
        "sha256": new.sha256,
        "encrypted": new.encrypted,
        "actor": storable(by.actor, 200),
        "at": now,
        "deleted_at": None,
    }
    made: Any = db.execute(insert(attachments), row).inserted_primary_key
    found = Attachment(id=made[0], **row)  # type: ignore[arg-type]
    _tell(db, ADDED, ticket, found, {"type": new.type, "bytes": new.bytes}, now, by.actor)
    return found, True


def find(db: Connection, ticket_id: int, attachment_id: int) -> Attachment:
    """A ticket's attachment, which was not deleted.

    Raises:
        NoSuchAttachment: it has none with this id.
    """
    row = db.execute(
        select(attachments).where(
            attachments.c.id == attachment_id,
            attachments.c.ticket_id == ticket_id,
            attachments.c.deleted_at.is_(None),
        )
    ).first()
    if row is None:
        raise NoSuchAttachment(attachment_id)
    return attachment_of(row)


def of_ticket(db: Connection, ticket_id: int) -> list[Attachment]:
    """A ticket's attachments, oldest first, at most 200."""
    query = (
        select(attachments)
        .where(attachments.c.ticket_id == ticket_id, attachments.c.deleted_at.is_(None))
        .order_by(attachments.c.id)
        .limit(MOST)
    )
    return [attachment_of(row) for row in db.execute(query)]


def accessed(
    db: Connection, ticket_id: int, attachment_id: int, now: datetime, *, actor: str
) -> bool:
    """Somebody reads it; `attachment.accessed`, at most once a minute for the same file and reader.
    Returns whether an entry was made.

    Raises:
        NoSuchAttachment: the ticket has none with this id.
    """
    found = find(db, ticket_id, attachment_id)
    recent = db.execute(
        select(timeline.c.body).where(
            timeline.c.ticket_id == ticket_id,
            timeline.c.kind == ACCESSED,
            timeline.c.actor == storable(actor, 200),
            timeline.c.at > now - ONE_READING,
        )
    ).scalars()
    if any(parsed(body)["attachment_id"] == attachment_id for body in recent if body is not None):
        return False
    _tell(db, ACCESSED, _ticket(db, ticket_id), found, {}, now, actor)
    return True


def delete(
    db: Connection, ticket_id: int, attachment_id: int, now: datetime, *, by: By
) -> Attachment:
    """Let a ticket have a file no more; `attachment.deleted`. The file itself may go now.

    Raises:
        NoSuchTicket, NoSuchAttachment: there is none with the id.
    """
    ticket = for_change(db, ticket_id)
    found = find(db, ticket_id, attachment_id)
    db.execute(update(attachments).where(attachments.c.id == attachment_id).values(deleted_at=now))
    _tell(db, DELETED, ticket, found, {}, now, by.actor)
    return replace(found, deleted_at=now)


def files_of(db: Connection, files: Sequence[str]) -> set[str]:
    """Those of the files in the store that belong to an attachment."""
    query = select(attachments.c.file).where(
        attachments.c.file.in_(files), attachments.c.deleted_at.is_(None)
    )
    return set(db.execute(query).scalars()) if files else set()


def kept_after(db: Connection, attachment_id: int, limit: int) -> list[Attachment]:
    """Attachments with a greater id, by id."""
    query = (
        select(attachments)
        .where(attachments.c.id > attachment_id, attachments.c.deleted_at.is_(None))
        .order_by(attachments.c.id)
        .limit(limit)
    )
    return [attachment_of(row) for row in db.execute(query)]


def lying_open(db: Connection, after: int, limit: int) -> list[Attachment]:
    """Attachments with a greater id whose files are not encrypted, by id."""
    query = (
        select(attachments)
        .where(
            attachments.c.id > after,
            attachments.c.deleted_at.is_(None),
            attachments.c.encrypted.is_(False),
        )
        .order_by(attachments.c.id)
        .limit(limit)
    )
    return [attachment_of(row) for row in db.execute(query)]


def sealed(db: Connection, found: Attachment, file: str) -> None:
    """An attachment's file has been encrypted and is now that one."""
    same = (attachments.c.id == found.id, attachments.c.file == found.file)
    db.execute(update(attachments).where(*same).values(file=file, encrypted=True))


def attachment_of(row: Any) -> Attachment:
    """The attachment in a row of all columns."""
    return Attachment(
        id=row.id,
        ticket_id=row.ticket_id,
        file=row.file,
        name=row.name,
        type=row.type,
        bytes=row.bytes,
        sha256=row.sha256,
        encrypted=row.encrypted,
        actor=row.actor,
        at=moment(row.at),
        deleted_at=moment(row.deleted_at) if row.deleted_at is not None else None,
    )


def _ticket(db: Connection, ticket_id: int) -> Ticket:
    return get(db, ticket_id) or for_change(db, ticket_id)


def _tell(
    db: Connection, kind: str, ticket: Ticket, found: Attachment, more: dict[str, Any],
    now: datetime, actor: str,
) -> None:  # fmt: skip
    body = {
        "number": ticket.number,
        "attachment_id": found.id,
        "file_name": found.name,
        "sha256": found.sha256,
        **more,
    }
    append(
        db,
        kind=kind,
        body=body,
        now=now,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        actor=actor,
    )
