"""What the rooms of the API share: the errors every path may give, and common parameters."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from desk.api.access import storable_request
from desk.api.answering import Answering
from desk.api.problems import ProblemDetails
from desk.api.state import ApiState, state_of
from desk.region import locate

MOST_ID = 2**62  # what both databases hold


def described(errors: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """Problem responses as FastAPI wants them, from status to what it means."""
    return {
        status: {"model": ProblemDetails, "description": what} for status, what in errors.items()
    }


_ERRORS = described(
    {
        400: "a character that cannot be stored, or a bad Idempotency-Key",
        401: "no valid token or session",
        403: "the token lacks the scope, or the operation is not for the role",
        409: "another request with this Idempotency-Key is being served, or its answer was lost",
        422: "a parameter is wrong, or the Idempotency-Key was used for another request",
        429: "too many requests; try again after `Retry-After` seconds",
        503: "not possible at present; try again after `Retry-After` seconds",
    }
)
MISSING = described({404: "there is none"})
CONTROL_ERRORS = described(
    {
        404: "no such live call, or no such agent",
        409: "not possible in the state that the call or the agent is in; nothing changed",
        504: "the line did not answer in time; it may still have happened",
    }
)

Desk = Annotated[ApiState, Depends(state_of)]
Limit = Annotated[int, Query(ge=1, le=100, description="results on a page")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the page before")]
Number = Annotated[
    str | None,
    Query(max_length=40, description="a telephone number in any form that a caller id has"),
]
Id = Annotated[int, Path(ge=1, le=MOST_ID)]
AnyId = Annotated[int | None, Query(ge=1, le=MOST_ID)]
Text = Annotated[str | None, Query(min_length=1, max_length=100)]
CallId = Annotated[str, Path(max_length=150, description="the call's id")]


def room(tag: str) -> APIRouter:
    """A router for the paths of one room under /api/v1."""
    return APIRouter(
        prefix="/api/v1",
        tags=[tag],
        responses=_ERRORS,
        dependencies=[Depends(storable_request)],
        route_class=Answering,
    )


def e164(number: str | None) -> str | None:
    """A number as it is stored; what is none stays as it is, and finds nothing."""
    if number is None:
        return None
    return locate(number).e164 or number
