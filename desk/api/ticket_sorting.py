"""Pages of tickets, in whatever order they come."""

from collections.abc import Callable

from sqlalchemy import Connection

from desk.api.paging import bad_cursor, from_cursor, to_cursor
from desk.tickets import Ticket
from desk.tickets.sorting import Place, Sort, place_in, place_of


def page_of(
    db: Connection, search: Callable[..., list[Ticket]], limit: int, sort: Sort, cursor: str | None
) -> tuple[list[Ticket], str | None]:
    """A page of what `search(db, limit=…, sort=…, after=…)` finds, and the cursor of the next one.

    Raises:
        Problem: the cursor is not one of this order.
    """
    found = search(db, limit=limit + 1, sort=sort, after=_after(cursor, sort))
    if len(found) <= limit:
        return found, None
    return found[:limit], to_cursor(place_of(db, found[limit - 1], sort))


def _after(cursor: str | None, sort: Sort) -> Place | None:
    text = from_cursor(cursor)
    if text is None:
        return None
    try:
        return place_in(text, sort)
    except ValueError as error:
        raise bad_cursor() from error
