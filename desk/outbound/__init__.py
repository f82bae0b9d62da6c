"""Calls that the desk wants placed: to confirm a solution, by an agent's click, at an agreed time,
or again after a while.

The desk holds what is wanted and what became of it; who has a trunk places the calls. Every call
over the trunk is an attempt, whose id is its channel's, and `limits` bounds them all together.
"""

from desk.outbound.attempts import Attempt, NewAttempt
from desk.outbound.chores import outbound_chores
from desk.outbound.confirming import request_confirmation
from desk.outbound.errors import NoSuchRequest, NoSuchRevisit, NotDialled, RequestEnded
from desk.outbound.limits import WHY, Alarm, Cause, Switch
from desk.outbound.marks import Mark
from desk.outbound.mobiles import Mobile
from desk.outbound.ordering import Order
from desk.outbound.requests import BY_AGENTS, NewRequest, Request
from desk.outbound.revisits import Revisit, Visit
from desk.outbound.settings import ConfirmSettings, LimitSettings, OutboundSettings

__all__ = [
    "BY_AGENTS",
    "WHY",
    "Alarm",
    "Attempt",
    "Cause",
    "ConfirmSettings",
    "LimitSettings",
    "Mark",
    "Mobile",
    "NewAttempt",
    "NewRequest",
    "NoSuchRequest",
    "NoSuchRevisit",
    "NotDialled",
    "Order",
    "OutboundSettings",
    "Request",
    "RequestEnded",
    "Revisit",
    "Switch",
    "Visit",
    "outbound_chores",
    "request_confirmation",
]
