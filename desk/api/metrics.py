"""Prometheus metrics of the desk and its API."""

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import Connection, func, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk import outbox
from desk.db.schema import calls, tickets
from desk.outbox import Counts
from desk.timeline import last_seq

_LIVE = select(func.count()).select_from(calls).where(calls.c.ended_at.is_(None))
_TICKETS = select(tickets.c.status, func.count()).group_by(tickets.c.status)


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
        self._live = _gauge(registry, "calls_live", "Calls that have begun and not ended")
        self._seq = _gauge(registry, "timeline_seq", "Newest entry of the timeline")
        self._tickets = _gauge(registry, "tickets", "Tickets by status", "status")
        self._pending = _gauge(registry, "outbox_pending", "Entries to deliver", "target")
        self._dead = _gauge(registry, "outbox_dead", "Dead letters", "target")

    def show(self, found: "Figures") -> bytes:
        """The text format, with the database's figures as just read."""
        self._live.set(found.live)
        self._seq.set(found.seq)
        for status, count in found.tickets.items():
            self._tickets.labels(status).set(count)
        for target, counts in found.targets.items():
            self._pending.labels(target).set(counts.pending)
            self._dead.labels(target).set(counts.dead)
        return generate_latest(self._registry)


class Figures:
    """What the database says."""

    def __init__(self, live: int, seq: int, by_status: dict[str, int], targets: dict[str, Counts]):
        self.live = live
        self.seq = seq
        self.tickets = by_status
        self.targets = targets


def figures(db: Connection) -> Figures:
    """Read the figures."""
    by_status = {status: count for status, count in db.execute(_TICKETS)}  # noqa: C416
    live: int = db.execute(_LIVE).scalar_one()
    return Figures(live, last_seq(db), by_status, outbox.counts(db))


class MeasureRequests:
    """ASGI middleware: counts requests, and adds the headers that every response carries."""

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
                message["headers"] = [*message["headers"], *_HEADERS]
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
