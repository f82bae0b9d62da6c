"""What every request about one ticket has in common: who acts, whether it is his to read or to
change, and which version was seen.

A change names the version that it is based on: `If-Match: "3"`, from the `ETag` of the last
answer. Without it 428, with an old one 412 and both versions. Adding notes and links changes no
version and needs none.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Path
from sqlalchemy import Connection
from starlette.responses import Response

from desk.access import Place, Reach, place_of, whose
from desk.access import Role as Office
from desk.api.access import Reader, reader
from desk.api.problems import Problem, not_found
from desk.api.room import Desk, described
from desk.api.state import ApiState
from desk.api.ticket_models import TicketOut
from desk.api.writing import T, Write, Writing
from desk.tickets import By, Role, Ticket, by_number, id_of

R = TypeVar("R")

CHANGE_ERRORS = described(
    {
        400: "If-Match is not one version",
        404: "there is none, or nothing of what it names",
        409: "not possible in the state that it has; nothing changed",
        412: "somebody changed it since; `versions` has both",
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
            "A change says which version it is based on.",
            'Read what you change and send its ETag: If-Match: "3".',
        )
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise Problem(
            400,
            "bad-if-match",
            "Bad version",
            "If-Match is not one version.",
            'Send the ETag of what you change as it came: If-Match: "3".',
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


Expected = Annotated[int, Depends(if_match)]


@dataclass(frozen=True, slots=True)
class OneTicket:
    """A ticket that the asker may read."""

    desk: ApiState
    who: Reader
    ticket: Ticket
    response: Response

    @property
    def masked(self) -> bool:
        """Numbers and names in what belongs to it are masked."""
        return self.who.masks(self.ticket)

    def shown(self) -> TicketOut:
        """The ticket, with its version as ETag."""
        return shown(self.ticket, self.who, self.response)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a ticket that the asker may make.

    Attributes:
        ticket: as it was when the request came.
        seen: the version that the asker has seen; None where the change needs none.
    """

    desk: ApiState
    who: Reader
    ticket: Ticket
    writing: Writing
    now: datetime
    seen: int | None

    @property
    def ticket_id(self) -> int:
        """The ticket's id."""
        return self.ticket.id

    @property
    def masked(self) -> bool:
        """Numbers and names in what belongs to it are masked."""
        return self.who.masks(self.ticket)

    @property
    def by(self) -> By:
        """Who acts."""
        return by(self.who)

    @property
    def response(self) -> Response:
        """What gets headers."""
        return self.writing.response

    async def run(self, work: Callable[..., Ticket], *args: Any, **kwargs: Any) -> TicketOut:
        """Do `work(db, ticket_id, *args, now, by=…, expected_version=…, **kwargs)` in one
        transaction; the ticket as it is afterwards.
        """
        tell = partial(shown, who=self.who, response=self.response)
        return await self.write(tell, work, *args, expected_version=self.seen, **kwargs)

    async def write(
        self, tell: Callable[[R], T], work: Callable[..., R], *args: Any, **kwargs: Any
    ) -> T:
        """Do `work(db, ticket_id, *args, now, by=…, **kwargs)` in one transaction, and return what
        `tell` makes of its result.
        """
        return await self.writing(tell, work, self.ticket.id, *args, self.now, by=self.by, **kwargs)


def readable(scope: str) -> Callable[..., Awaitable[OneTicket]]:
    """A dependency: the path's ticket exists, and the asker may read it with this scope."""

    async def check(
        desk: Desk,
        who: Annotated[Reader, Depends(reader(scope))],
        number: Named,
        response: Response,
    ) -> OneTicket:
        return OneTicket(desk, who, await within_reach(desk, who, number), response)

    return check


def adding(scope: str) -> Callable[..., Awaitable[Change]]:
    """A dependency: the asker may add to the path's ticket, which changes no version."""

    async def check(
        desk: Desk,
        who: Annotated[Reader, Depends(reader(scope))],
        number: Named,
        write: Write,
    ) -> Change:
        ticket = await within_reach(desk, who, number)
        return Change(desk, who, ticket, write, desk.now(), None)

    return check


def changing(scope: str) -> Callable[..., Awaitable[Change]]:
    """A dependency: the asker may change the path's ticket, and says which version he has seen."""

    async def check(change: Annotated[Change, Depends(adding(scope))], seen: Expected) -> Change:
        return replace(change, seen=seen)

    return check


Readable = Annotated[OneTicket, Depends(readable("tickets:read"))]
Changing = Annotated[Change, Depends(changing("tickets:write"))]
Adding = Annotated[Change, Depends(adding("tickets:write"))]
Overriding = Annotated[Change, Depends(changing("tickets:override"))]


async def within_reach(desk: ApiState, who: Reader, number: str) -> Ticket:
    """The ticket with this number, which `who` may use as far as this operation goes for him.

    Raises:
        Problem: there is none, or it is somebody else's.
    """
    found = await desk.db.read(_located, number)
    if found is None:
        raise no_such_ticket(number)
    ticket, place = found
    if who.reach is not Reach.OTHER and whose(place, who.principal) > who.reach:
        raise Problem(
            403,
            "ticket-of-others",
            "Not yours",
            f"Ticket {ticket.number} is somebody else's; for the role {who.principal.role} it goes "
            f"as far as: {who.reach.name.lower()}.",
            "Ask who is in charge, or a supervisor, to assign it to you or your team.",
        )
    return ticket


def by(who: Reader) -> By:
    """Who acts on tickets: a program as an agent, with `tickets:override` as a supervisor."""
    principal = who.principal
    if principal.account_id is None:
        overrides = principal.allows("tickets:override")
        return By(principal.actor, Role.SUPERVISOR if overrides else Role.AGENT, program=True)
    role = Role.AGENT if principal.role is Office.INTEGRATION else Role(principal.role.value)
    return By(principal.actor, role)


def shown(ticket: Ticket, who: Reader, response: Response) -> TicketOut:
    """The ticket, with its version as ETag."""
    response.headers["ETag"] = etag_of(ticket)
    return TicketOut.of(ticket, who.masks(ticket))


def etag_of(ticket: Ticket) -> str:
    """The version as an entity tag, as If-Match names it."""
    return f'"{ticket.version}"'


def _located(db: Connection, number: str) -> tuple[Ticket, Place] | None:
    ticket = by_number(db, number)
    return (ticket, place_of(db, ticket)) if ticket is not None else None
