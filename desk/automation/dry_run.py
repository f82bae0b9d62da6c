"""A dry run: what rules would have done in the past. It reads, and changes nothing.

The past is played from the timeline: at each entry, and whenever a timer would have been due, the
conditions are asked. Status, cycle, team, assignee and level are as they were at that moment;
everything else that a condition asks for (customer, texts, calls) is as it is now, for a row keeps
no history. What an action would have changed is not played on: each rule is judged by what people
really did.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, select

from desk.automation.book import Book, Ready
from desk.automation.following import about, event_of
from desk.automation.settings import ZONE
from desk.automation.timers import STEPS
from desk.db.schema import timeline
from desk.db.types import moment
from desk.numbering import ticket_number
from desk.routing.condition import Clause
from desk.routing.facts import facts_of, moment_facts, zone_of
from desk.text import parsed
from desk.tickets.states import Status

AT_ONCE = 500
MOST_KEPT = 10_000
_PLACE = ("status", "cycle", "team", "assignee", "level", "priority")
_MORE = ("ticket.levelled", "ticket.prioritised")


@dataclass(frozen=True, slots=True)
class Would:
    """What a rule would have done.

    Attributes:
        kind: of the entry that would have set it off; `timer`.
        seq: the entry; of a timer, the one that would have set it.
        actions: the names of its actions.
    """

    at: datetime
    rule: str
    kind: str
    seq: int
    ticket_id: int
    actions: tuple[str, ...]
    clauses: tuple[Clause, ...] = ()

    @property
    def number(self) -> str:
        """The ticket's."""
        return ticket_number(self.ticket_id)


@dataclass(slots=True)
class _Case:
    """A ticket as it was at the moment that the play has reached."""

    place: dict[str, Any] = field(default_factory=dict)
    since: int = 0


@dataclass(order=True, slots=True)
class _Alarm:
    due_at: datetime
    ticket_id: int
    rule: str
    since: int
    nth: int


