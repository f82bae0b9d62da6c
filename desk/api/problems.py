"""Errors as RFC 9457 problem details: a stable `error_id`, one sentence, and the mend."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from desk.errors import (
    BadFields,
    CallHasTicket,
    ConfirmationRefused,
    DatabaseError,
    DeskError,
    HandoverRefused,
    NotFound,
    NotLinkable,
    NotPossibleNow,
    NotSplittable,
    Refused,
    RoleNotAllowed,
    TransitionIncomplete,
    TransitionRefused,
    Unacceptable,
    VersionConflict,
)
from desk.routing.errors import BadRules, BadSample

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 2


class Versions(BaseModel):
    """Why a write was refused: somebody else was faster."""

    expected: int = Field(description="the one that If-Match named")
    current: int = Field(description="the one that the record is at")


class ProblemDetails(BaseModel):
    """Why a request was not served (RFC 9457, `application/problem+json`)."""

    type: str = Field(description="`urn:huisheng:problem:` and the error_id")
    error_id: str = Field(description="stable name of the error, for programs")
    title: str = Field(description="the kind of error in a few words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what is wrong, in one sentence")
    mend: str = Field(description="what to do about it")
    errors: list[str] = Field(default=[], description="one sentence per wrong parameter")
    versions: Versions | None = Field(default=None, description="with 412")


class Problem(Exception):  # noqa: N818 - the RFC's word
    """Ends a request with a problem response."""

    def __init__(
        self,
        status: int,
        error_id: str,
        title: str,
        detail: str,
        mend: str,
        *,
        headers: dict[str, str] | None = None,
        errors: Sequence[str] = (),
        versions: Versions | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.body = ProblemDetails(
            type=f"urn:huisheng:problem:{error_id}",
            error_id=error_id,
            title=title,
            status=status,
            detail=detail,
            mend=mend,
            errors=list(errors),
            versions=versions,
        )

    def response(self) -> JSONResponse:
        """The HTTP response."""
        return JSONResponse(
            self.body.model_dump(exclude_none=True),
            self.status,
            headers=self.headers,
            media_type="application/problem+json",
        )


def not_found(what: str, mend: str) -> Problem:
    """404."""
    return Problem(404, "not-found", "Not found", f"There is no {what}.", mend)


def of_desk_error(error: DeskError) -> Problem:
    """The response to an error of the desk."""
    detail = str(error)
    if isinstance(error, NotFound):
        return Problem(404, error.error_id, "Not found", detail, "Check the id.")
    if isinstance(error, NotPossibleNow):
        return Problem(409, error.error_id, "Not possible now", error.detail, error.mend)
    if isinstance(error, VersionConflict):
        return Problem(
            412,
            error.error_id,
            "Changed meanwhile",
            detail,
            "Read it again, and repeat the change with the new version if it is still right.",
            headers={"ETag": f'"{error.found}"'},
            versions=Versions(expected=error.expected, current=error.found),
        )
    if isinstance(error, RoleNotAllowed):
        return Problem(403, error.error_id, "Not for this role", detail, "Ask who may.")
    if isinstance(error, TransitionIncomplete):
        return Problem(
            422, error.error_id, "Incomplete", detail, "Give what `errors` names.",
            errors=error.missing,
        )  # fmt: skip
    if isinstance(error, BadRules):
        return Problem(
            422, error.error_id, "Bad rules", "The rule set cannot become active.",
            "Mend what `errors` names; docs/routing.md describes every part.",
            errors=[str(each) for each in error.findings],
        )  # fmt: skip
    if isinstance(error, BadSample):
        return Problem(
            422, error.error_id, "Bad sample", "The sample names what is no fact.",
            "GET /api/v1/routing/facts lists them.", errors=error.problems,
        )  # fmt: skip
    if isinstance(error, BadFields):
        return Problem(
            422, error.error_id, "Bad fields", detail, "GET /api/v1/ticket-types names each field.",
            errors=error.problems,
        )  # fmt: skip
    if isinstance(error, Unacceptable):
        return Problem(
            422, error.error_id, "Unacceptable", detail, "Correct the request and send it again.",
            errors=error.problems,
        )  # fmt: skip
    if isinstance(error, Refused):
        return Problem(409, error.error_id, "Not possible", detail, "Read it again; see the docs.")
    if isinstance(error, ConfirmationRefused):
        return Problem(
            422,
            error.error_id,
            "No confirmation",
            detail,
            "Ask the customer again; docs/api.md.",
        )
    refused = TransitionRefused | NotLinkable | NotSplittable | HandoverRefused | CallHasTicket
    if isinstance(error, refused):
        return Problem(
            409, error.error_id, "Not from here", detail, "Read the ticket; see docs/lifecycle.md."
        )
    if error.retryable:
        return Problem(
            503,
            error.error_id,
            "Not possible at present",
            detail,
            "Try again in a few seconds.",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    if isinstance(error, DatabaseError):
        return Problem(500, error.error_id, "Database error", detail, "Run huisheng doctor.")
    return Problem(400, error.error_id, "Not possible", detail, "Correct the request.")


def install(app: FastAPI) -> None:
    """Make every error response of `app` a problem."""

    @app.exception_handler(Problem)
    async def _problem(_request: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(DeskError)
    async def _desk(request: Request, error: DeskError) -> JSONResponse:
        problem = of_desk_error(error)
        if problem.status >= 500:
            log.warning("request failed", path=request.url.path, error_id=error.error_id)
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return Problem(
            422,
            "invalid-request",
            "Invalid request",
            "A parameter is wrong.",
            "Correct what `errors` names; /docs describes every parameter.",
            errors=[_sentence(found) for found in error.errors()],
        ).response()

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        error_id = {404: "not-found", 405: "method-not-allowed"}.get(
            error.status_code, "http-error"
        )
        return Problem(
            error.status_code,
            error_id,
            str(error.detail),
            f"{request.method} {request.url.path[:200]} is not served here.",
            "See /docs for what there is.",
            headers=dict(error.headers) if error.headers else None,
        ).response()

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> JSONResponse:
        log.error("request failed", path=request.url.path, exc_info=error)
        return Problem(
            500,
            "internal-error",
            "Internal error",
            "The request failed for a reason that is not its own.",
            "Look into the log; the error stands there.",
        ).response()


def _sentence(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"][1:]) or "request"
    return f"{place}: {error['msg']}"
