"""What the API takes and returns of automation."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from desk.automation import Edition, Run
from desk.automation.dry_run import DryRun, Would
from desk.automation.timers import Timer
from desk.masking import mask_text

MOST_CONTENT = 60_000
Content = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CONTENT)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RulesGiven(_Body):
    """A rule set in YAML."""

    content: Content


class Activation(_Body):
    """A rule set to put in force, or the number of one to bring back; one of both."""

    content: Content | None = None
    restores: int | None = Field(None, ge=1, le=2**31 - 1)
    note: str = Field("", max_length=1000, description="why, for who reads the list")
    expected: int | None = Field(
        None, ge=0, le=2**31 - 1, description="the one seen in force, 0 for none; else 412"
    )


class DryRunGiven(_Body):
    """What of the past is to be played."""

    since: AwareDatetime
    until: AwareDatetime | None = Field(None, description="now if left out")
    content: Content | None = Field(None, description="a rule set; that in force if left out")


class EditionOut(BaseModel):
    """A rule set that was put in force."""

    edition: int
    note: str
    restores: int | None = Field(description="the edition that it brought back")
    activated_at: datetime
    actor: str

    @classmethod
    def of(cls, found: Edition) -> Self:
        """From the desk's edition."""
        return cls(
            edition=found.edition,
            note=found.note,
            restores=found.restores,
            activated_at=found.activated_at,
            actor=found.actor,
        )


class WholeEditionOut(EditionOut):
    """A rule set with its YAML."""

    content: str

    @classmethod
    def of(cls, found: Edition) -> Self:
        """From the desk's edition."""
        return cls(**EditionOut.of(found).model_dump(), content=found.content)


class ActionOut(BaseModel):
    """An action of a run."""

    do: str
    outcome: str = Field(description="done, skipped, failed or stopped")
    told: str = Field(description="what it did, or why not")


class RunOut(BaseModel):
    """A run of a rule."""

    id: int
    at: datetime
    rule: str
    edition: int
    ticket_number: str
    cause: str = Field(description="entry:17, timer:3:17:1")
    kind: str = Field(description="of the entry that set it off; `timer`")
    depth: int = Field(description="how many rules in a row brought it about")
    state: str = Field(description="done, failed (of an action at least), or stopped")
    because: list[str] = Field(description="the parts of the condition that held")
    mentioned: list[str] = Field(description="words of the condition that were found")
    actions: list[ActionOut]

    @classmethod
    def of(cls, run: Run, masked: bool) -> Self:
        """From the desk's run."""
        return cls(
            id=run.id,
            at=run.at,
            rule=run.rule,
            edition=run.edition,
            ticket_number=run.number,
            cause=run.cause,
            kind=run.kind,
            depth=run.depth,
            state=run.state.value,
            because=[clause["text"] for clause in run.clauses],
            mentioned=[word for clause in run.clauses for word in clause["mentioned"]],
            actions=[
                ActionOut(
                    do=action["do"],
                    outcome=action["outcome"],
                    told=mask_text(action["told"]) if masked else action["told"],
                )
                for action in run.actions
            ],
        )


class TimerOut(BaseModel):
    """What will happen to a ticket if nothing happens before."""

    rule: str
    due_at: datetime
    nth: int = Field(description="1, then one more each time it repeats")
    in_status: str | None = Field(description="it ends when the ticket leaves this status")

    @classmethod
    def of(cls, timer: Timer) -> Self:
        """From the desk's timer."""
        return cls(
            rule=timer.rule, due_at=timer.due_at, nth=timer.nth, in_status=timer.in_status or None
        )


class TicketAutomationOut(BaseModel):
    """What rules did to a ticket, newest first, and what they will do, soonest first."""

    runs: list[RunOut]
    timers: list[TimerOut]


class WouldOut(BaseModel):
    """What a rule would have done."""

    at: datetime
    rule: str
    kind: str
    ticket_number: str
    actions: list[str]
    because: list[str]

    @classmethod
    def of(cls, would: Would) -> Self:
        """From the desk's."""
        return cls(
            at=would.at,
            rule=would.rule,
            kind=would.kind,
            ticket_number=would.number,
            actions=list(would.actions),
            because=[clause.text for clause in would.clauses],
        )


class DryRunOut(BaseModel):
    """A dry run. `whole`: the past was played to its end, and nothing was left out."""

    items: list[WouldOut]
    looked_at: int = Field(description="entries of tickets that were played")
    by_rule: dict[str, int] = Field(description="how often each rule would have run")
    whole: bool

    @classmethod
    def of(cls, play: DryRun, most: int) -> Self:
        """From a play."""
        by_rule: dict[str, int] = {}
        for one in play.found:
            by_rule[one.rule] = by_rule.get(one.rule, 0) + 1
        return cls(
            items=[WouldOut.of(one) for one in play.found[:most]],
            looked_at=play.looked_at,
            by_rule=by_rule,
            whole=play.over and not play.more and len(play.found) <= most,
        )
