"""How a route writes: effect, key and answer in one transaction, whatever the operation.

A route says what it answers by a function of the effect's result (`tell`), which is called in the
effect's transaction: an answer that cannot be made undoes the effect, and one that was made is
there for whoever sends the request again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from desk.api import repeats
from desk.api.access import Reader, operation_of
from desk.api.repeats import Once
from desk.api.state import state_of
from desk.errors import DeskError
from desk.served import Answer

R = TypeVar("R")
T = TypeVar("T", bound=BaseModel | None)


@dataclass(frozen=True, slots=True)
class Writing:
    """The one write of a request.

    Attributes:
        response: what `tell` may give headers and another status than the route's.
    """

    request: Request
    response: Response

    async def __call__(
        self, tell: Callable[[R], T], work: Callable[..., R | DeskError], *args: Any, **kwargs: Any
    ) -> T:
        """Do `work(db, *args, **kwargs)` in one transaction and return what `tell` makes of its
        result. A refusal that is to leave a trace is returned by `work`, and raised here.
        """

        def effect(db: Connection) -> T | DeskError:
            result = work(db, *args, **kwargs)
            return result if isinstance(result, DeskError) else tell(result)

        db = state_of(self.request).db
        once = self._once
        if once is None:
            told = await db.write(effect)
        else:
            told = await once.write(self._answer, effect)
        if isinstance(told, DeskError):
            raise told
        return told

    async def act(self, act: Callable[[], Awaitable[None]]) -> None:
        """Act on what no transaction holds; see `Once.act`."""
        if self._once is None:
            await act()
        else:
            await self._once.act(act)

    async def begin_with(self, who: Reader, content: bytes) -> None:
        """Begin a request whose body is not known before it is stored; see `repeats.begin`."""
        state = state_of(self.request)
        await repeats.begin(
            self.request, state.db, state.under_way, state.now, who.principal.owner,
            operation_of(self.request), content, who.sees,
        )  # fmt: skip

    @property
    def _once(self) -> Once | None:
        return getattr(self.request.state, "once", None)

    def _answer(self, told: BaseModel | DeskError | None) -> Answer:
        status = self.response.status_code or self.request.scope["route"].status_code or 200
        headers = dict(self.response.headers)
        if not isinstance(told, BaseModel):
            return repeats.answer_of(status, headers, b"")
        headers["content-type"] = "application/json"
        return repeats.answer_of(status, headers, told.model_dump_json(by_alias=True).encode())


def no_content(_: object) -> None:
    """Tells nothing: for routes that answer 204."""


def writing(request: Request, response: Response) -> Writing:
    """A dependency: the request's one write."""
    return Writing(request, response)


Write = Annotated[Writing, Depends(writing)]
