"""*70, *71, *72: an agent dials a code, is told what holds from now on, and the call ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from ari_app.ari import (
    ApplicationReplaced,
    AriError,
    ChannelGone,
    ChannelSnapshot,
    DeadlineExceeded,
    NotFound,
    StasisStart,
)
from ari_app.calls.feature_codes import feature_code
from ari_app.queue import Agent, AgentState, Queue, QueueSettings

PROMPT_SECONDS = 2.0
CALL = "agent-1.1"


class Phone:
    """The agent's channel; `breaks` says which step fails and how."""

    def __init__(self, breaks: dict[str, AriError]) -> None:
        self.breaks = breaks
        self.did: list[str] = []

    async def answer(self) -> None:
        self._do("answer")

    async def play(self, media: str) -> "Phone":
        self._do(f"play {media}")
        return self

    async def finished(self, deadline: float) -> None:
        assert deadline > PROMPT_SECONDS
        self._do("listen")
        await asyncio.sleep(PROMPT_SECONDS)

    async def hangup(self) -> None:
        self._do("hangup")

    def _do(self, what: str) -> None:
        self.did.append(what)
        if what.split()[0] in self.breaks:
            raise self.breaks[what.split()[0]]


class Office:
    """One agent, 8001, and a telephone to dial codes with."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        start = datetime(2026, 11, 18, 2, tzinfo=UTC) - timedelta(seconds=loop.time())
        self.queue = Queue(
            [Agent("8001")], QueueSettings(), lambda: start + timedelta(seconds=loop.time())
        )

    async def dial(self, *args: str, **breaks: AriError) -> list[str]:
        phone = Phone(breaks)
        prompts = SimpleNamespace(
            media=lambda name: f"sound:{name}", seconds=lambda _: PROMPT_SECONDS
        )
        line: Any = SimpleNamespace(
            queue=self.queue,
            prompts=prompts,
            ari=SimpleNamespace(channel=lambda ident: phone if ident == CALL else None),
        )
        start = StasisStart(channel=ChannelSnapshot(id=CALL), args=list(args))
        await feature_code(line, start)
        return phone.did

    @property
    def state(self) -> AgentState:
        return self.queue.standing("8001").state

    def talked(self) -> None:
        self.queue.busy("8001", "c1")
        self.queue.free("8001", "c1")


def heard(prompt: str) -> list[str]:
    return ["answer", f"play sound:{prompt}", "listen", "hangup"]


@pytest.mark.looptime
async def test_star_71_gives_no_more_calls_until_star_70() -> None:
    office = Office()
    assert await office.dial("feature", "*71", "8001") == heard("agent_away")
    assert (office.state, office.queue.standing("8001").reason) == (AgentState.AWAY, "phone")
    assert await office.dial("feature", "*70", "8001") == heard("agent_ready")
    assert office.state is AgentState.READY


@pytest.mark.looptime
async def test_star_72_ends_the_wrap_up() -> None:
    office = Office()
    office.talked()
    assert office.state is AgentState.WRAP_UP
    assert await office.dial("feature", "*72", "8001") == heard("agent_ready")
    assert office.state is AgentState.READY


@pytest.mark.looptime
async def test_star_72_does_not_end_a_break() -> None:
    office = Office()
    await office.dial("feature", "*71", "8001")
    assert await office.dial("feature", "*72", "8001") == heard("invalid")
    assert office.state is AgentState.AWAY


@pytest.mark.looptime
async def test_star_71_in_a_talk_takes_force_at_its_end() -> None:
    office = Office()
    office.queue.busy("8001", "c1")
    assert await office.dial("feature", "*71", "8001") == heard("agent_away")
    assert office.state is AgentState.BUSY
    office.queue.free("8001", "c1")
    assert office.state is AgentState.AWAY


@pytest.mark.looptime
@pytest.mark.parametrize(
    "args",
    [
        ("feature", "*79", "8001"),
        ("feature", "*70", "4001"),
        ("feature", "*70", ""),
        ("feature", "*70"),
        ("feature",),
        (),
    ],
)
async def test_what_means_nothing_is_said_to_be_invalid(args: tuple[str, ...]) -> None:
    office = Office()
    assert await office.dial(*args) == heard("invalid")
    assert office.state is AgentState.READY


@pytest.mark.looptime
@pytest.mark.parametrize("step", ["answer", "play", "listen", "hangup"])
@pytest.mark.parametrize(
    "error",
    [
        NotFound("gone"),
        ChannelGone("gone"),
        DeadlineExceeded("too slow"),
        ApplicationReplaced("another process"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_agent_who_hangs_up_early_is_away_all_the_same(step: str, error: AriError) -> None:
    office = Office()
    did = await office.dial("feature", "*71", "8001", **{step: error})
    assert office.state is AgentState.AWAY
    assert did[-1] == "hangup", "no channel of ours is left behind"
