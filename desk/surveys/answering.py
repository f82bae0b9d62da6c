"""An answer: once per survey, into the timeline, the ticket and the customer's score; a low one
reopens the ticket or alarms people.

Rows are held in this order: ticket, survey, customer.
"""

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from desk import links
from desk.db.schema.survey import surveys
from desk.notices import NewNotice, notify
from desk.surveys.customer_score import rescore
from desk.surveys.low import Effect, effect_of
from desk.surveys.settings import SurveySettings, addressed
from desk.surveys.survey import Survey, one_of
from desk.text import storable
from desk.tickets import SYSTEM, Status, Ticket, closing
from desk.tickets.ticket import for_change
from desk.timeline import append

MOST_COMMENT = 1000
POINTS = range(1, 6)


def answer_by_key(
    db: Connection, call_id: str, points: int, settings: SurveySettings, now: datetime
) -> bool:
    """The caller who is asked in this call has pressed a key. False: nobody is (any more).

    Raises:
        ValueError: not 1 to 5 points.
    """
    asked = one_of(db, surveys.c.key == f"call:{call_id}")
    return asked is not None and _answer(db, asked, points, "", settings, now)


def answer_by_link(
    db: Connection, token: str, points: int, comment: str, settings: SurveySettings, now: datetime
) -> bool:
    """Who opened the link has answered; the link is spent. False: the link is good for nothing.

    Raises:
        ValueError: not 1 to 5 points.
    """
    link = links.open(db, token, now)
    if link is None or link.purpose != "survey":
        return False
    asked = one_of(db, surveys.c.link_id == link.id)
    if asked is None:
        return False
    for_change(db, asked.ticket_id)
    if links.use(db, token, now) is None:
        return False
    return _answer(db, asked, points, comment, settings, now)


def _answer(
    db: Connection,
    asked: Survey,
    points: int,
    comment: str,
    settings: SurveySettings,
    now: datetime,
) -> bool:
    if points not in POINTS:
        raise ValueError(f"{points} points; an answer has {POINTS[0]} to {POINTS[-1]}")
    comment = storable(comment.strip(), MOST_COMMENT)
    ticket = for_change(db, asked.ticket_id)
    effect = effect_of(
        points,
        closed=ticket.status == Status.CLOSED and ticket.cycle == asked.cycle,
        reopenings=_reopenings(db, ticket.id),
        settings=settings.low,
    )
    taken = db.execute(
        update(surveys)
        .where(surveys.c.id == asked.id, surveys.c.answered_at.is_(None))
        .values(points=points, comment=comment, answered_at=now, effect=effect.value)
    )
    if taken.rowcount == 0:
        return False
    score = None
    if asked.customer_id is not None:
        score = rescore(db, asked.customer_id, settings.score)
    append(
        db,
        kind="survey.answered",
        body={
            "survey_id": asked.id,
            "channel": asked.channel,
            "number": ticket.number,
            "points": points,
            "comment": comment,
            "effect": effect.value,
            "customer_score": score,
        },
        now=now,
        call_id=asked.call_id,
        ticket_id=ticket.id,
        customer_id=asked.customer_id,
        actor="customer",
    )
    _follow(db, asked, ticket, points, comment, effect, settings, now)
    return True


def _reopenings(db: Connection, ticket_id: int) -> int:
    query = select(func.count()).where(
        surveys.c.ticket_id == ticket_id, surveys.c.effect == Effect.REOPENED.value
    )
    found: int = db.execute(query).scalar_one()
    return found


def _follow(
    db: Connection,
    asked: Survey,
    ticket: Ticket,
    points: int,
    comment: str,
    effect: Effect,
    settings: SurveySettings,
    now: datetime,
) -> None:
    if effect is Effect.NONE:
        return
    said = f"满意度 {points} 分 / {points} of 5 points"
    if comment:
        said = f"{said}: {comment}"
    if effect is Effect.REOPENED:
        closing.reopen(db, ticket.id, said, now, by=SYSTEM, expected_version=None)
    for to in settings.low.notify:
        address = addressed(to, ticket.team)
        notify(db, NewNotice(address, "survey", said, f"survey:{asked.id}", ticket.id), now)
