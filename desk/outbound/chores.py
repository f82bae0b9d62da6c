"""What happens by itself around calls to customers: follow tickets, send, hand on, remind."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Connection, and_, or_, select

from desk.chores import Chore, Entry, follower
from desk.db.schema.outbound import outbound_requests
from desk.db.types import moment
from desk.links import LinkSettings
from desk.messages.templates import Templates
from desk.outbound import attempts, confirming, due, requests
from desk.outbound.ordering import CLICK_SECONDS
from desk.outbound.revisits import next_visit, tell_due
from desk.outbound.settings import OutboundSettings
from desk.tickets.states import Status

ENDS = {
    "ticket.confirmed": "confirmed",
    "ticket.overridden": "overridden",
    "ticket.reopened": "reopened",
    "ticket.solved_in_call": "confirmed",
    "ticket.voided": "withdrawn",
    "ticket.merged": "withdrawn",
}
"""What ends the question, and how that is called."""
KINDS = ("ticket.resolved", "ticket.unmerged", "ticket.levelled", *ENDS)
_CLICKS = ("click", "revisit")
_columns = outbound_requests.c


@dataclass(frozen=True, slots=True)
class _Outbound:
    settings: OutboundSettings
    links: LinkSettings
    templates: Templates
    tz: tzinfo

    def follow(self, db: Connection, entry: Entry, now: datetime) -> None:
        """A ticket is resolved, is graver than it was, or the question is answered otherwise."""
        if entry.ticket_id is None:
            return
        if entry.kind in ENDS:
            confirming.withdraw(db, entry.ticket_id, ENDS[entry.kind], now)
        elif entry.kind != "ticket.unmerged" or entry.body.get("status") == Status.RESOLVED:
            confirming.request_confirmation(
                db, entry.ticket_id, now, policy=self.settings, tz=self.tz
            )

    def work(self, db: Connection, now: datetime, limit: int) -> int:
        """Send, hand on, or give up what is due."""
        patience = timedelta(days=self.settings.confirm.most_days)
        query = (
            select(_columns.id)
            .where(
                or_(
                    and_(
                        _columns.state.in_(("waiting", "asked")),
                        _columns.way.in_(("sms", "handler")),
                        _columns.due_at <= now,
                    ),
                    and_(
                        _columns.state == "waiting",
                        _columns.way == "call",
                        _columns.purpose.in_(_CLICKS),
                        _columns.asked_at < now - CLICK_SECONDS,
                    ),
                    and_(
                        _columns.state == "waiting",
                        _columns.way == "call",
                        _columns.purpose == "confirm",
                        _columns.asked_at < now - patience,
                    ),
                )
            )
            .order_by(_columns.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = [row.id for row in db.execute(query).all()]
        for request_id in found:
            request = requests.for_change(db, request_id)
            if request.way == "call" and request.purpose in _CLICKS:
                requests.done(db, request, "expired", now)
            elif request.way == "call":
                confirming.fall_back(db, request, "unreachable", now)
            elif request.way == "sms" and request.state == "waiting":
                confirming.send(db, request, self.settings, self.links, self.templates, now)
            else:
                confirming.hand_to_person(db, request, now)
        return len(found)

    def forget(self, db: Connection, now: datetime, limit: int) -> int:
        """Delete what was kept long enough."""
        return attempts.forget(db, now - timedelta(days=self.settings.keep_days), limit)

    def forget_at(self, db: Connection) -> datetime | None:
        """When there is something to delete."""
        first = attempts.oldest(db)
        return first + timedelta(days=self.settings.keep_days) if first is not None else None

    def next_at(self, db: Connection) -> datetime | None:
        """The earliest of what `work` looks for."""
        moments = [due.next_due(db, ("sms", "handler"))]
        for purposes, wait in (
            (_CLICKS, CLICK_SECONDS),
            (("confirm",), timedelta(days=self.settings.confirm.most_days)),
        ):
            query = (
                select(_columns.asked_at)
                .where(
                    _columns.state == "waiting",
                    _columns.way == "call",
                    _columns.purpose.in_(purposes),
                )
                .order_by(_columns.asked_at)
                .limit(1)
            )
            at = db.execute(query).scalar_one_or_none()
            moments.append(moment(at) + wait if at is not None else None)
        return min((each for each in moments if each is not None), default=None)


def outbound_chores(
    settings: OutboundSettings, links: LinkSettings, templates: Templates, tz: tzinfo
) -> list[Chore]:
    """Ask customers of resolved tickets, and remind people of visits. What places the calls
    themselves is whoever has a trunk.
    """
    outbound = _Outbound(settings, links, templates, tz)
    return [
        follower("confirming", KINDS, outbound.follow),
        Chore("confirming.steps", outbound.work, outbound.next_at),
        Chore("visits.due", tell_due, next_visit),
        Chore("attempts.forget", outbound.forget, outbound.forget_at),
    ]
