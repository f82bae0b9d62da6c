"""Saved views: lists of tickets under a name."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from desk import tickets
from desk.access import Principal
from desk.access.within import tickets_within
from desk.api.access import Reader, reader
from desk.api.notices import inbox_of
from desk.api.paging import Page
from desk.api.problems import Problem
from desk.api.room import MISSING, Cursor, Desk, Id, Limit, described, room
from desk.api.ticket_bodies import Team
from desk.api.ticket_models import TicketOut
from desk.api.ticket_sorting import page_of
from desk.api.ticket_writing import CHANGE_ERRORS, Expected
from desk.api.writing import Write, no_content
from desk.teamwork import views
from desk.teamwork.views import ME, MY_TEAM, Filters, NewView, View
from desk.tickets import Ticket
from desk.tickets.sorting import Sort

router = room("views")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]


class ViewOut(BaseModel):
    """A list of tickets under a name."""

    id: int
    name: str
    mine: bool = Field(description="only its owner changes it")
    owner: str
    team: str = Field(description="shared with it; empty: the owner's alone")
    filters: Filters
    sort: Sort
    version: int = Field(description="also the ETag")
    updated_at: datetime

    @classmethod
    def of(cls, found: View, who: Principal) -> Self:
        """From the desk's view."""
        return cls(
            id=found.id,
            name=found.name,
            mine=found.owner == who.actor,
            owner=found.owner,
            team=found.team,
            filters=found.filters,
            sort=found.sort,
            version=found.version,
            updated_at=found.updated_at,
        )


class ViewsOut(BaseModel):
    """Views by name."""

    items: list[ViewOut]


class KeepView(BaseModel):
    """A view to keep."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
    filters: Filters = Filters()
    sort: Sort = "newest"
    team: Team | None = Field(None, description="shared with this team; one's own only")

    def for_desk(self, who: Principal) -> NewView:
        """For the desk.

        Raises:
            Problem: it would be shared with others than the asker's own team.
        """
        team = self.team or ""
        if team and who.team and team != who.team:
            raise Problem(
                403, "team-of-others", "Not your team",
                f"A view is shared with the own team ({who.team}) only.", "Leave the team out.",
            )  # fmt: skip
        return NewView(self.name, self.filters, self.sort, team)


@router.get("/views")
async def list_views(desk: Desk, who: Allowed) -> ViewsOut:
    """The asker's views and those shared with his team. Scope `tickets:read`."""
    found = await desk.db.read(views.listed, who.actor, who.principal.team)
    return ViewsOut(items=[ViewOut.of(each, who.principal) for each in found])


@router.post("/views", status_code=201, responses=described({409: "there is one already"}))
async def create_view(desk: Desk, who: Allowed, write: Write, body: KeepView) -> ViewOut:
    """Keep a view. Scope `tickets:read`."""
    new = body.for_desk(who.principal)

    def tell(made: View) -> ViewOut:
        write.response.headers["Location"] = f"/api/v1/views/{made.id}"
        return _shown(made, who, write.response)

    return await write(tell, views.create, who.actor, new, desk.now())


@router.get("/views/{view_id}", responses=MISSING)
async def get_view(desk: Desk, who: Allowed, view_id: Id, response: Response) -> ViewOut:
    """One view. Scope `tickets:read`."""
    found = await desk.db.read(views.get, view_id, who.actor, who.principal.team)
    return _shown(found, who, response)


@router.put("/views/{view_id}", responses=CHANGE_ERRORS)
async def change_view(
    desk: Desk, who: Allowed, write: Write, view_id: Id, seen: Expected, body: KeepView
) -> ViewOut:
    """Change one's own view. Scope `tickets:read`."""
    new = body.for_desk(who.principal)
    return await write(
        partial(_shown, who=who, response=write.response),
        views.change, view_id, who.actor, new, desk.now(), expected_version=seen,
    )  # fmt: skip


@router.delete("/views/{view_id}", status_code=204, responses=CHANGE_ERRORS)
async def delete_view(who: Allowed, write: Write, view_id: Id, seen: Expected) -> None:
    """Delete one's own view. Scope `tickets:read`."""
    await write(no_content, views.remove, view_id, who.actor, expected_version=seen)


@router.get("/views/{view_id}/tickets", responses=MISSING)
async def tickets_of_view(
    desk: Desk, who: Allowed, view_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[TicketOut]:
    """The tickets of a view that the asker may read, in its order. Scope `tickets:read`."""

    def look(db: Connection) -> tuple[list[Ticket], str | None]:
        found = views.get(db, view_id, who.actor, who.principal.team)
        search = partial(
            tickets.search,
            **_conditions(found.filters, who),
            within=tickets_within(who.principal, who.reach),
            masked=who.masked,
        )
        return page_of(db, search, limit, found.sort, cursor)

    found, following = await desk.db.read(look)
    return Page[TicketOut](
        items=[TicketOut.of(each, who.masks(each)) for each in found], next=following
    )


def _conditions(filters: Filters, who: Reader) -> dict[str, Any]:
    """What `tickets.search` understands; a view that is shared means whoever looks."""
    mine = filters.assignee == ME
    return {
        "statuses": filters.status or None,
        "type": filters.type,
        "level": filters.level,
        "region": filters.region,
        "label": filters.label,
        "team": who.principal.team if filters.team == MY_TEAM else filters.team,
        "assignee": None if mine else filters.assignee,
        "assignees": who.principal.names if mine else None,
        "text": filters.text,
        "going_on": filters.going_on,
        "void_check": filters.void_check,
        "watchers": inbox_of(who.principal).addresses if filters.watched else None,
    }


def _shown(found: View, who: Reader, response: Response) -> ViewOut:
    response.headers["ETag"] = f'"{found.version}"'
    return ViewOut.of(found, who.principal)
