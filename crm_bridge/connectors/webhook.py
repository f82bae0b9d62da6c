"""A signed webhook after Standard Webhooks 1.0 (standardwebhooks.com), by its own library."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from standardwebhooks import Webhook

from crm_bridge.connectors.posting import Poster
from crm_bridge.message import encode, message_id
from crm_bridge.outcome import Accepted, Gone, Outcome, Rejected, Unavailable
from crm_bridge.settings import WebhookTarget
from desk.outbox import Delivery

ABOUT_THE_ENTRY = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Answers that speak of what was sent. All other 4xx speak of the set-up (address, secret,
permission): every entry would fail, so they wait until somebody mends it."""


class WebhookConnector:
    """Posts entries to one URL."""

    def __init__(self, target: WebhookTarget, secret: str, connections: int) -> None:
        self._url = str(target.url)
        self._signer = Webhook(secret)
        self._poster = Poster(target.deadline_seconds, connections)

    @property
    def deadline_seconds(self) -> float:
        """How long a push may take."""
        return self._poster.deadline_seconds

    async def push(self, delivery: Delivery, now: datetime) -> Outcome:
        """Post the entry, signed at `now`; the whole exchange takes at most the deadline."""
        text = encode(delivery)
        headers = {
            "content-type": "application/json",
            "webhook-id": (identity := message_id(delivery)),
            "webhook-timestamp": str(math.floor(now.timestamp())),
            "webhook-signature": self._signer.sign(identity, now.astimezone(UTC), text),
        }
        answer = await self._poster.post(self._url, text.encode(), headers)
        if isinstance(answer, Unavailable):
            return answer
        return classify(answer.status, answer.said, answer.retry_after, answer.location, now)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._poster.aclose()


def classify(
    status: int, said: str, retry_after: str | None, location: str | None, now: datetime
) -> Outcome:
    """The outcome that an HTTP answer means."""
    error = f"HTTP {status} {said}".strip()
    if 200 <= status < 300:
        return Accepted()
    if status == HTTPStatus.GONE:
        return Gone(error)
    if 300 <= status < 400:
        return Unavailable(f"HTTP {status}: it redirects to {location}; put that address as url")
    if status in ABOUT_THE_ENTRY:
        return Rejected(error)
    return Unavailable(error, seconds_asked(retry_after, now))


def seconds_asked(header: str | None, now: datetime) -> float | None:
    """A Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3); None if neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
