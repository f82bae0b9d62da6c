"""Watchers of a ticket."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from desk.api.access import Reader, reader
from desk.api.notices import inbox_of
from desk.api.room import MISSING, Desk, room
from desk.api.state import ApiState
from desk.api.ticket_writing import ADD_ERRORS, Adding, Readable
from desk.errors import Unacceptable
from desk.notices.addresses import MOST_ADDRESS
from desk.teamwork import people, watching
from desk.teamwork.watching import Watcher
from desk.tickets import By

router = room("watchers")

Address = Annotated[str, Path(min_length=1, max_length=MOST_ADDRESS)]


class NotAColleague(Unacceptable):
    """Nobody here has this name, or several have it."""

    error_id = "not-a-colleague"

    def __init__(self, name: str, found: list[str]) -> None:
        which = f"is the name of {', '.join(found)}" if found else "is nobody's name here"
        super().__init__(f"{name!r} {which}; write the account, the extension or team:NAME")


class WatcherOut(BaseModel):
    """Somebody who hears what happens to a ticket."""

    watcher: str
    cause: str = Field(description="hand, rule or mention")
    actor: str = Field(description="who made it so")
    at: datetime

    @classmethod
    def of(cls, found: Watcher) -> Self:
        """From the desk's watcher."""
        return cls(watcher=found.watcher, cause=found.cause, actor=found.actor, at=found.at)


class WatchersOut(BaseModel):
    """Who watches a ticket, the first one first."""

    items: list[WatcherOut]


class WatchedOut(BaseModel):
    """Numbers of tickets, the newest first."""

    items: list[str]


class Watch(BaseModel):
    """Who shall watch: the asker himself if left out."""

    model_config = ConfigDict(extra="forbid")

    watcher: str = Field("", max_length=MOST_ADDRESS, description="by any name that an @ knows")


@router.get("/watched")
async def list_watched(
    desk: Desk, who: Annotated[Reader, Depends(reader("tickets:read"))]
) -> WatchedOut:
    """The tickets that the asker watches, at most 200. Scope `tickets:read`."""
    inbox = inbox_of(who.principal)
    return WatchedOut(items=await desk.db.read(watching.watched_by, inbox.addresses))


@router.get("/tickets/{number}/watchers", responses=MISSING)
async def list_watchers(one: Readable) -> WatchersOut:
    """Who watches a ticket. Scope `tickets:read`."""
    return _shown(await one.desk.db.read(watching.of_ticket, one.ticket.id))


@router.post("/tickets/{number}/watchers", responses=ADD_ERRORS)
async def add_watcher(change: Adding, body: Watch) -> WatchersOut:
    """关注: let somebody hear what happens to the ticket; the version stays. Again: nothing. Scope
    `tickets:write`.
    """
    watcher = await _colleague(change.desk, body.watcher) if body.watcher else change.who.actor
    return await change.write(_shown, _then_all, watching.watch, watcher)


@router.delete("/tickets/{number}/watchers/{watcher}", responses=ADD_ERRORS)
async def remove_watcher(change: Adding, watcher: Address) -> WatchersOut:
    """Let somebody hear no more of it. Who does not watch: nothing. Scope `tickets:write`."""
    return await change.write(_shown, _then_all, watching.unwatch, watcher)


def _then_all(
    db: Connection, ticket_id: int, change: Callable[..., object], watcher: str, now: datetime, *,
    by: By,
) -> list[Watcher]:  # fmt: skip
    change(db, ticket_id, watcher, now, by=by)
    return watching.of_ticket(db, ticket_id)


def _shown(found: list[Watcher]) -> WatchersOut:
    return WatchersOut(items=[WatcherOut.of(each) for each in found])


async def _colleague(desk: ApiState, name: str) -> str:
    """The address of whoever has this name.

    Raises:
        NotAColleague: nobody, or several.
    """
    named = (await desk.db.read(people.roster)).named()
    found = named.get(name.strip().replace("：", ":").casefold(), [])
    if len(found) != 1:
        raise NotAColleague(name, found)
    return found[0]
