"""What has reached people, told at their end, beside what the desk has of it: each once."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from desk import sla, timeline
from desk.db.schema import confirmations
from desk.db.schema import tickets as ticket_table
from desk.db.schema.automation import messages
from desk.db.schema.outbound import outbound_attempts, outbound_requests
from desk.db.schema.survey import surveys
from desk.db.schema.teamwork import notices
from desk.messages import State
from desk.outbound.outcomes import FAULTS
from desk.region import locate
from desk.timeline import Entry
from tests.chaos.two_lines import Invite, arrived
from tests.desk.processes import counted, doubled

NO_INVITE = frozenset({*FAULTS, "lost", ""})
"""Outcomes of attempts which may not have come as far as a telephone."""


@dataclass(frozen=True)
class Kept:
    """What the desk has in the end."""

    told: list[Entry]
    intact: bool
    tickets: list[Any]
    requests: list[Any]
    attempts: list[Any]
    confirmations: list[Any]
    surveys: list[Any]
    messages: list[Any]
    notices: list[Any]
    due: set[tuple[int, str, int, str]]

    @classmethod
    def of(cls, db: Connection, now: datetime) -> "Kept":
        """Everything at this moment."""

        def rows(table: Any) -> list[Any]:
            return list(db.execute(select(table)).all())

        told: list[Entry] = []
        while part := timeline.entries_after(db, told[-1].seq if told else 0, 1000):
            told += part
        return cls(
            told,
            timeline.verify(db).intact,
            rows(ticket_table),
            rows(outbound_requests),
            rows(outbound_attempts),
            rows(confirmations),
            rows(surveys),
            rows(messages),
            rows(notices),
            _due(db, now),
        )

    def kinds(self, *kinds: str) -> list[Entry]:
        """The entries of these kinds."""
        return [entry for entry in self.told if entry.kind in kinds]


def _due(db: Connection, now: datetime) -> set[tuple[int, str, int, str]]:
    """Every escalation that was to fire by now, as histories and policies have it."""
    books = sla.in_force(db)
    assert books is not None
    found = set()
    for ticket_id in db.execute(select(ticket_table.c.id)).scalars():
        history = sla.history_of(db, ticket_id)
        assert history is not None
        for clock in sla.clocks(history, books):
            passed = (step for step, at in clock.steps if at <= now)
            found |= {(ticket_id, str(clock.target), clock.cycle, step) for step in passed}
    return found


def problems(kept: Kept, invites: Sequence[Invite], sent: Sequence[dict[str, Any]]) -> list[str]:
    """Everything that was lost, happened twice, or happened to somebody who was not to be asked."""
    return [
        *_calls(kept, invites),
        *_answers(kept),
        *_written(kept, sent),
        *_surveys(kept),
        *_escalated(kept),
        *(f"put aside: {entry.body}" for entry in kept.kinds("timeline.put_aside")),
        *([] if kept.intact else ["the timeline is not intact"]),
    ]


def _calls(kept: Kept, invites: Sequence[Invite]) -> Iterator[str]:
    rang = defaultdict(list)
    for invite in invites:
        rang[locate(invite.number, "022").e164].append(invite.at)
    made = defaultdict(list)
    for attempt in sorted(kept.attempts, key=lambda row: row.placed_at):
        made[attempt.e164].append(attempt)
    for e164 in rang.keys() | made.keys():
        placed = [attempt.placed_at.timestamp() for attempt in made[e164]]
        for nth, at in enumerate(sorted(rang[e164]), 1):
            if nth > bisect_right(placed, at):
                yield f"{e164} was rung {nth} times by {at}, placed were {placed}"
        sure = [attempt for attempt in made[e164] if attempt.outcome not in NO_INVITE]
        if len(rang[e164]) < len(sure):
            yield f"{e164} was rung {len(rang[e164])} times, and {len(sure)} calls ended"
    answered = {
        (row.ticket_id, row.cycle): row.at for row in kept.confirmations if row.cycle is not None
    }
    cycles = {row.id: (row.ticket_id, row.cycle) for row in kept.requests}
    per_request: Counter[int] = Counter()
    for attempt in kept.attempts:
        if attempt.ended_at is None:
            yield f"attempt {attempt.id} never ended"
        key = cycles[attempt.request_id]
        if key in answered and attempt.placed_at > answered[key]:
            yield f"{attempt.id} was placed after ticket {key} had its answer"
        if attempt.outcome not in FAULTS:
            per_request[attempt.request_id] += 1
    for request_id, count in per_request.items():
        if count > 3:
            yield f"request {request_id} was called {count} times in a day"
    yield from _twice("asked for", ((row.ticket_id, row.cycle) for row in kept.requests))
    resolved = Counter(entry.ticket_id for entry in kept.kinds("ticket.resolved"))
    asked = Counter(row.ticket_id for row in kept.requests)
    if resolved != asked:
        yield f"resolved {resolved}, asked {asked}"
    for row in kept.requests:
        if row.state != "done":
            yield f"request {row.id} ended as {row.state}"


def _answers(kept: Kept) -> Iterator[str]:
    yield from _twice("answered", ((row.ticket_id, row.cycle) for row in kept.confirmations))
    closing = Counter(
        row.ticket_id for row in kept.confirmations if row.answer in ("solved", "overridden")
    )
    for ticket in kept.tickets:
        if ticket.status != "closed" or closing[ticket.id] != 1:
            yield f"ticket {ticket.id} is {ticket.status}, closed {closing[ticket.id]} times"
    closed = counted(kept.told, "ticket.confirmed") + counted(kept.told, "ticket.overridden")
    if len(closed) != len(kept.tickets) or doubled(closed):
        yield f"closed {closed} of {len(kept.tickets)}"
    pressed = {row.call_id for row in kept.confirmations if row.source == "key"}
    ended = {row.id for row in kept.attempts if row.outcome in ("solved", "not_solved")}
    if pressed != ended:
        yield f"answers by key {pressed ^ ended} are only with the call or only with the ticket"


def _written(kept: Kept, sent: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from _twice("sent", (each["id"] for each in sent))
    yield from _twice("sent", (each["key"] for each in sent))
    there = {each["id"] for each in sent}
    if lost := [row.id for row in kept.messages if arrived(row) and row.id not in there]:
        yield f"never sent, and noted as sent: {lost}"
    if open_ := [row.id for row in kept.messages if row.state == State.QUEUED.value]:
        yield f"never sent: {open_}"
    if unknown := there - {row.id for row in kept.messages if row.state == State.SENT.value}:
        yield f"sent, and not noted as sent: {unknown}"
    yield from _twice("noted as sent", counted_of(kept, "message.sent", "message_id"))


def _surveys(kept: Kept) -> Iterator[str]:
    by_way = ((row.ticket_id, row.cycle, row.channel) for row in kept.surveys)
    yield from _twice("surveyed", by_way)
    yield from _twice("surveyed", counted_of(kept, "survey.asked", "survey_id"))
    asked = {(row.ticket_id, row.cycle) for row in kept.surveys}
    closed = {(row.ticket_id, row.cycle) for row in kept.confirmations if row.answer == "solved"}
    if asked != closed:
        yield f"surveyed {asked - closed} without a close, not surveyed {closed - asked}"
    by_link = Counter(f"survey:{row.id}" for row in kept.surveys if row.channel == "link")
    written = Counter(row.key for row in kept.messages if row.template == "survey")
    if written != by_link:
        yield f"surveys and their messages differ: {written - by_link} {by_link - written}"


def _escalated(kept: Kept) -> Iterator[str]:
    fired = counted(kept.told, "sla.escalated", "target", "cycle", "step")
    yield from _twice("escalated", fired.elements())
    if lost := kept.due - set(fired):
        yield f"not escalated: {lost}"
    have = {(row.ticket_id, row.key) for row in kept.notices}
    for entry in kept.kinds("sla.escalated"):
        if (entry.ticket_id, f"entry:{entry.seq}") not in have:
            yield f"nobody was told of {entry.body}"
    yield from _twice("told", ((row.recipient, row.key) for row in kept.notices))
    yield from _twice("told", counted_of(kept, "notice.sent", "notice_id"))


def counted_of(kept: Kept, kind: str, name: str) -> Iterator[Any]:
    """A word of the body of every entry of a kind."""
    return ((entry.body or {})[name] for entry in kept.kinds(kind))


def _twice(what: str, effects: Iterable[Any]) -> Iterator[str]:
    for effect, times in Counter(effects).items():
        if times > 1:
            yield f"{what} {times} times: {effect}"
