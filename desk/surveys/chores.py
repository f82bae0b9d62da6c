"""After a close, the customer is sent a survey: a chore that follows the timeline."""

from datetime import datetime

from sqlalchemy import Connection

from desk.chores import Chore, Entry, follower
from desk.surveys.asking import SurveyPolicy, ask_by_link
from desk.tickets.states import Trigger

CLOSES = ("ticket.confirmed", "ticket.solved_in_call")


def survey_chores(policy: SurveyPolicy) -> list[Chore]:
    """The chores of surveys."""
    if not policy.settings.after_close:
        return []

    def closed(db: Connection, entry: Entry, now: datetime) -> None:
        if entry.ticket_id is not None and Trigger.SURVEY.value in entry.body.get("triggers", ()):
            ask_by_link(db, entry.ticket_id, policy, now)

    return [follower("surveys", CLOSES, closed)]
