"""What a change of policies or calendars would do, before it is made."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from desk.sla.book import Book, Editions
from desk.sla.clock import Clock, clocks
from desk.sla.editions import in_force
from desk.sla.following import open_tickets
from desk.sla.projection import stored_steps
from desk.sla.reading import history_of
from desk.sla.settings import Target


@dataclass(frozen=True, slots=True)
class Effect:
    """How a change moves one clock of an open ticket.

    Attributes:
        before: None if the clock would be new.
        after: None if there would be none any more.
        fires: steps that would fire at once. One that has fired is never among them.
    """

    ticket_id: int
    target: Target
    cycle: int
    before: Clock | None
    after: Clock | None
    fires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effects:
    """One part of the effects. `last`: the ticket to go on after; None: there is no more."""

    edition: int
    changed: tuple[Effect, ...]
    looked_at: int
    last: int | None


def effect(db: Connection, book: Book, now: datetime, after: int = 0, limit: int = 200) -> Effects:
    """What `apply` of this book would change on the next `limit` open tickets. Only reads.

    `edition` is the one in force, to be given to `apply` as `expected`.
    """
    editions = in_force(db)
    following = (editions or Editions(())).with_next(book, now)
    ids = open_tickets(db, after, limit)
    changed: list[Effect] = []
    for ticket_id in ids:
        changed += _of_ticket(db, ticket_id, editions, following, now)
    return Effects(
        edition=editions.latest.edition if editions is not None else 0,
        changed=tuple(changed),
        looked_at=len(ids),
        last=ids[-1] if len(ids) == limit else None,
    )


def _of_ticket(
    db: Connection, ticket_id: int, present: Editions | None, following: Editions, now: datetime
) -> list[Effect]:
    history = history_of(db, ticket_id)
    if history is None:
        return []
    old = {(c.target, c.cycle): c for c in clocks(history, present)} if present else {}
    new = {(c.target, c.cycle): c for c in clocks(history, following)}
    fired = {
        (step.key.target, step.key.cycle, step.key.step)
        for step in stored_steps(db, ticket_id)
        if step.fired_at is not None
    }
    found = []
    for target, cycle in sorted({*old, *new}):
        before, after = old.get((target, cycle)), new.get((target, cycle))
        if _same(before, after):
            continue
        already = {step for step, at in before.steps if at <= now} if before else set()
        fires = tuple(
            step
            for step, at in (after.steps if after else ())
            if at <= now and step not in already and (target, cycle, step) not in fired
        )
        found.append(Effect(ticket_id, target, cycle, before, after, fires))
    return found


def _same(before: Clock | None, after: Clock | None) -> bool:
    """Whether only the number of the edition differs."""
    if before is None or after is None:
        return before is after
    return before == replace(after, edition=before.edition)
