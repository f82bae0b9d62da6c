"""Zammad's generic CTI interface: calls appear in its caller log and at its agents' screens.

Zammad knows a call by its `callId` and answers a `newCall` that it has already with "already
exists": for us that is an acceptance. It asks us to reject or to redirect calls in its answers;
entries tell what has happened already, so those are not obeyed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

import orjson

from crm_bridge.connectors.posting import Answer, Poster
from crm_bridge.connectors.webhook import classify
from crm_bridge.connectors.zammad_event import about, event
from crm_bridge.outcome import Accepted, Outcome, Rejected, Unavailable
from crm_bridge.settings import ZammadTarget
from desk.db.engine import Database
from desk.errors import DatabaseError
from desk.outbox import Delivery

_HEADERS = {"content-type": "application/json", "accept": "application/json"}
MASK = "***"


class ZammadConnector:
    """Posts the events of calls to one Zammad."""

    def __init__(
        self,
        target: ZammadTarget,
        token: str,
        db: Database,
        agents: Mapping[str, str],
        connections: int,
    ) -> None:
        """Args:
        token: the secret end of the endpoint's path; it appears in no error and no log.
        agents: their names by extension.
        """
        self._target = target
        self._token = token
        self._db = db
        self._agents = agents
        self._poster = Poster(target.deadline_seconds, connections)
        self._url = f"{str(target.url).rstrip('/')}/api/v1/cti/{token}"

    @property
    def deadline_seconds(self) -> float:
        """How long a push may take."""
        return self._poster.deadline_seconds

    async def push(self, delivery: Delivery, now: datetime) -> Outcome:
        """Post the event that this entry is to Zammad, if it is one."""
        call_id = delivery.payload["call_id"]
        try:
            known = await self._db.read(about, call_id) if call_id is not None else None
        except DatabaseError as error:
            return Unavailable(f"the call cannot be read: {error}")
        if known is None:
            return Accepted()
        what = event(delivery, known, self._target, self._agents)
        if what is None:
            return Accepted()
        answer = await self._poster.post(self._url, orjson.dumps(what), _HEADERS)
        return self._masked(answer, what["event"] == "newCall", now)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._poster.aclose()

    def _masked(self, answer: Answer | Unavailable, new_call: bool, now: datetime) -> Outcome:
        outcome = outcome_of(answer, new_call, now) if isinstance(answer, Answer) else answer
        if isinstance(outcome, Accepted):
            return outcome
        return replace(outcome, error=outcome.error.replace(self._token, MASK))


def outcome_of(answer: Answer, new_call: bool, now: datetime) -> Outcome:
    """The outcome that Zammad's answer means.

    An error that its application reports (500 with an "Error ID", as for an event of a call it
    was never told of) is about the event; a disabled integration (422) and a wrong token (401)
    are about the set-up, and the events wait.
    """
    if new_call and answer.status >= 400 and "already exists" in answer.said:
        return Accepted()
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and "Error ID" in answer.said:
        return Rejected(answer.error)
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and "Feature" in answer.said:
        return Unavailable(f"{answer.error}; switch on CTI (generic) in Zammad")
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return Unavailable(f"{answer.error}; check the token in the environment")
    return classify(answer.status, answer.said, answer.retry_after, answer.location, now)
