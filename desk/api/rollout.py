"""What is rolled out, and how much it is used."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from desk.adoption import Use, use
from desk.api.access import Reader, reader
from desk.api.problems import Problem
from desk.api.room import Desk, room
from desk.house import house_of
from desk.rollout import Switch

router = room("roll-out")

MOST = timedelta(days=400)
USUAL = timedelta(days=7)


class RolloutOut(BaseModel):
    """The switches, and what happened in a time by which way."""

    switches: dict[str, bool] = Field(description="of the three phases; see docs/rollout.md")
    since: datetime
    until: datetime
    opened: dict[str, int] = Field(description="tickets by call, click, hand, program")
    joined: int = Field(description="further calls that came to a ticket that was there")
    assigned: dict[str, int] = Field(description="by rules, people, automation, system")
    moved: int = Field(description="by rules, then given to another team by people")
    levelled: dict[str, int] = Field(description="levels set by rules, people, automation")
    closed: dict[str, int] = Field(description="by talk, key, sms, link; override: unconfirmed")
    reopened: int = Field(description="cases that came back")
    delivered: dict[str, int] = Field(
        description="entries in targets, as they stand now; empty for one team"
    )
    automated: int = Field(description="entries that automation wrote")
    surveys: dict[str, int] = Field(description="asked, answered")
    shares: dict[str, float | None] = Field(description="0 to 1; null where there was nothing")

    @classmethod
    def of(cls, found: Use, switches: dict[str, bool]) -> Self:
        """From the desk's count."""
        return cls(
            switches={switch.value: switches.get(switch.value, True) for switch in Switch},
            since=found.since,
            until=found.until,
            opened=dict(found.opened),
            joined=found.joined,
            assigned=dict(found.assigned),
            moved=found.moved,
            levelled=dict(found.levelled),
            closed=dict(found.closed),
            reopened=found.reopened,
            delivered=dict(found.delivered),
            automated=found.automated,
            surveys=dict(found.surveys),
            shares=found.shares,
        )


@router.get("/rollout")
async def rollout(
    desk: Desk,
    _who: Annotated[Reader, Depends(reader("tickets:read"))],
    since: Annotated[
        AwareDatetime | None, Query(description="7 days before `until` if left out")
    ] = None,
    until: Annotated[AwareDatetime | None, Query(description="now if left out")] = None,
    team: Annotated[
        str | None, Query(max_length=60, description="only its tickets; all if left out")
    ] = None,
) -> RolloutOut:
    """Which phases are switched on, and how much of the work goes by them. Scope `tickets:read`."""
    until = until if until is not None else desk.now()
    since = since if since is not None else until - USUAL
    if not timedelta(0) < until - since <= MOST:
        raise Problem(
            422, "bad-time", "Bad time", "`until` must be after `since`, by 400 days at most.",
            "Leave one of them out, or give a shorter time.",
        )  # fmt: skip
    house = await desk.db.read(house_of)
    return RolloutOut.of(await desk.db.read(use, since, until, team), house.switches)
