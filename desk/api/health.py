"""Health and metrics, for the machine's own supervision; they need no token and name nobody."""

import asyncio
import contextlib
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from desk.api.line import Finding
from desk.api.metrics import Figures, figures
from desk.api.state import ApiState, state_of
from desk.errors import DeskError
from desk.timeline import last_seq

SECONDS = 2.0

router = APIRouter(tags=["health"])
Desk = Annotated[ApiState, Depends(state_of)]


class FindingOut(BaseModel):
    """One check."""

    name: str
    ok: bool
    detail: str
    mend: str = Field(description="what to do where it is not ok")
    needed: bool = Field(description="whether callers cannot be served without it")


class Readiness(BaseModel):
    """Whether calls can be served, and what stands in the way."""

    ready: bool = Field(description="whether everything that is needed is ok")
    findings: list[FindingOut]


@router.get("/healthz")
async def alive() -> dict[str, Any]:
    """200 as long as the process answers at all."""
    return {"alive": True}


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(desk: Desk) -> JSONResponse:
    """200 when database and line can serve calls, else 503. Either way the findings tell what is
    wrong and the mend: of what is not `needed`, callers notice nothing.
    """
    findings = [await _database(desk), *await line_findings(desk)]
    body = Readiness(
        ready=all(finding.ok for finding in findings if finding.needed),
        findings=[FindingOut(**asdict(finding)) for finding in findings],
    )
    return JSONResponse(body.model_dump(), 200 if body.ready else 503)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(desk: Desk) -> Response:
    """Prometheus's text format. What the database would say is left out while it does not."""
    found: Figures | None = None
    with contextlib.suppress(DeskError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            found = await desk.db.read(figures, desk.now())
    desk.metrics.stream_clients.set(desk.feed.clients)
    desk.metrics.database_waiting.set(desk.db.waiting)
    return Response(desk.metrics.show(found), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _database(desk: ApiState) -> Finding:
    try:
        async with asyncio.timeout(SECONDS):
            seq = await desk.db.read(last_seq)
    except (DeskError, TimeoutError) as error:
        return Finding("database", False, str(error) or "no answer", "Run huisheng doctor.")
    if not desk.feed.open:
        return Finding("events", False, "the event stream has ended", "Restart; see the log.")
    return Finding("database", True, f"{desk.db.dialect}, timeline at {seq}")


async def line_findings(desk: ApiState) -> list[Finding]:
    """The line's own checks, or the finding that it does not answer."""
    try:
        async with asyncio.timeout(SECONDS):
            return list(await desk.line.findings())
    except TimeoutError:
        return [Finding("line", False, "no answer within 2 s", "Run huisheng doctor.")]
