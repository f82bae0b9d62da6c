"""One HTTP POST of a connector: a bounded exchange and a short look at the answer."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

import aiohttp

from crm_bridge.outcome import Unavailable

_ANSWER_BYTES = 2048
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. said: the beginning of its body, one line for people."""

    status: int
    said: str
    retry_after: str | None
    location: str | None

    @property
    def error(self) -> str:
        """The answer as an error text."""
        return f"HTTP {self.status} {self.said}".strip()


class Poster:
    """Posts to one target. One connection pool; redirects are not followed."""

    def __init__(self, deadline_seconds: float, connections: int) -> None:
        """Args:
        deadline_seconds: for the whole exchange.
        connections: at most so many at a time.
        """
        self.deadline_seconds = deadline_seconds
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Unavailable:
        """Post `body`; whatever goes wrong on the way is `Unavailable`."""
        try:
            async with self._opened().post(
                url, data=io.BytesIO(body), headers=headers, allow_redirects=False
            ) as response:
                return Answer(
                    response.status,
                    await _shown(response),
                    response.headers.get("retry-after"),
                    response.headers.get("location"),
                )
        except TimeoutError:
            return Unavailable(f"no answer within {self.deadline_seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: an answer that is no HTTP at all
            return Unavailable(f"{type(error).__name__}: {error}"[:_SHOWN_CHARACTERS])

    async def aclose(self) -> None:
        """Close the connections. Closing twice is harmless."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                timeout=aiohttp.ClientTimeout(total=self.deadline_seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={
                    "user-agent": f"huisheng/{metadata.version('huisheng')}",
                    "accept-encoding": "identity",
                },
                auto_decompress=False,
            )
        return self._session


async def _shown(response: aiohttp.ClientResponse) -> str:
    """The beginning of the answer, for people. An answer that does not end in time, or has no
    end, does no harm."""
    try:
        body = await response.content.read(_ANSWER_BYTES)
    except (TimeoutError, aiohttp.ClientError):
        return ""
    words = " ".join(body.decode(errors="replace").split())
    return "".join(filter(str.isprintable, words))[:_SHOWN_CHARACTERS]
