"""视图: lists of tickets that are often looked at, kept under a name, for one or for a team."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from desk.db.schema.teamwork import views
from desk.db.types import moment
from desk.errors import NotFound, Refused, VersionConflict
from desk.text import canonical, parsed, storable
from desk.tickets.sorting import Sort
from desk.tickets.states import STATUSES

MOST = 100
ME, MY_TEAM = "@me", "@mine"

Word = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]
StatusKey = Literal[
    "accepted", "assigned", "in_progress", "waiting_customer", "escalated", "resolved", "closed",
    "reopened", "void", "merged",
]  # fmt: skip
assert set(StatusKey.__args__) == set(STATUSES)  # type: ignore[attr-defined] # noqa: S101


class Filters(BaseModel):
    """What the tickets of a view have in common. What is left out is any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: list[StatusKey] = Field([], max_length=10, description="one of these")
    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")] | None = None
    level: Annotated[int, Field(ge=0, le=4)] | None = Field(None, description="0: none yet")
    region: Word | None = Field(None, description="an area code, a province or a city")
    label: Word | None = None
    team: Word | None = Field(None, description=f"{MY_TEAM}: that of whoever looks")
    assignee: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description=f"{ME}: whoever looks"
    )
    text: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    going_on: bool | None = Field(None, description="has not ended")
    void_check: Literal["wanted", "passed"] | None = Field(
        None, description="wanted: a supervisor is to look whether 作废 was right"
    )
    watched: bool = Field(False, description="whoever looks watches it")


class NoSuchView(NotFound):
    """No view with this id that the asker may use."""

    error_id = "no-such-view"

    def __init__(self, view_id: int) -> None:
        super().__init__(f"no view with id {view_id}; GET /api/v1/views lists them")
        self.view_id = view_id


class ViewRefused(Refused):
    """The view cannot be kept or changed like this."""

    error_id = "view-refused"


@dataclass(frozen=True, slots=True)
class NewView:
    """A view to keep. `team`: who else sees it; `""`: nobody."""

    name: str
    filters: Filters
    sort: Sort = "newest"
    team: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A view that is kept; only its owner changes it."""

    id: int
    owner: str
    name: str
    team: str
    filters: Filters
    sort: Sort
    version: int
    updated_at: datetime


def create(db: Connection, owner: str, new: NewView, now: datetime) -> View:
    """Keep a view.

    Raises:
        ViewRefused: the owner has one of this name, or 100.
        ValueError: it has no name.
    """
    mine = select(func.count()).select_from(views).where(views.c.owner == owner)
    if db.execute(mine).scalar_one() >= MOST:
        raise ViewRefused(f"{MOST} views are kept for you already; delete one")
    row = _row(new, now) | {"owner": owner, "version": 1}
    try:
        with db.begin_nested():
            made: Any = db.execute(insert(views), row).inserted_primary_key
    except IntegrityError as error:
        raise ViewRefused(f"you have a view {row['name']!r} already; change that one") from error
    return View(made[0], owner, row["name"], row["team"], new.filters, new.sort, 1, now)


def change(
    db: Connection, view_id: int, owner: str, new: NewView, now: datetime, *, expected_version: int
) -> View:
    """Change one's own view.

    Raises:
        NoSuchView: the owner has none with this id.
        ViewRefused: the owner has another one of this name.
        VersionConflict: it was changed meanwhile.
        ValueError: it has no name.
    """
    found = _own(db, view_id, owner, expected_version)
    row = _row(new, now) | {"version": found.version + 1}
    try:
        with db.begin_nested():
            db.execute(update(views).where(views.c.id == view_id).values(row))
    except IntegrityError as error:
        raise ViewRefused(f"you have a view {row['name']!r} already; change that one") from error
    return replace(
        found, name=row["name"], team=row["team"], filters=new.filters, sort=new.sort,
        version=found.version + 1, updated_at=now,
    )  # fmt: skip


def remove(db: Connection, view_id: int, owner: str, *, expected_version: int) -> None:
    """Delete one's own view.

    Raises:
        NoSuchView, VersionConflict: see `change`.
    """
    _own(db, view_id, owner, expected_version)
    db.execute(delete(views).where(views.c.id == view_id))


def get(db: Connection, view_id: int, owner: str, team: str) -> View:
    """A view of one's own, or one that is shared with one's team.

    Raises:
        NoSuchView: there is none with this id.
    """
    row = db.execute(select(views).where(views.c.id == view_id, _usable(owner, team))).first()
    if row is None:
        raise NoSuchView(view_id)
    return _view(row)


def listed(db: Connection, owner: str, team: str) -> list[View]:
    """One's own views and those shared with one's team, by name, at most 200."""
    query = select(views).where(_usable(owner, team)).order_by(views.c.name, views.c.id)
    return [_view(row) for row in db.execute(query.limit(2 * MOST))]


def _usable(owner: str, team: str) -> Any:
    own = views.c.owner == owner
    return or_(own, views.c.team == team) if team else own


def _own(db: Connection, view_id: int, owner: str, expected_version: int) -> View:
    row = db.execute(
        select(views).where(views.c.id == view_id, views.c.owner == owner).with_for_update()
    ).first()
    if row is None:
        raise NoSuchView(view_id)
    if row.version != expected_version:
        raise VersionConflict(f"view {row.name}", row.version, expected_version)
    return _view(row)


def _row(new: NewView, now: datetime) -> dict[str, Any]:
    name = storable(new.name.strip(), 100)
    if not name:
        raise ValueError("a view has a name; give one")
    return {
        "name": name,
        "team": storable(new.team.strip(), 60),
        "filters": canonical(new.filters.model_dump(mode="json", exclude_defaults=True)),
        "sort": new.sort,
        "updated_at": now,
    }


def _view(row: Any) -> View:
    filters = Filters.model_validate(parsed(row.filters))
    return View(
        row.id, row.owner, row.name, row.team, filters, row.sort, row.version,
        moment(row.updated_at),
    )  # fmt: skip
