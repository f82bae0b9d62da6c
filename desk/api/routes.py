"""The table of rooms: everything under /api/v1."""

from fastapi import APIRouter

from desk.api import (
    accounts,
    agents,
    api_tokens,
    attachments,
    bulk,
    call_control,
    calls,
    customers,
    events,
    notices,
    recordings,
    rollout,
    routing,
    session,
    sla,
    surveys,
    templates,
    ticket_routing,
    ticket_steps,
    ticket_together,
    tickets,
    views,
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
    bulk,
    ticket_routing,
    tickets,
    sla,
    routing,
    rollout,
    ticket_steps,
    ticket_together,
    customers,
    attachments,
    templates,
    views,
    events,
    watchers,
    notices,
    surveys,
):
    router.include_router(_room.router)
