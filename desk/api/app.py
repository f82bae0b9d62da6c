"""The application: routes, errors, metrics and pages around an open database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import metadata
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.staticfiles import StaticFiles

from desk.accounts import Terms
from desk.api import description, health, page, problems, public, routes
from desk.api.bodies import BoundBodies
from desk.api.control import CallControl, NoControl
from desk.api.feed import Feed
from desk.api.limits import Limits
from desk.api.line import LineStatus, NoLine
from desk.api.metrics import MeasureRequests, Metrics
from desk.api.public import PublicPages
from desk.api.state import ApiState
from desk.db.engine import Database
from desk.messages import MessageSettings, Templates
from desk.outbound import OutboundSettings
from desk.recordings import Store
from desk.settings import ApiSettings
from desk.teamwork.shelf import Shelf
from desk.tokens import SCOPES

_DESCRIPTION = (
    "Read calls live and past, tickets, customers and the timeline of the 400 line, follow "
    "everything as it happens, set agents' states and act on calls in progress. Every path under "
    "/api/v1 needs `Authorization: Bearer hs_…` with the scope it names; `huisheng token create` "
    "makes tokens. Callers' numbers and names are masked unless the token has the scope "
    "`unmasked`. Moments are UTC. Errors are problem details (RFC 9457) with a stable `error_id`. "
    "Lists are paged: pass `next` as `cursor`. Scopes: "
    + "; ".join(f"`{scope}`: {what}" for scope, what in SCOPES.items())
    + "."
)


def _clock() -> datetime:
    return datetime.now(UTC)


def create_app(
    db: Database,
    *,
    settings: ApiSettings | None = None,
    line: LineStatus | None = None,
    control: CallControl | None = None,
    feed: Feed | None = None,
    recordings: Store | None = None,
    attachments: Shelf | None = None,
    registry: CollectorRegistry | None = None,
    public_pages: PublicPages | None = None,
    messages: Templates | None = None,
    outbound: OutboundSettings | None = None,
    now: Callable[[], datetime] = _clock,
    timezone: tzinfo = UTC,
) -> FastAPI:
    """The ASGI application.

    Args:
        db: open, and left open.
        line: the telephone line as this process sees it; None in a process without one.
        control: what acts on agents and calls (the same object as `line`, or another); None in a
            process that serves no calls.
        feed: the event stream, where others publish to it too; its places bound the clients.
        timezone: in which the page shows moments.
        recordings: the recordings' files; None where this process has none.
        attachments: the files on tickets, likewise.
        public_pages: what customers open by links; None: this process shows them none.
        messages: what customers are told by SMS and e-mail; None: what comes along.
        outbound: how calls to customers are set; None: there is no trunk for any.
        registry: where the metrics are registered; it is shown whole under /metrics.
    """
    settings = settings or ApiSettings()
    feed = feed or Feed(db, settings.stream_clients)
    metrics = Metrics(registry if registry is not None else CollectorRegistry())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(feed.run(), name="huisheng-feed")
        try:
            yield
        finally:
            feed.close()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    app = FastAPI(
        title="回声 Huisheng",
        version=metadata.version("huisheng"),
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's own pages load from other people's servers
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.desk = ApiState(
        db,
        line or NoLine(),
        control or NoControl(),
        settings,
        feed,
        metrics,
        now,
        timezone,
        Limits(settings.limits.requests, settings.limits.failures, settings.limits.logins),
        Terms(
            timedelta(hours=settings.sessions.hours),
            timedelta(hours=settings.sessions.idle_hours),
        ),
        messages or Templates(MessageSettings(), ""),
    )
    app.state.recordings = recordings
    app.state.attachments = attachments
    app.state.outbound = outbound or OutboundSettings()
    app.state.public = public_pages
    problems.install(app)
    description.install(app)
    app.add_middleware(BoundBodies)
    app.add_middleware(MeasureRequests, metrics=metrics)
    app.include_router(routes.router)
    app.include_router(health.router)
    app.include_router(page.router)
    if public_pages is not None:
        app.include_router(public.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    return app
