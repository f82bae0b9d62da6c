"""After a close, the customer is sent a survey: a chore that follows the timeline."""

from datetime import datetime

from sqlalchemy import Connection, select

from desk.chores import Chore, Entry, follower
from desk.db.schema import timeline
from desk.rollout import gated
from desk.surveys.asking import SurveyPolicy, ask_by_link
from desk.tickets.states import Trigger

CLOSES = ("ticket.confirmed", "ticket.solved_in_call")
ENDED = "call.ended"


def survey_chores(policy: SurveyPolicy) -> list[Chore]:
    """The chores of surveys. A close in a call is looked at again when the call is over, for until
    then it may ask by keys. With `after_close` off, closes pass and are never asked about.
    """

    def closed(db: Connection, entry: Entry, now: datetime) -> None:
        if entry.kind == ENDED and entry.call_id is not None:
            for ticket_id in _closed_in(db, entry.call_id):
                ask_by_link(db, ticket_id, policy, now)
        elif entry.ticket_id is not None and Trigger.SURVEY in entry.body.get("triggers", ()):
            ask_by_link(db, entry.ticket_id, policy, now)

    follows = follower("surveys", (*CLOSES, ENDED), closed)
    return gated(policy.settings.after_close, [follows])


def _closed_in(db: Connection, call_id: str) -> list[int]:
    query = select(timeline.c.ticket_id).where(
        timeline.c.call_id == call_id,
        timeline.c.kind.in_(CLOSES),
        timeline.c.ticket_id.is_not(None),
    )
    return list(db.execute(query.distinct()).scalars())
