"""Idempotency-Key: a request that is sent again is answered again, and does nothing again.

The key is taken in the transaction of the request's first write, so effect and key cannot part. A
route that can tell its answer from the result of that write keeps it there as well
(`answering`); of the others the answer follows in a transaction of its own, and one that was lost
in between is told as lost (409 `answer-lost`), not made again.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from desk import served
from desk.api.bodies import brings_file
from desk.api.problems import Problem
from desk.db.engine import Database
from desk.served import Answer, Asked

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
        self._claimed = False
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
        answer: Callable[[R], Answer] | None,
        work: Callable[Concatenate[Connection, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Do `work` in one transaction: the first one with the key, and with what `answer` makes
        of the result.
        """
        if self._claimed:
            return await self._db.write(work, *args, **kwargs)
        result: R = await self._db.write(
            served.once, self._asked, self._now(), answer, work, args, kwargs
        )
        self._claimed, self._answered = True, answer is not None
        return result

    async def keep(self, response: Response) -> None:
        """Keep the answer, where it was not kept with the effect."""
        if self._answered or not 200 <= response.status_code < 300:
            return
        body = getattr(response, "body", None)
        secret = "no-store" in response.headers.get("cache-control", "")
        kept = Answer(None, {}, b"")
        if isinstance(body, bytes) and not secret:
            headers = {k: v for k, v in response.headers.items() if k not in _LEFT_OUT}
            kept = Answer(response.status_code, headers, body)
        await self._db.write(_keep, self._asked, kept, self._now(), self._claimed)


class Keyed(Database):
    """The database of one request with a key: its first write takes the key."""

    def __init__(self, db: Database, request: Request) -> None:
        super().__init__(db._backend, db._commits)
        self._plain = db
        self._request = request

    async def write(
        self, work: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `Database.write`."""
        return await self.answering(None, work, *args, **kwargs)

    async def answering(
        self,
        answer: Callable[[R], Answer] | None,
        work: Callable[Concatenate[Connection, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """See `Once.write`."""
        once: Once | None = getattr(self._request.state, "once", None)
        if once is None:  # not yet known who asks
            return await self._plain.write(work, *args, **kwargs)
        return await once.write(answer, work, *args, **kwargs)


async def answering(
    db: Database,
    answer: Callable[[R], Answer] | None,
    work: Callable[Concatenate[Connection, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Do `work` in one transaction; if the request has a key, what `answer` makes of the result is
    kept in it.
    """
    if isinstance(db, Keyed):
        return await db.answering(answer, work, *args, **kwargs)
    return await db.write(work, *args, **kwargs)


def keyed(request: Request) -> bool:
    """The request writes, and carries a key."""
    if brings_file(request.method, request.url.path):
        return False  # the same file again is the same attachment, key or none
    return request.method in WRITES and HEADER in request.headers


async def begin(
    request: Request,
    db: Database,
    under_way: set[Asked],
    now: Callable[[], datetime],
    owner: str,
    operation: str,
) -> None:
    """Begin a request of `owner` that may carry a key.

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
    digest = served.digest_of(request.url.path, query, await request.body())
    once = Once(Asked(owner, operation, key, digest), db, under_way, now)
    await once.begin()
    request.state.once = once


def in_json(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
            ) -> Answer:  # fmt: skip
    """What a route answers that returns `model`."""
    body = model.model_dump_json().encode()
    return Answer(status, {"content-type": "application/json", **(headers or {})}, body)


def _keep(db: Connection, asked: Asked, answer: Answer, now: datetime, claimed: bool) -> None:
    if not claimed:
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
        f"The request with the key {key!r} was served; its answer held a secret or was lost.",
        "It will not be done again: read what it made or changed.",
    )
