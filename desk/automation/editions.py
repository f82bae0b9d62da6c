"""Rule sets of automation, one after the other; the last one is in force."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from desk.automation.book import Book
from desk.automation.check import book_of, read, shipped
from desk.automation.timers import forget_others
from desk.db.schema import tickets
from desk.db.schema.automation import automation_editions as table
from desk.db.schema.routing import house as lock
from desk.db.types import moment
from desk.errors import NotFound, VersionConflict
from desk.house import house_of
from desk.messages import Templates
from desk.routing.check import schema_of
from desk.routing.errors import BadRules
from desk.routing.schema import Schema
from desk.text import storable
from desk.timeline import append

MOST = 200
MOST_NOTE = 1000
_IN_FORCE = select(table.c.edition, table.c.content).order_by(table.c.edition.desc()).limit(1)


class NoSuchEdition(NotFound):
    """No rule set of automation has this number."""

    error_id = "no-such-edition"

    def __init__(self, edition: int) -> None:
        super().__init__(f"no rule set {edition}; `huisheng automation versions` lists them")
        self.edition = edition


@dataclass(frozen=True, slots=True)
class Edition:
    """A rule set that was put in force.

    Attributes:
        content: the YAML as it was given.
        restores: the edition that it brought back; None: it is a new one.
    """

    edition: int
    content: str
    note: str
    restores: int | None
    activated_at: datetime
    actor: str


def versions(db: Connection, *, before: int | None = None, limit: int = 50) -> list[Edition]:
    """Rule sets, the latest first, at most 200."""
    query = select(table).order_by(table.c.edition.desc()).limit(min(limit, MOST))
    if before is not None:
        query = query.where(table.c.edition < before)
    return [_edition(row) for row in db.execute(query)]


def latest(db: Connection) -> Edition | None:
    """The rule set in force."""
    found = versions(db, limit=1)
    return found[0] if found else None


def get(db: Connection, edition: int) -> Edition:
    """A rule set by its number.

    Raises:
        NoSuchEdition: there is none.
    """
    row = db.execute(select(table).where(table.c.edition == edition)).one_or_none()
    if row is None:
        raise NoSuchEdition(edition)
    return _edition(row)


def in_force(db: Connection) -> Book | None:
    """The rule set in force, ready to be asked; None before the first.

    What the house no longer has (a team, a field) does not stop it: it was right when it became
    active. A condition on a field that is gone makes its rule never hold.
    """
    row = db.execute(_IN_FORCE).one_or_none()
    if row is None:
        return None
    return _book(row.content, row.edition, schema_of(house_of(db)))


def activate(
    db: Connection,
    content: str,
    templates: Templates,
    now: datetime,
    *,
    actor: str,
    note: str = "",
    expected: int | None = None,
    restores: int | None = None,
) -> Edition:
    """Put a rule set in force, if all of it is right; `automation.activated`. The one in force
    again changes nothing. Timers of rules that stay as they are go on; those of others are
    forgotten, and set anew for cases that wait already (`timers.set_for_waiting`).

    Args:
        content: YAML, see `ruleset`.
        expected: the edition that the writer has seen in force, 0 for none; None: whichever.

    Raises:
        BadRules: it cannot be used; has every finding.
        VersionConflict: another one is in force by now.
    """
    db.execute(select(lock.c.id).with_for_update()).one()
    present = latest(db)
    number = present.edition if present is not None else 0
    if expected is not None and expected != number:
        raise VersionConflict("the rule set of automation", number, expected)
    book = book_of(content, house_of(db), templates, number + 1)
    if present is not None and present.content == content:
        return present
    made = Edition(
        number + 1, content, storable(note.strip(), MOST_NOTE), restores, now, storable(actor, 200)
    )
    db.execute(
        insert(table).values(
            edition=made.edition,
            content=made.content,
            note=made.note,
            restores=restores,
            activated_at=now,
            actor=made.actor,
            set_to=0,
            to_set=db.execute(select(func.coalesce(func.max(tickets.c.id), 0))).scalar_one(),
        )
    )
    forget_others(db, book)
    append(
        db,
        kind="automation.activated",
        body={"edition": made.edition, "note": made.note, "restores": restores},
        now=now,
        actor=actor,
    )
    return made


def restore(
    db: Connection,
    edition: int,
    templates: Templates,
    now: datetime,
    *,
    actor: str,
    expected: int | None = None,
) -> Edition:
    """Bring an earlier rule set back, as a new edition; `automation.activated`.

    Raises:
        NoSuchEdition: there is none.
        BadRules: the house or the messages have changed, and it does not fit any more.
        VersionConflict: another one is in force by now.
    """
    found = get(db, edition)
    return activate(
        db, found.content, templates, now, actor=actor, note=found.note, expected=expected,
        restores=edition,
    )  # fmt: skip


def begin(db: Connection, templates: Templates, now: datetime) -> bool:
    """Put the rule set that comes along in force where none ever was; whether that was so."""
    if db.execute(_IN_FORCE).one_or_none() is not None:
        return False
    db.execute(select(lock.c.id).with_for_update()).one()
    if db.execute(_IN_FORCE).one_or_none() is not None:
        return False
    activate(db, shipped(), templates, now, actor="system", note="shipped", expected=0)
    return True


@dataclass(frozen=True, slots=True)
class Setting:
    """How far timers are set for cases that waited already when an edition came into force."""

    edition: int
    activated_at: datetime
    done: int
    until: int


def to_set(db: Connection) -> Setting | None:
    """What is still to be done for the edition in force; None: nothing."""
    row = db.execute(select(table).order_by(table.c.edition.desc()).limit(1)).one_or_none()
    if row is None or row.set_to >= row.to_set:
        return None
    return Setting(row.edition, moment(row.activated_at), row.set_to, row.to_set)


def set_up_to(db: Connection, edition: int, ticket_id: int) -> None:
    """Note how far it has come."""
    db.execute(update(table).where(table.c.edition == edition).values(set_to=ticket_id))


def hold(db: Connection, edition: int) -> int | None:
    """Be the only one that sets timers for an edition until this unit is over; how far it has
    come. None: somebody else is at it."""
    query = select(table.c.set_to).where(table.c.edition == edition)
    found: int | None = db.execute(query.with_for_update(skip_locked=True)).scalar()
    return found


def _edition(row: Any) -> Edition:
    return Edition(
        row.edition, row.content, row.note, row.restores, moment(row.activated_at), row.actor
    )


@lru_cache(maxsize=8)
def _book(content: str, edition: int, schema: Schema) -> Book:
    _, rules, findings = read(content)
    if rules is None:  # a form that a later program does not read any more
        raise BadRules(findings)
    return Book.lenient(rules, schema, edition)
