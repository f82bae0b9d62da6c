"""The table of rooms: everything under /api/v1."""

from fastapi import APIRouter

from desk.api import agents, call_control, calls, customers, events, recordings, tickets

router = APIRouter()
for _room in (calls, call_control, recordings, agents, tickets, customers, events):
    router.include_router(_room.router)
