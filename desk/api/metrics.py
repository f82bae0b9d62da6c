"""Prometheus metrics of the desk and its API."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import Connection, func, literal_column, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk import outbox
from desk.db.schema import calls, recordings, tickets
from desk.outbox import Counts
from desk.tickets import progress_calls
from desk.timeline import last_seq

_LIVE = select(func.count()).select_from(calls).where(calls.c.ended_at.is_(None))
_TICKETS = select(tickets.c.status, func.count()).group_by(tickets.c.status)
_IS_KEPT = recordings.c.deleted_at.is_(None)
_RECORDINGS = select(recordings.c.kind, func.count()).where(_IS_KEPT).group_by(recordings.c.kind)
_UNTRANSCRIBED = (
    select(func.count())
    .select_from(recordings)
    .where(recordings.c.state == literal_column("'recorded'"), _IS_KEPT)  # the partial index
)


_DAY = timedelta(days=1)


class Metrics:
    """The desk's own figures. Others may register theirs in the same registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.requests = Counter(
            "huisheng_http_requests",
            "Requests served, by route, method and status",
            ["route", "method", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "huisheng_http_request_seconds",
            "Time to the first byte of the response, by route",
            ["route"],
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=registry,
        )
        self.stream_clients = _gauge(registry, "stream_clients", "Clients of the event stream")
        self.database_waiting = _gauge(registry, "database_waiting", "Units of work that wait")
        self._up = _gauge(registry, "desk_up", "1 while the database answers")
        self._live = _gauge(registry, "calls_live", "Calls that have begun and not ended")
        self._seq = _gauge(registry, "timeline_seq", "Newest entry of the timeline")
        self._tickets = _gauge(registry, "tickets", "Tickets by status", "status")
        self._pending = _gauge(registry, "outbox_pending", "Entries to deliver", "target")
        self._dead = _gauge(registry, "outbox_dead", "Dead letters", "target")
        self._kept = _gauge(registry, "recordings_kept", "Recordings by kind", "kind")
        self._told = _gauge(
            registry,
            "progress_calls",
            "Callers who were told of their case by the line, in the last day, by outcome",
            "outcome",
        )
        self._alone = _gauge(
            registry, "progress_calls_without_agent", "Those of them who needed no agent"
        )
        self._untranscribed = _gauge(
            registry, "transcripts_waiting", "Recordings that wait to be transcribed"
        )

    def show(self, found: "Figures | None") -> bytes:
        """The text format, with the database's figures as just read; None: it does not answer, and
        a figure of before would be taken for one of now.
        """
        self._up.set(found is not None)
        for labelled in (self._tickets, self._pending, self._dead, self._kept, self._told):
            labelled.clear()
        for plain in (self._live, self._seq, self._untranscribed, self._alone):
            plain.set(math.nan)
        if found is not None:
            self._tell(found)
        return generate_latest(self._registry)

    def _tell(self, found: "Figures") -> None:
        self._live.set(found.live)
        self._seq.set(found.seq)
        self._untranscribed.set(found.untranscribed)
        self._alone.set(found.progress.without_agent)
        for outcome, count in found.progress.outcomes.items():
            self._told.labels(outcome.value).set(count)
        for status, count in found.tickets.items():
            self._tickets.labels(status).set(count)
        for kind, count in found.recordings.items():
            self._kept.labels(kind).set(count)
        for target, counts in found.targets.items():
            self._pending.labels(target).set(counts.pending)
            self._dead.labels(target).set(counts.dead)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database says: tickets by status, recordings by kind, deliveries by target, callers
    of the last day whom the line told of their case.
    """

    live: int
    seq: int
    untranscribed: int
    tickets: dict[str, int]
    recordings: dict[str, int]
    targets: dict[str, Counts]
    progress: progress_calls.Figures


def figures(db: Connection, now: datetime) -> Figures:
    """Read the figures."""
    return Figures(
        live=db.execute(_LIVE).scalar_one(),
        seq=last_seq(db),
        untranscribed=db.execute(_UNTRANSCRIBED).scalar_one(),
        tickets={status: count for status, count in db.execute(_TICKETS)},  # noqa: C416
        recordings={kind: count for kind, count in db.execute(_RECORDINGS)},  # noqa: C416
        targets=outbox.counts(db),
        progress=progress_calls.figures(db, now - _DAY, now),
    )


class MeasureRequests:
    """ASGI middleware: counts requests, and adds the headers that every response carries, unless it
    has its own.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and note how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.requests.labels(route, scope["method"], message["status"]).inc()
                self._metrics.seconds.labels(route).observe(perf_counter() - began)
                own = {name for name, _ in message["headers"]}
                added = (header for header in _HEADERS if header[0] not in own)
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, measured)


_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
            b"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
]


def _gauge(registry: CollectorRegistry, name: str, what: str, *labels: str) -> Gauge:
    return Gauge(f"huisheng_{name}", what, labels, registry=registry)
