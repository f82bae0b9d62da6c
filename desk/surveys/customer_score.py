"""The customer's stored score, and which answers it comes from."""

from sqlalchemy import Connection, select, update

from desk.db.schema import customers
from desk.db.schema.survey import surveys
from desk.db.types import moment
from desk.surveys.score import Points, Score, score_of
from desk.surveys.settings import ScoreSettings


def rescore(db: Connection, customer_id: int, settings: ScoreSettings) -> float | None:
    """Reckon the score from the stored answers and store it; None: there is no such customer.

    The customer's row is held first, so that of two answers at once the later sees both.
    """
    held = select(customers.c.id).where(customers.c.id == customer_id).with_for_update()
    if db.execute(held).first() is None:
        return None
    value = explain(db, customer_id, settings).value
    db.execute(update(customers).where(customers.c.id == customer_id).values(score=value))
    return value


def explain(db: Connection, customer_id: int, settings: ScoreSettings) -> Score:
    """The score as the formula makes it of the stored answers, with each answer's part in it."""
    query = (
        select(surveys.c.id, surveys.c.points, surveys.c.channel, surveys.c.answered_at)
        .where(surveys.c.customer_id == customer_id, surveys.c.answered_at.is_not(None))
        .order_by(surveys.c.answered_at.desc(), surveys.c.id.desc())
        .limit(settings.most_answers)
    )
    answers = [
        Points(row.id, row.points, row.channel, moment(row.answered_at))
        for row in db.execute(query)
    ]
    return score_of(answers, settings)
