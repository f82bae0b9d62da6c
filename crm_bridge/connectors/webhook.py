"""A signed webhook after Standard Webhooks 1.0 (standardwebhooks.com), by its own library."""

import io
import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib import metadata

import aiohttp
from standardwebhooks import Webhook

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
_ANSWER_BYTES = 2048
_SHOWN_CHARACTERS = 200


class WebhookConnector:
    """Posts entries to one URL. One connection pool; redirects are not followed."""

    def __init__(self, target: WebhookTarget, secret: str, connections: int) -> None:
        self._url = str(target.url)
        self._deadline = target.deadline_seconds
        self._signer = Webhook(secret)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    @property
    def deadline_seconds(self) -> float:
        """How long a push may take."""
        return self._deadline

    async def push(self, delivery: Delivery, now: datetime) -> Outcome:
        """Post the entry, signed at `now`; the whole exchange takes at most the deadline."""
        text = encode(delivery)
        headers = {
            "content-type": "application/json",
            "webhook-id": (identity := message_id(delivery)),
            "webhook-timestamp": str(math.floor(now.timestamp())),
            "webhook-signature": self._signer.sign(identity, now.astimezone(UTC), text),
        }
        try:
            async with self._opened().post(
                self._url, data=io.BytesIO(text.encode()), headers=headers, allow_redirects=False
            ) as response:
                return classify(
                    response.status,
                    await _shown(response),
                    response.headers.get("retry-after"),
                    response.headers.get("location"),
                    now,
                )
        except TimeoutError:
            return Unavailable(f"no answer within {self._deadline:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: an answer that is no HTTP at all
            return Unavailable(f"{type(error).__name__}: {error}"[:_SHOWN_CHARACTERS])

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                timeout=aiohttp.ClientTimeout(total=self._deadline),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={
                    "user-agent": f"huisheng/{metadata.version('huisheng')}",
                    "accept-encoding": "identity",
                },
                auto_decompress=False,
            )
        return self._session


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


async def _shown(response: aiohttp.ClientResponse) -> str:
    """The beginning of the answer, for people. The status alone decides, so an answer that does
    not end in time, or has no end, does no harm."""
    try:
        body = await response.content.read(_ANSWER_BYTES)
    except (TimeoutError, aiohttp.ClientError):
        return ""
    words = " ".join(body.decode(errors="replace").split())
    return "".join(filter(str.isprintable, words))[:_SHOWN_CHARACTERS]
