"""Who is told of what happens to tickets: one follower of the timeline turns entries into notices,
each recipient of one entry being told once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from desk.chores import Chore, Entry, follower
from desk.db.schema.teamwork import notices, watchers
from desk.notices import wording
from desk.notices.addresses import ROLE, TEAM, BadAddress, address
from desk.notices.listeners import listeners, persons
from desk.notices.notices import NewNotice, forget, notify
from desk.notices.settings import NoticeSettings
from desk.numbering import ticket_number
from desk.tickets.states import Trigger
from desk.tickets.ticket import Ticket, get

PREFIXES = ("ticket.", "handover.", "sla.escalated", "note.added", "attachment.added")
SUPERVISORS = f"{ROLE}supervisor"


@dataclass(frozen=True, slots=True)
class _Told:
    to: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Telling:
    """What an entry means to whom, given its ticket as it is now."""

    settings: NoticeSettings
    entry: Entry
    ticket: Ticket
    number: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", ticket_number(self.ticket.id))

    def assigned(self) -> Iterator[_Told]:
        body = self.entry.body
        assignee = str(body.get("assignee", self.ticket.assignee))
        team = str(body.get("team", self.ticket.team))
        if assignee:
            yield _Told(assignee, "assigned", self._said(wording.ASSIGNED))
        elif team:
            yield _Told(f"{TEAM}{team}", "assigned", self._said(wording.ASSIGNED_TEAM))

    def escalated(self) -> Iterator[_Told]:
        body = self.entry.body
        assignee, team = str(body.get("assignee", "")), str(body.get("team", self.ticket.team))
        if assignee:
            yield _Told(assignee, "assigned", self._said(wording.ASSIGNED))
        yield _Told(_of_role("lead", team), "escalated", self._said(wording.ESCALATED))

    def reopened(self) -> Iterator[_Told]:
        if self.ticket.assignee:
            yield _Told(self.ticket.assignee, "reopened", self._said(wording.REOPENED))
        elif self.ticket.team:
            yield _Told(f"{TEAM}{self.ticket.team}", "reopened", self._said(wording.REOPENED))

    def voided(self) -> Iterator[_Told]:
        if self.entry.body.get("check") == "wanted":
            to = _of_role("supervisor", self.ticket.team)
            yield _Told(to, "void_check", self._said(wording.VOID_CHECK))

    def handover_asked(self) -> Iterator[_Told]:
        to_team = str(self.entry.body.get("to_team", ""))
        if to_team:
            yield _Told(f"{TEAM}{to_team}", "handover", self._said(wording.HANDOVER_ASKED))

    def handover_refused(self) -> Iterator[_Told]:
        team = str(self.entry.body.get("from_team", "")) or self.ticket.team
        if team:
            yield _Told(f"{TEAM}{team}", "handover", self._said(wording.HANDOVER_REFUSED))

    def handover_withdrawn(self) -> Iterator[_Told]:
        to_team = str(self.entry.body.get("to_team", ""))
        if to_team:
            yield _Told(f"{TEAM}{to_team}", "handover", self._said(wording.HANDOVER_WITHDRAWN))

    def handover_overdue(self) -> Iterator[_Told]:
        if Trigger.NOTIFY_ESCALATION.value not in self.entry.body.get("triggers", ()):
            return  # the chain of the hand-over's own service level tells
        for team in (self.entry.body.get("to_team"), self.entry.body.get("from_team")):
            if team:
                to = _of_role("lead", str(team))
                yield _Told(to, "handover", self._said(wording.HANDOVER_OVERDUE))

    def sla(self) -> Iterator[_Told]:
        body = self.entry.body
        text, step = wording.sla(body), str(body.get("step", ""))
        team = str(body.get("team", "")) or self.ticket.team
        if step == "agent":
            own = self.ticket.assignee or (f"{TEAM}{team}" if team else SUPERVISORS)
            yield _Told(own, "sla", text)
        elif step == "manager":
            for to in self.settings.managers:
                yield _Told(to, "sla", text)
        elif step:
            yield _Told(_of_role(step, team), "sla", text)

    def _said(self, words: str) -> str:
        body = self.entry.body
        return words.format(
            number=self.number,
            from_team=body.get("from_team") or "—",
            to_team=body.get("to_team") or "—",
        )


_REACTIONS: dict[str, Callable[[_Telling], Iterator[_Told]]] = {
    "ticket.assigned": _Telling.assigned,
    "ticket.escalated": _Telling.escalated,
    "ticket.reopened": _Telling.reopened,
    "ticket.voided": _Telling.voided,
    "handover.asked": _Telling.handover_asked,
    "handover.refused": _Telling.handover_refused,
    "handover.withdrawn": _Telling.handover_withdrawn,
    "handover.overdue": _Telling.handover_overdue,
    "sla.escalated": _Telling.sla,
}


def react(settings: NoticeSettings) -> Callable[[Connection, Entry, datetime], None]:
    """What the follower does with an entry."""

    def told(db: Connection, entry: Entry, now: datetime) -> None:
        ticket = get(db, entry.ticket_id) if entry.ticket_id is not None else None
        if ticket is None:
            return
        telling = _Telling(settings, entry, ticket)
        concerned = list(_REACTIONS.get(entry.kind, _nobody)(telling))
        concerned += _watchers(db, telling)
        if not concerned:
            return
        person = persons(listeners(db))
        # Who did it knows; who is mentioned was told.
        done = {person.get(one, one) for one in (entry.actor, *entry.body.get("mentions", ()))}
        for one in concerned:
            to = _usable(one.to)
            if to is None or person.get(to, to) in done:
                continue
            done.add(person.get(to, to))
            key = f"entry:{entry.seq}"
            notify(db, NewNotice(to, one.kind, one.text, key, ticket.id, entry.actor), now)

    return told


def notice_chores(settings: NoticeSettings) -> list[Chore]:
    """Tell people of what happens, and forget what they were told long ago."""
    return [
        follower("notices", PREFIXES, react(settings)),
        Chore("notices.forget", _forget(settings), _oldest(settings)),
    ]


def _watchers(db: Connection, telling: _Telling) -> Sequence[_Told]:
    kind = telling.entry.kind
    if kind not in wording.HAPPENED:
        return ()
    text = wording.watched(telling.number, kind, telling.entry.actor)
    query = select(watchers.c.watcher).where(watchers.c.ticket_id == telling.ticket.id)
    found = db.execute(query.order_by(watchers.c.watcher)).scalars()
    return [_Told(watcher, "watched", text) for watcher in found]


def _nobody(_telling: _Telling) -> Iterator[_Told]:
    return iter(())


def _of_role(role: str, team: str) -> str:
    """Whoever has the role in the team; a ticket of no team is the supervisors'."""
    return f"{ROLE}{role}@{team}" if team else SUPERVISORS


def _usable(to: str) -> str | None:
    """The address; None for an assignee whose name is none (two lines, `role:`)."""
    try:
        return address(to)
    except BadAddress:
        return None


def _forget(settings: NoticeSettings) -> Callable[[Connection, datetime, int], int]:
    return lambda db, now, limit: forget(db, now - settings.keep, limit)


def _oldest(settings: NoticeSettings) -> Callable[[Connection], datetime | None]:
    def at(db: Connection) -> datetime | None:
        oldest = db.execute(select(notices.c.at).order_by(notices.c.at).limit(1)).scalar()
        return oldest + settings.keep if oldest is not None else None

    return at
