"""Agents, callers and a clock for the queue's tests."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ari_app.queue import Agent, Need, Queue, QueueSettings, Waiting

START = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def clock() -> datetime:
    """The time of a test in virtual time: the loop's."""
    return at(asyncio.get_running_loop().time())


def settings(**values: Any) -> QueueSettings:
    return QueueSettings.model_validate(values)


def agent(extension: str, team: str = "a", **values: Iterable[str]) -> Agent:
    return Agent(extension, team=team, **{name: frozenset(v) for name, v in values.items()})


def waiting(
    call_id: str, since: float = 0.0, priority: int = 0, last: str = "", **need: Any
) -> Waiting:
    skills = frozenset(need.pop("skills", ()))
    return Waiting(call_id, at(since), Need(skills=skills, **need), priority, last)


def queue_of(*agents: Agent, **values: Any) -> Queue:
    return Queue(agents, settings(**values), clock)
