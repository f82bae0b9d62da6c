"""Somebody hangs up in every single moment of a talk: before each request that it makes."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ari_app.queue import AgentState
from desk.errors import NoSuchLiveCall, NotPossibleNow
from tests.ari_app.calls.rig import CALL_ID, Desk
from tests.ari_app.calls.talk_rig import AGENT, OTHER, THIRD, World

pytestmark = pytest.mark.looptime

Scene = Callable[[World], Coroutine[Any, Any, None]]
FREE = (AgentState.READY, AgentState.WRAP_UP, AgentState.UNREACHABLE)
LONGEST = 200.0


async def order(world: World, verb: str, *args: str) -> None:
    """What agents and supervisors order may not be possible any more."""
    try:
        async with asyncio.timeout(20):
            await getattr(world.controls, verb)(CALL_ID, *args, actor="test")
    except (NotPossibleNow, NoSuchLiveCall, TimeoutError):
        pass


async def plain(world: World) -> None:
    await asyncio.sleep(4)


async def held(world: World) -> None:
    await asyncio.sleep(2)
    await order(world, "hold")
    await order(world, "resume")


async def blind(world: World) -> None:
    await asyncio.sleep(2)
    await order(world, "transfer", OTHER, "blind")
    await asyncio.sleep(3)


async def attended(world: World) -> None:
    await asyncio.sleep(2)
    await order(world, "transfer", OTHER, "attended")
    await asyncio.sleep(2)
    await order(world, "complete_transfer")
    await asyncio.sleep(1)


async def impatient(world: World) -> None:
    await asyncio.sleep(2)
    await order(world, "transfer", OTHER, "attended")
    await asyncio.sleep(0.5)
    await order(world, "complete_transfer")
    await asyncio.sleep(3)


async def cancelled(world: World) -> None:
    await asyncio.sleep(2)
    await order(world, "transfer", OTHER, "attended")
    await asyncio.sleep(2)
    await order(world, "cancel_transfer")


async def conference(world: World) -> None:
    await asyncio.sleep(2)
    await order(world, "conference", OTHER)
    await asyncio.sleep(2)
    await order(world, "drop", AGENT)


async def supervised(world: World) -> None:
    await asyncio.sleep(2)
    await order(world, "supervise", THIRD, "whisper")
    await asyncio.sleep(2)
    await order(world, "supervise", THIRD, "barge")
    await asyncio.sleep(1)


async def paused(world: World) -> None:
    await asyncio.sleep(2)
    await order(world, "pause_recording")
    await order(world, "resume_recording")


SCENES = (plain, held, blind, attended, impatient, cancelled, conference, supervised, paused)


def agents(world: World) -> None:
    world.pbx.hang_up(AGENT)
    world.pbx.hang_up(OTHER)


def everybody(world: World) -> None:
    agents(world)
    world.leaves()


WHO: dict[str, Callable[[World], None]] = {
    "caller": World.leaves,
    "agent": lambda world: world.pbx.hang_up(AGENT),
    "other": lambda world: world.pbx.hang_up(OTHER),
    "everybody": everybody,
    "agents": agents,
}


async def run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, scene: Scene, number: int, who: str
) -> tuple[int, list[str]]:
    """How many requests the scene makes; what is wrong in the end."""
    world = World(desk, monkeypatch, most_wait_seconds=20.0)
    wrong: list[str] = []

    def before(now: int, _: str) -> None:
        if now == number:
            WHO[who](world)

    world.pbx.before = before
    await world.call()
    watching = asyncio.create_task(_watch(world, wrong))
    acting = asyncio.create_task(scene(world))
    await asyncio.wait({acting}, timeout=60)
    asked = len(world.pbx.asked)
    if not acting.done():
        wrong.append("an order hangs")
    await asyncio.sleep(0.5)
    closing = asyncio.create_task(_close(world))
    try:
        await world.over(LONGEST)
    except TimeoutError:
        call = world.board.call(CALL_ID)
        wrong.append(f"the call does not end: {call.stage if call else call}")
    closing.cancel()
    watching.cancel()
    await asyncio.sleep(20)
    if left := world.pbx.left():
        wrong.append(f"left behind: {left}")
    if world.pool.streams:
        wrong.append("an ear is left")
    for extension in (AGENT, OTHER, THIRD):
        state = world.state(extension)
        wrong += [] if state in FREE else [f"{extension} is {state.value}"]
    journaled = await world.journaled()
    if journaled.ended_at is None:
        wrong.append("not ended in the journal")
    if journaled.cause in ("fault", "lost"):
        wrong.append(f"cause: {journaled.cause}")
    if acting.done():
        acting.result()
    await world.stop()
    return asked, wrong


async def _close(world: World) -> None:
    """All agents hang up, and whom the queue offers the caller then; in the end the caller too."""
    for _ in range(10):
        for extension in (AGENT, OTHER, THIRD):
            world.pbx.hang_up(extension)
        await asyncio.sleep(5)
    world.leaves()


async def _watch(world: World, wrong: list[str]) -> None:
    """Nobody waits without a limit and without somebody whose hanging up ends it."""
    alone = 0.0
    while True:
        await asyncio.sleep(0.5)
        caller = world.caller
        names = [one.variables.get("HUISHENG_CALLER") for one in world.pbx.lines.values()]
        guarded = caller is None or caller.limit is not None or caller.name in names
        alone = 0.0 if guarded else alone + 0.5
        if alone > 2.0:
            wrong.append("the caller could stay for ever")
            alone = -1000.0


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    "scene",
    [plain, *(pytest.param(scene, marks=pytest.mark.slow) for scene in SCENES[1:])],
    ids=lambda scene: scene.__name__,
)
async def test_nobody_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, scene: Scene, who: str
) -> None:
    found: dict[int, list[str]] = {}
    most = 0
    for number in range(-1, 1000):
        if number > most:
            break
        desk = Desk()
        try:
            asked, wrong = await run(desk, monkeypatch, scene, number, who)
        finally:
            desk.close()
        if number < 0:
            most = asked  # nobody hangs up
        if wrong:
            found[number] = wrong
    assert not found
