"""Service levels as the API shows and takes them."""

from datetime import date, datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from desk.masking import mask_text
from desk.numbering import ticket_number
from desk.sla import Book, Clock, Effect
from desk.sla.book import BookData
from desk.sla.clock import Colour
from desk.sla.editions import Edition
from desk.sla.lists import Due
from desk.sla.projection import StoredStep
from desk.sla.settings import CalendarHours, PolicySettings, ServiceLevels, Word, check_calendars

TargetName = Literal["first_response", "resolution", "hand_over"]


class StepOut(BaseModel):
    """A step of escalation."""

    to: str = Field(description="agent, lead, supervisor or manager")
    due_at: datetime
    fired_at: datetime | None


class ClockOut(BaseModel):
    """One target of a ticket in one cycle."""

    target: TargetName
    cycle: int = Field(description="one more with every reopening; of hand-overs, which one")
    policy: str
    edition: int
    clock: str = Field(description="wall or working")
    team: str = Field(description="whose calendar counts")
    state: str = Field(description="running, paused, met, breached or stopped")
    colour: Colour
    started_at: datetime
    elapsed_seconds: float
    due_seconds: float
    amber_at: datetime | None = Field(description="if nothing happens; null while it is paused")
    due_at: datetime | None
    ended_at: datetime | None
    steps: list[StepOut]

    @classmethod
    def of(cls, clock: Clock, passed: timedelta, steps: list[StoredStep], now: datetime) -> Self:
        """From the desk's clock; `passed` by now, and the steps of its ticket."""
        mine = [
            StepOut(to=step.key.step, due_at=step.due_at, fired_at=step.fired_at)
            for step in steps
            if (step.key.target, step.key.cycle) == (str(clock.target), clock.cycle)
        ]
        return cls(
            target=clock.target.value,
            cycle=clock.cycle,
            policy=clock.policy,
            edition=clock.edition,
            clock=clock.kind,
            team=clock.team,
            state=clock.state.value,
            colour=clock.colour(now),
            started_at=clock.started_at,
            elapsed_seconds=passed.total_seconds(),
            due_seconds=clock.due.total_seconds(),
            amber_at=clock.amber_at,
            due_at=clock.due_at,
            ended_at=clock.ended_at,
            steps=mine,
        )


class TicketSlaOut(BaseModel):
    """How a ticket stands."""

    ticket_number: str
    colour: Colour | None = Field(description="the worst of what is running; null: nothing is")
    clocks: list[ClockOut]

    @classmethod
    def of(cls, ticket_id: int, clocks: list[ClockOut]) -> Self:
        """Of these clocks."""
        going_on = {clock.colour for clock in clocks if clock.ended_at is None}
        order: tuple[Colour, ...] = ("red", "amber", "green")
        worst = next((colour for colour in order if colour in going_on), None)
        return cls(ticket_number=ticket_number(ticket_id), colour=worst, clocks=clocks)


class DueOut(BaseModel):
    """A running clock in a list, with what tells its ticket."""

    ticket_number: str
    subject: str
    status: str
    level: int = Field(description="1 is the gravest, 0: none was given")
    team: str
    assignee: str
    target: TargetName
    cycle: int
    policy: str
    colour: Colour
    amber_at: datetime | None
    due_at: datetime
    overdue_seconds: float = Field(description="how long its time has been over; 0: it is not")

    @classmethod
    def of(cls, found: Due, now: datetime, masked: bool) -> Self:
        """From the desk's list."""
        clock = found.clock
        return cls(
            ticket_number=ticket_number(found.ticket_id),
            subject=mask_text(found.subject) if masked else found.subject,
            status=found.status,
            level=found.level,
            team=found.team,
            assignee=found.assignee,
            target=clock.target.value,
            cycle=clock.cycle,
            policy=clock.policy,
            colour=clock.colour(now),
            amber_at=clock.amber_at,
            due_at=found.key.due_at,
            overdue_seconds=max((now - found.key.due_at).total_seconds(), 0.0),
        )


class CalendarContent(CalendarHours):
    """A team's calendar; `overrides` correct single days (调休). No `timezone`: the company's."""

    overrides: dict[date, Literal["working", "rest"]] = Field({}, max_length=2000)