@dataclass(slots=True)
class DryRun:
    """A play of the past with a rule set.

        play = DryRun(book, since, until)
        while not play.over:
            await db.read(play.step)

    Attributes:
        since, until: of which entries and moments it tells. Timers that were set before `since`
            are not played.
        found: what rules would have done, in the order of time, at most 10,000.
        looked_at: entries of cases, so far.
        more: there were more than are in `found`.
    """

    book: Book
    since: datetime
    until: datetime
    zone: tzinfo = ZONE
    found: list[Would] = field(default_factory=list)
    looked_at: int = 0
    over: bool = False
    more: bool = False
    _seq: int = -1
    _cases: dict[int, _Case] = field(default_factory=dict)
    _alarms: list[_Alarm] = field(default_factory=list)

    def step(self, db: Connection, limit: int = AT_ONCE) -> None:
        """Play up to `limit` entries further."""
        if self._seq < 0:
            self._seq = _seq_before(db, self.since)
        query = (
            select(timeline)
            .where(timeline.c.seq > self._seq, timeline.c.at <= self.until)
            .order_by(timeline.c.seq)
            .limit(limit)
        )
        rows = db.execute(query).all()
        for row in rows:
            self._seq = row.seq
            at = moment(row.at)
            self._ring(db, at)
            matters = row.kind in STEPS or row.kind in _MORE or self.book.on(row.kind)
            ticket_id = about(db, row.ticket_id, row.call_id) if matters else row.ticket_id
            if ticket_id is not None and at >= self.since:
                self.looked_at += 1
                self._see(db, row, ticket_id, at)
        if len(rows) < limit:
            self._ring(db, self.until)
            self.over = True

    def _see(self, db: Connection, row: Any, ticket_id: int, at: datetime) -> None:
        body = parsed(row.body) if row.body is not None else {}
        case = self._case(db, ticket_id, row.seq)
        if row.kind in STEPS and "status" in body and body["status"] != body.get("from"):
            case.since = row.seq
            self._set(self.book.waiting_in(body["status"]), ticket_id, row.seq, at)
        if row.kind in STEPS or row.kind in _MORE:
            case.place.update({name: body[name] for name in _PLACE if name in body})
        rules = self.book.on(row.kind)
        self._set((each for each in rules if each.rule.timed), ticket_id, row.seq, at)
        event = event_of(row.kind, row.actor, body)
        for each in rules:
            if each.rule.timed:
                continue
            held = self._ask(db, each, ticket_id, at, row.kind, row.seq, event)
            if held and each.rule.stop:
                break

    def _set(self, rules: Any, ticket_id: int, seq: int, at: datetime) -> None:
        for each in rules:
            heapq.heappush(self._alarms, _Alarm(at + each.rule.first, ticket_id, each.name, seq, 1))

    def _ring(self, db: Connection, until: datetime) -> None:
        """The timers that would have been due by then."""
        while self._alarms and self._alarms[0].due_at <= until:
            alarm = heapq.heappop(self._alarms)
            each = self.book.named(alarm.rule)
            case = self._cases[alarm.ticket_id]
            if each is None or case.place.get("status") == Status.MERGED:
                continue
            waits = each.rule.in_status
            left = waits is not None and case.place.get("status") != waits
            if left or (waits is not None and not each.rule.on and case.since != alarm.since):
                continue
            self._ask(
                db, each, alarm.ticket_id, alarm.due_at, "timer", alarm.since, {"kind": each.name}
            )
            if each.rule.every is not None and alarm.nth < each.rule.most:
                alarm.due_at += each.rule.every
                alarm.nth += 1
                heapq.heappush(self._alarms, alarm)

    def _ask(
        self,
        db: Connection,
        each: Ready,
        ticket_id: int,
        at: datetime,
        kind: str,
        seq: int,
        event: Mapping[str, Any],
    ) -> bool:
        facts = self._facts(db, ticket_id, at, event)
        why = each.condition.why(facts)
        if not why.holds:
            return False
        if len(self.found) >= MOST_KEPT:
            self.more = True
            return True
        actions = tuple(do.action for do in each.rule.do)
        self.found.append(Would(at, each.name, kind, seq, ticket_id, actions, why.clauses))
        return True

    def _facts(
        self, db: Connection, ticket_id: int, at: datetime, event: Mapping[str, Any]
    ) -> dict[str, Any]:
        facts = facts_of(db, ticket_id, at, event, zone=self.zone)
        place = self._cases[ticket_id].place
        age = at - facts["ticket"]["opened_at"]
        facts["ticket"] = {
            **facts["ticket"],
            **place,
            "age_minutes": round(max(age, timedelta()).total_seconds() / 60, 1),
        }
        facts["now"] = moment_facts(at, zone_of(db, str(facts["ticket"]["team"]), self.zone))
        return facts

    def _case(self, db: Connection, ticket_id: int, seq: int) -> _Case:
        """The case as it was before an entry."""
        case = self._cases.get(ticket_id)
        if case is None:
            case = self._cases[ticket_id] = _Case(*_place_before(db, ticket_id, seq))
        return case


def _seq_before(db: Connection, since: datetime) -> int:
    """The last entry before a moment."""
    query = select(timeline.c.seq).where(timeline.c.at >= since).order_by(timeline.c.seq).limit(1)
    first = db.execute(query).scalar()
    if first is not None:
        return int(first) - 1
    last = db.execute(select(timeline.c.seq).order_by(timeline.c.seq.desc()).limit(1)).scalar()
    return int(last or 0)


def _place_before(db: Connection, ticket_id: int, seq: int) -> tuple[dict[str, Any], int]:
    """Where a ticket stood before an entry, and the entry with which it came into its status."""
    query = (
        select(timeline.c.seq, timeline.c.kind, timeline.c.body)
        .where(
            timeline.c.ticket_id == ticket_id,
            timeline.c.seq < seq,
            timeline.c.kind.in_((*STEPS, *_MORE)),
        )
        .order_by(timeline.c.seq)
    )
    place: dict[str, Any] = {
        "team": "", "assignee": "", "cycle": 1, "level": 0, "priority": 0, "status": "accepted",
    }  # fmt: skip
    since = 0
    for row in db.execute(query):
        body = parsed(row.body) if row.body is not None else {}
        if row.kind in STEPS and "status" in body and body["status"] != body.get("from"):
            since = row.seq
        place.update({name: body[name] for name in _PLACE if name in body})
    return place, since
