"""What people do in the story over HTTP: an agent with a token, a customer who opens a link."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ari_app.demo.errors import StoryRefusedError

STEP_SECONDS = 15.0
TRIES = 5
CHANGED_SINCE = 412


class Agent:
    """An agent at the REST API of a line."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def read(self, path: str) -> Any:
        """What there is at a path of the API.

        Raises:
            StoryRefusedError: it is refused.
        """
        async with self._session.get(f"{self._url}/api/v1{path}") as answer:
            return await _told(f"GET {path}", answer)

    async def change(self, number: str, step: str, body: dict[str, Any] | None = None) -> Any:
        """Take a step of a ticket, based on its newest version; `step` "" edits it. Where the line
        itself changed the ticket in between, it is read and done again.

        Raises:
            StoryRefusedError: it is refused.
        """
        path = f"{self._url}/api/v1/tickets/{number}"
        method, where = ("POST", f"{path}/{step}") if step else ("PATCH", path)
        for _ in range(TRIES):
            async with self._session.get(path) as seen:
                await _told(f"GET {path}", seen)
                version = seen.headers["ETag"]
            request = self._session.request(method, where, json=body, headers={"If-Match": version})
            async with request as answer:
                if answer.status != CHANGED_SINCE:
                    return await _told(f"{method} {where}", answer)
        raise StoryRefusedError(f"{method} {where}", CHANGED_SINCE, "it changes all the time")


@asynccontextmanager
async def agent_of(url: str, token: str) -> AsyncIterator[Agent]:
    """An agent who has this token."""
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=STEP_SECONDS)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Agent(session, url)


async def rate(link: str, points: int, words: str) -> None:
    """Open a survey's link as a browser does, and send its form.

    Raises:
        StoryRefusedError: the page or the answer is refused.
    """
    timeout = aiohttp.ClientTimeout(total=STEP_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async with session.get(link) as page:
            await _shown("opening the survey", page)
        form = {"answer": str(points), "words": words}
        async with session.post(link, data=form) as thanks:
            await _shown("answering the survey", thanks)


async def _told(step: str, answer: aiohttp.ClientResponse) -> Any:
    if not answer.ok:
        raise StoryRefusedError(step, answer.status, (await answer.text())[:500])
    return await answer.json()


async def _shown(step: str, page: aiohttp.ClientResponse) -> None:
    if not page.ok:
        raise StoryRefusedError(step, page.status, "see what the page says")
    await page.read()
