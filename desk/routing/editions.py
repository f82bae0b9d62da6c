"""Rule sets as they came into force, one after the other; the last one is in force."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, insert, select

from desk.db.schema.routing import house as lock
from desk.db.schema.routing import routing_editions as table
from desk.db.types import moment
from desk.errors import VersionConflict
from desk.house import house_of
from desk.routing.check import book_of
from desk.routing.decide import Book
from desk.routing.errors import BadRules, NoSuchRuleSet
from desk.routing.roster import peopled
from desk.routing.schema import Kind, Schema
from desk.routing.written import read
from desk.text import canonical, parsed, storable
from desk.timeline import append

MOST = 200
MOST_NOTE = 1000

_IN_FORCE = (
    select(table.c.edition, table.c.content, table.c.fields)
    .order_by(table.c.edition.desc())
    .limit(1)
)


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


def latest(db: Connection) -> Edition | None:
    """The rule set in force."""
    found = versions(db, limit=1)
    return found[0] if found else None


def versions(db: Connection, *, before: int | None = None, limit: int = 50) -> list[Edition]:
    """Rule sets, the latest first, at most 200."""
    query = select(table).order_by(table.c.edition.desc()).limit(min(limit, MOST))
    if before is not None:
        query = query.where(table.c.edition < before)
    return [
        Edition(
            row.edition, row.content, row.note, row.restores, moment(row.activated_at), row.actor
        )
        for row in db.execute(query)
    ]


def get(db: Connection, edition: int) -> Edition:
    """A rule set by its number.

    Raises:
        NoSuchRuleSet: there is none.
    """
    found = versions(db, before=edition + 1, limit=1)
    if not found or found[0].edition != edition:
        raise NoSuchRuleSet(edition)
    return found[0]


def in_force(db: Connection) -> Book | None:
    """The rule set in force, ready to be asked; None before the first.

    It knows the fields that there were when it became active: one that the house no longer has
    is unknown from then on, and stops nothing.
    """
    row = db.execute(_IN_FORCE).first()
    return _book(row.content, row.fields, row.edition) if row is not None else None


@lru_cache(maxsize=8)
def _book(content: str, fields: str, edition: int) -> Book:
    _, rules, findings = read(content)
    if rules is None:
        raise BadRules(findings)
    kinds = {name: Kind(kind) for name, kind in parsed(fields).items()}
    return Book.of(rules, Schema.of(kinds), edition)


def activate(
    db: Connection,
    content: str,
    now: datetime,
    *,
    actor: str,
    note: str = "",
    expected: int | None = None,
    restores: int | None = None,
) -> Edition:
    """Put a rule set in force, if all of it is right; `ruleset.activated`. The one in force again
    changes nothing.

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
        raise VersionConflict("the rule set in force", number, expected)
    book = book_of(content, peopled(db, house_of(db)))
    if present is not None and present.content == content:
        return present
    made = Edition(
        number + 1, content, storable(note.strip(), MOST_NOTE), restores, now, storable(actor, 200)
    )
    db.execute(
        insert(table).values(
            edition=made.edition,
            content=made.content,
            fields=canonical(dict(book.schema.fields)),
            note=made.note,
            restores=restores,
            activated_at=now,
            actor=made.actor,
        )
    )
    append(
        db,
        kind="ruleset.activated",
        body={"edition": made.edition, "note": made.note, "restores": restores},
        now=now,
        actor=actor,
    )
    return made


def begin(db: Connection, content: str, now: datetime) -> bool:
    """Put a rule set in force where none ever was; whether that was so.

    Raises:
        BadRules: it cannot be used.
    """
    if latest(db) is not None:
        return False
    db.execute(select(lock.c.id).with_for_update()).one()
    if latest(db) is not None:
        return False  # another process was first
    activate(db, content, now, actor="system", note="shipped", expected=0)
    return True


def restore(
    db: Connection, edition: int, now: datetime, *, actor: str, expected: int | None = None
) -> Edition:
    """Bring an earlier rule set back, as a new edition; `ruleset.activated`.

    Raises:
        NoSuchRuleSet: there is none.
        BadRules: the house has changed, and it does not fit any more.
        VersionConflict: another one is in force by now.
    """
    found = get(db, edition)
    return activate(
        db, found.content, now, actor=actor, note=found.note, expected=expected, restores=edition
    )
