"""Surveys and customers' scores, and what callers were told by the line itself."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from desk import customers, surveys
from desk.access.within import seen_customers, tickets_within
from desk.api.access import Reader, reader
from desk.api.paging import Page, number_from_cursor
from desk.api.problems import Problem, not_found
from desk.api.public import PublicPages
from desk.api.room import MISSING, AnyId, Cursor, Desk, Id, Limit, described, room
from desk.api.ticket_writing import OneTicket, readable
from desk.surveys import Score, Survey, SurveySettings
from desk.surveys.settings import Channel, ScoreSettings
from desk.tickets import progress_calls
from desk.tickets.progress_calls import Figures

FIGURE_DAYS = 30

router = room("surveys")


class SurveyOut(BaseModel):
    """A survey, answered or not."""

    id: int
    ticket: str = Field(description="the ticket's number")
    cycle: int = Field(description="the ticket's when it was asked")
    customer_id: int | None
    channel: Channel = Field(description="by key in the call, or by link after the close")
    call_id: str | None
    asked_at: datetime
    answered_at: datetime | None
    points: int | None = Field(description="1 (worst) to 5")
    comment: str
    effect: str = Field(description="what the answer did: reopened, alarmed, or nothing")

    @classmethod
    def of(cls, found: Survey) -> Self:
        """A survey as the API shows it."""
        return cls(
            id=found.id,
            ticket=found.number,
            cycle=found.cycle,
            customer_id=found.customer_id,
            channel=found.channel,
            call_id=found.call_id,
            asked_at=found.asked_at,
            answered_at=found.answered_at,
            points=found.points,
            comment=found.comment,
            effect=found.effect.value,
        )


class SurveysOut(BaseModel):
    """A ticket's surveys, oldest first."""

    items: list[SurveyOut]


class PartOut(BaseModel):
    """An answer's part in a score."""

    survey_id: int
    points: int
    channel: Channel
    at: datetime
    weight: float = Field(description="weights[channel] · ½ ^ (age ÷ half_life_days)")
    share: float = Field(description="of all weights")
    adds: float = Field(description="to the score: share · points")


class ScoreOut(BaseModel):
    """A customer's score, and where it comes from."""

    customer_id: int
    score: float | None = Field(description="1 to 5; null: has not answered yet")
    formula: ScoreSettings
    parts: list[PartOut] = Field(description="the newest answer first")

    @classmethod
    def of(cls, customer_id: int, score: Score, formula: ScoreSettings) -> Self:
        """A score as the API shows it."""
        return cls(
            customer_id=customer_id,
            score=score.value or None,
            formula=formula,
            parts=[
                PartOut(
                    survey_id=part.answer.survey_id,
                    points=part.answer.points,
                    channel=part.answer.channel,
                    at=part.answer.at,
                    weight=part.weight,
                    share=part.share,
                    adds=part.adds,
                )
                for part in score.parts
            ],
        )


class ProgressOut(BaseModel):
    """Callers who were told by the line itself how their case stands."""

    since: datetime
    until: datetime
    calls: int
    without_agent: int = Field(description="answered by the line alone")
    outcomes: dict[str, int] = Field(
        description="told: heard it and hung up; solved, not_solved: by key; person: went on to "
        "one; other: rang about something else"
    )

    @classmethod
    def of(cls, since: datetime, until: datetime, found: Figures) -> Self:
        """The figures as the API shows them."""
        outcomes = {outcome.value: number for outcome, number in found.outcomes.items()}
        return cls(
            since=since,
            until=until,
            calls=found.calls,
            without_agent=found.without_agent,
            outcomes=outcomes,
        )


@router.get("/surveys")
async def list_surveys(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("tickets:read"))],
    answered: Annotated[bool | None, Query(description="only those that were, or were not")] = None,
    most_points: Annotated[
        int | None, Query(ge=1, le=5, description="only answers of at most so many points")
    ] = None,
    customer_id: AnyId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SurveyOut]:
    """Surveys of tickets that the asker may see, newest first. Scope `tickets:read`."""
    found = await desk.db.read(
        surveys.search,
        answered=answered,
        most_points=most_points,
        customer_id=customer_id,
        limit=limit + 1,
        before=number_from_cursor(cursor),
        within=tickets_within(who.principal, who.reach),
    )
    return Page[SurveyOut].of(found, limit, lambda one: one.id, SurveyOut.of)


@router.get("/tickets/{number}/surveys", responses=MISSING)
async def surveys_of_ticket(
    one: Annotated[OneTicket, Depends(readable("tickets:read"))],
) -> SurveysOut:
    """What the customer was asked about this ticket, and answered. Scope `tickets:read`."""
    found = await one.desk.db.read(surveys.of_ticket, one.ticket.id)
    return SurveysOut(items=[SurveyOut.of(each) for each in found])


async def formula(request: Request) -> ScoreSettings:
    """A dependency: how answers make a score in this process."""
    pages: PublicPages | None = request.app.state.public
    return pages.policy.settings.score if pages is not None else SurveySettings().score


@router.get("/customers/{customer_id}/score", responses=MISSING)
async def score_of_customer(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("customers:read"))],
    customer_id: Id,
    by: Annotated[ScoreSettings, Depends(formula)],
) -> ScoreOut:
    """A customer's score: which answers make it, with which weights. Scope `customers:read`."""
    if await desk.db.read(customers.get, customer_id) is None:
        raise not_found(f"customer {customer_id}", "GET /api/v1/customers finds customers.")
    if not await desk.db.read(seen_customers, who.principal, who.reach, [customer_id]):
        raise Problem(
            403,
            "customer-of-others",
            "Not yours",
            f"Customer {customer_id} has no ticket of yours.",
            "Ask who is in charge of the customer's tickets, or a supervisor.",
        )
    return ScoreOut.of(customer_id, await desk.db.read(surveys.explain, customer_id, by), by)


@router.get("/progress-calls", responses=described({400: "`until` is not after `since`"}))
async def progress(
    desk: Desk,
    _who: Annotated[Reader, Depends(reader("calls:read"))],
    since: Annotated[AwareDatetime | None, Query(description="30 days ago")] = None,
    until: Annotated[AwareDatetime | None, Query(description="now")] = None,
) -> ProgressOut:
    """How many callers were told by the line itself how their case stands, and how many of them
    needed no agent. Scope `calls:read`.
    """
    last = until or desk.now()
    first = since or last - timedelta(days=FIGURE_DAYS)
    if last <= first:
        raise Problem(
            400, "bad-time", "Bad time", "`until` is not after `since`.", "Give a later `until`."
        )
    return ProgressOut.of(first, last, await desk.db.read(progress_calls.figures, first, last))