class Content(ServiceLevels):
    """Policies and calendars, as in the section `sla` of config.yaml."""

    policies: list[PolicySettings] = Field(min_length=1, max_length=200)
    calendars: dict[Word, CalendarContent] = Field(max_length=200)

    @field_validator("calendars")
    @classmethod
    def _usable(cls, calendars: dict[str, CalendarContent]) -> dict[str, CalendarContent]:
        check_calendars(calendars)
        return calendars

    def data(self, timezone: str, known_through: int) -> BookData:
        """As it is stored."""
        calendars = {
            team: {
                "timezone": calendar.timezone or timezone,
                "hours": calendar.hours,
                "overrides": calendar.overrides,
            }
            for team, calendar in self.calendars.items()
        }
        return BookData.model_validate(
            {"policies": self.policies, "calendars": calendars, "known_through": known_through}
        )

    @classmethod
    def of(cls, book: Book) -> Self:
        """What a book consists of."""
        return cls(
            policies=book.data.policies,
            calendars={
                team: CalendarContent(
                    timezone=calendar.timezone, hours=calendar.hours, overrides=calendar.overrides
                )
                for team, calendar in book.data.calendars.items()
            },
        )


class Proposal(BaseModel):
    """What shall come into force: new `content`, or what a former `edition` had."""

    model_config = ConfigDict(extra="forbid")

    content: Content | None = None
    edition: int | None = Field(None, ge=1, le=2**31 - 1)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.content is None) == (self.edition is None):
            raise ValueError("give either `content` or a former `edition`")
        return self


class Applied(Proposal):
    """The same, with the edition whose effect was looked at."""

    expected: int = Field(ge=0, le=2**31 - 1, description="`in_force` as the effect told it")


class EditionOut(BaseModel):
    """An edition of the policies and calendars."""

    edition: int
    applied_at: datetime
    actor: str
    policies: list[str]
    known_through: int = Field(description="the last year whose holidays it knows")
    warnings: list[str]

    @classmethod
    def of(cls, found: Edition, today: date) -> Self:
        """From the desk's edition; `warnings` are those of this year and the next."""
        return cls(
            edition=found.number,
            applied_at=found.since,
            actor=found.actor,
            policies=[policy.name for policy in found.book.data.policies],
            known_through=found.book.data.known_through,
            warnings=warnings_of(found.book, today),
        )


class WholeEditionOut(EditionOut):
    """An edition with its content."""

    content: Content

    @classmethod
    def of(cls, found: Edition, today: date) -> Self:
        """From the desk's edition."""
        head = EditionOut.of(found, today)
        return cls(**head.model_dump(), content=Content.of(found.book))


class ChangedClock(BaseModel):
    """A clock before or after a change."""

    policy: str
    clock: str
    state: str
    due_seconds: float
    amber_at: datetime | None
    due_at: datetime | None


class EffectOut(BaseModel):
    """How a change moves one clock of an open ticket."""

    ticket_number: str
    target: TargetName
    cycle: int
    before: ChangedClock | None = Field(description="null: the clock would be new")
    after: ChangedClock | None = Field(description="null: there would be none any more")
    fires: list[str] = Field(description="steps that would fire at once; none that has fired")

    @classmethod
    def of(cls, found: Effect) -> Self:
        """From the desk's effect."""
        return cls(
            ticket_number=ticket_number(found.ticket_id),
            target=found.target.value,
            cycle=found.cycle,
            before=_changed(found.before),
            after=_changed(found.after),
            fires=list(found.fires),
        )


class EffectsOut(BaseModel):
    """A part of what a change would do."""

    in_force: int = Field(description="the edition in force, to be named when it is applied")
    looked_at: int
    items: list[EffectOut]
    next: str | None = Field(description="`cursor` of the next part; null on the last one")
    warnings: list[str]


def warnings_of(book: Book, today: date) -> list[str]:
    """Years that clocks may reach now and whose holidays nobody has entered."""
    return [str(each) for each in book.unknown(today)]


def _changed(clock: Clock | None) -> ChangedClock | None:
    if clock is None:
        return None
    return ChangedClock(
        policy=clock.policy,
        clock=clock.kind,
        state=clock.state.value,
        due_seconds=clock.due.total_seconds(),
        amber_at=clock.amber_at,
        due_at=clock.due_at,
    )
