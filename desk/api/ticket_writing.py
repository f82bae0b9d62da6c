"""What every change of a ticket over the API has in common: who acts, and which version was seen.

A change names the version that it is based on: `If-Match: "3"`, from the `ETag` of the last
answer. Without it 428, with an old one 412 and both versions. Adding notes and links changes no
version and needs none.
"""

import re
from collections.abc import Callable
from typing import Annotated, Concatenate, ParamSpec

from fastapi import Depends, Header, Path
from sqlalchemy import Connection
from starlette.responses import Response

from desk.api.access import Reader, reader
from desk.api.problems import Problem, not_found
from desk.api.room import described
from desk.api.state import ApiState
from desk.api.ticket_models import TicketOut
from desk.tickets import By, Role, Ticket, by_number, id_of

P = ParamSpec("P")

CHANGE_ERRORS = described(
    {
        400: "If-Match is not one version",
        404: "no such ticket, or nothing of what it names",
        409: "not possible in the ticket's status; nothing changed",
        412: "somebody changed the ticket since; `versions` has both",
        428: "If-Match is missing",
    }
)
ADD_ERRORS = described({404: "no such ticket", 409: "not possible; nothing changed"})
_ETAG = re.compile(r'"([1-9][0-9]{0,8})"')


async def if_match(
    given: Annotated[
        str | None,
        Header(alias="If-Match", max_length=100, description='the version seen, like "3"'),
    ] = None,
) -> int:
    """A dependency: the version that the writer has seen."""
    if given is None:
        raise Problem(
            428,
            "if-match-missing",
            "Version missing",
            "A change of a ticket says which version it is based on.",
            'Read the ticket and send its ETag: If-Match: "3".',
        )
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise Problem(
            400,
            "bad-if-match",
            "Bad version",
            "If-Match is not one version.",
            'Send the ETag of the ticket as it came: If-Match: "3".',
        )
    return int(found[1])


Named = Annotated[str, Path(max_length=30, description="the ticket's number")]


async def ticket_id(number: Named) -> int:
    """A dependency: the id behind a ticket's number."""
    found = id_of(number)
    if found is None:
        raise no_such_ticket(number)
    return found


def no_such_ticket(number: str) -> Problem:
    """404."""
    return not_found(f"ticket {number!r}", "A digit may be wrong: the last one checks the rest.")


TicketId = Annotated[int, Depends(ticket_id)]
Expected = Annotated[int, Depends(if_match)]
Writer = Annotated[Reader, Depends(reader("tickets:write"))]
Supervisor = Annotated[Reader, Depends(reader("tickets:override"))]


def by(who: Reader) -> By:
    """Who acts, by the token: a supervisor with `tickets:override`, otherwise an agent."""
    overrides = who.token.allows("tickets:override")
    return By(who.token.name, Role.SUPERVISOR if overrides else Role.AGENT)


def shown(ticket: Ticket, who: Reader, response: Response) -> TicketOut:
    """The ticket, with its version as ETag."""
    response.headers["ETag"] = f'"{ticket.version}"'
    return TicketOut.of(ticket, who.masked)


async def change(
    desk: ApiState,
    who: Reader,
    response: Response,
    work: Callable[Concatenate[Connection, P], Ticket],
    *args: P.args,
    **kwargs: P.kwargs,
) -> TicketOut:
    """Do it in one transaction; the ticket as it is afterwards."""
    return shown(await desk.db.write(work, *args, **kwargs), who, response)


async def must_exist(desk: ApiState, number: str) -> Ticket:
    """The ticket with this number.

    Raises:
        Problem: there is none.
    """
    ticket = await desk.db.read(by_number, number)
    if ticket is None:
        raise no_such_ticket(number)
    return ticket
