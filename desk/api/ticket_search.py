"""What a list of tickets is asked for: the conditions, within what the asker may read."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Query

from desk import tickets
from desk.access.within import tickets_within
from desk.api.access import Reader, reader
from desk.api.room import AnyId, Number, Text, e164
from desk.tickets import Ticket

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]


async def searching(
    who: Allowed,
    status: Annotated[str | None, Query(max_length=30)] = None,
    type: Annotated[str | None, Query(max_length=60)] = None,  # noqa: A002 - the parameter's name
    customer_id: AnyId = None,
    region: Annotated[
        str | None, Query(max_length=40, description="an area code, a province or a city")
    ] = None,
    number: Number = None,
    text: Annotated[
        Text,
        Query(
            description="a ticket number in any form, or words, each of which is in the ticket's "
            "texts, the customer's name or company, or is the end of the caller's number"
        ),
    ] = None,
    said: Annotated[
        str | None, Query(min_length=1, max_length=100, description="a part of what was said")
    ] = None,
    team: Annotated[str | None, Query(max_length=60)] = None,
    assignee: Annotated[str | None, Query(max_length=100)] = None,
    going_on: Annotated[bool | None, Query(description="has not ended")] = None,
    void_check: Annotated[str | None, Query(max_length=10, description="wanted, passed")] = None,
) -> Callable[..., list[Ticket]]:
    """A dependency: `tickets.search` with the conditions of the query, for this asker."""
    return partial(
        tickets.search,
        status=status,
        type=type,
        customer_id=customer_id,
        region=region,
        phone=e164(number),
        text=text,
        said=said,
        team=team,
        assignee=assignee,
        going_on=going_on,
        void_check=void_check,
        within=tickets_within(who.principal, who.reach),
        masked=who.masked,
    )


Search = Annotated[Callable[..., list[Ticket]], Depends(searching)]
