"""The table of rooms: everything under /api/v1."""

from fastapi import APIRouter

from desk.api import (
    accounts,
    agents,
    api_tokens,
    call_control,
    calls,
    customers,
    events,
    notices,
    recordings,
    session,
    sla,
    surveys,
    ticket_steps,
    ticket_together,
    tickets,
    watchers,
)

router = APIRouter()
for _room in (
    session,
    accounts,
    api_tokens,
    calls,
    call_control,
    recordings,
    agents,
    tickets,
    sla,
    ticket_steps,
    ticket_together,
    customers,
    events,
    watchers,
    notices,
    surveys,
):
    router.include_router(_room.router)
