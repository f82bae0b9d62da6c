"""Idempotency-Key: a request that is sent again is answered again, and does nothing again.

Key and answer are kept in the transaction of the effect (`desk.api.writing`), so no crash parts
them. What acts on the line takes its key before it acts, because no transaction holds a telephone:
it is begun once at most, and where nobody saw the end of it, the key says so (409 `answer-lost`).
What changes nothing is answered again as long as its answer was kept, which follows it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from fastapi import Request
from sqlalchemy import Connection
from starlette.responses import Response

from desk import served
from desk.api.problems import Problem
from desk.db.engine import Database
from desk.errors import DatabaseError, NotFound, NotPossibleNow, Refused
from desk.served import Answer, Asked

log = structlog.get_logger()

HEADER = "Idempotency-Key"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_LEFT_OUT = frozenset({"content-length", "date", "set-cookie"})

P = ParamSpec("P")
R = TypeVar("R")


class Replay(Exception):  # noqa: N818 - a state
    """The request was served before; this was the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("served before")
        self.answer = answer

    def response(self) -> Response:
        """The same answer again."""
        headers = {**self.answer.headers, "Idempotent-Replayed": "true"}
        return Response(self.answer.body, self.answer.status or 200, headers)


class Once:
    """A request with a key, from its authentication to its answer."""

    def __init__(
        self, asked: Asked, db: Database, under_way: set[Asked], now: Callable[[], datetime]
    ) -> None:
        """`under_way` has the requests that this process serves."""
        self._asked = asked
        self._db = db
        self._under_way = under_way
        self._now = now
        self._taken = False
        self._answered = False

    async def begin(self) -> None:
        """Go on only if this is the first time.

        Raises:
            Replay: it was served before.
            Problem: 409, it is being served, or its answer was lost; 422, it was another request.
        """
        asked = self._asked
        if asked in self._under_way:
            raise _in_use(asked.key)
        self._under_way.add(asked)
        try:
            self._unless_served(await self._db.read(served.find, asked, self._now()))
        except BaseException:
            self.end()
            raise

    def _unless_served(self, found: tuple[str, Answer] | None) -> None:
        if found is None:
            return
        digest, answer = found
        if digest != self._asked.digest:
            raise _reused(self._asked.key)
        if answer.status is None:
            raise _lost(self._asked.key)
        raise Replay(answer)

    def end(self) -> None:
        """It is over, however it ended."""
        self._under_way.discard(self._asked)

    async def write(
        self,
        answer: Callable[[R], Answer],
        work: Callable[Concatenate[Connection, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Do `work` in one transaction with the key and what `answer` makes of the result."""
        if self._taken:
            raise RuntimeError("a request with a key has one effect: do it in one transaction")
        result: R = await self._db.write(
            served.once, self._asked, self._now(), answer, work, args, kwargs
        )
        self._taken = self._answered = True
        return result

    async def act(self, act: Callable[[], Awaitable[None]]) -> None:
        """Take the key, then act outside the database. A refusal gives the key back; after
        anything else that ends it early, nobody knows what happened, and the key stays.
        """
        await self._db.write(served.claim, self._asked, self._now())
        self._taken = True
        try:
            await act()
        except (NotFound, NotPossibleNow, Refused):
            await self._db.write(served.release, self._asked)
            raise

    async def keep(self, response: Response) -> None:
        """Keep the answer to what changed nothing here."""
        if self._answered or not 200 <= response.status_code < 300:
            return
        kept = answer_of(response.status_code, response.headers, getattr(response, "body", None))
        try:
            await self._db.write(_keep, self._asked, kept, self._now(), self._taken)
        except DatabaseError as error:  # it is right all the same, and nothing is lost with it
            log.warning("answer not kept", operation=self._asked.operation, error=str(error))


def answer_of(status: int, headers: Mapping[str, str], body: bytes | None) -> Answer:
    """What is kept of an answer: nothing of one that holds a secret, or is a stream."""
    if body is None or "no-store" in headers.get("cache-control", ""):
        return Answer(None, {}, b"")
    return Answer(status, {k: v for k, v in headers.items() if k not in _LEFT_OUT}, body)


def keyed(request: Request) -> bool:
    """The request writes, and carries a key."""
    return request.method in WRITES and HEADER in request.headers


async def begin(
    request: Request,
    db: Database,
    under_way: set[Asked],
    now: Callable[[], datetime],
    owner: str,
    operation: str,
    content: bytes,
    seen: str,
) -> None:
    """Begin a request of `owner` that may carry a key; `content` is its body, or stands for it.
    Who sees more or less than he did (`seen`) is not given the answer that he had.

    Raises:
        Replay: see `Once.begin`.
        Problem: likewise; or the key is none.
    """
    if not keyed(request):
        return
    key = request.headers[HEADER]
    if not _KEY.fullmatch(key):
        raise Problem(
            400,
            "bad-idempotency-key",
            "Bad key",
            "Idempotency-Key is not 1 to 200 visible ASCII characters.",
            "Send a new UUID with each new request, and the same one when you repeat it.",
        )
    query: bytes = request.scope["query_string"]
    digest = served.digest_of(request.url.path, query, content, seen)
    once = Once(Asked(owner, operation, key, digest), db, under_way, now)
    await once.begin()
    request.state.once = once


def _keep(db: Connection, asked: Asked, answer: Answer, now: datetime, taken: bool) -> None:
    if not taken:
        served.claim(db, asked, now)
    served.keep(db, asked, answer)


def _in_use(key: str) -> Problem:
    return Problem(
        409,
        "idempotency-key-in-use",
        "Being served",
        f"A request with the key {key!r} is being served.",
        "Send it again in a moment; you will get its answer.",
        headers={"Retry-After": "1"},
    )


def _reused(key: str) -> Problem:
    return Problem(
        422,
        "idempotency-key-reused",
        "Another request",
        f"The key {key!r} was used for another request.",
        "Use a new key for each new request.",
    )


def _lost(key: str) -> Problem:
    return Problem(
        409,
        "answer-lost",
        "Done, answer not kept",
        f"The request with the key {key!r} was begun; its answer held a secret, or nobody saw it.",
        "It is not done again: look at what it was to change, and use a new key if it must be.",
    )
