"""One round: callers in every stage at once, a fault at a random moment, the end of all calls, and
what the oracle says of each of them.

The moment of the fault and everything else that is random comes out of one seed.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from ari_app.sip_caller import AgentPlan, CallerError, PortsTakenError, agent_phone, place_calls
from asterisk_conf.settings import AgentSettings
from tests.chaos import oracle
from tests.chaos.cast import (
    ARRIVING,
    ENDED,
    GONE,
    LEAVING,
    STAGES,
    TALKS,
    Caller,
    agent_plans,
    caller,
)
from tests.chaos.faults import Fault, mend
from tests.chaos.house import House
from tests.chaos.lead import REACH_SECONDS, learn, reach, talk_of, until
from tests.chaos.site import LEASE_SECONDS, QUEUE_AGENT, WAITERS
from tests.chaos.wire import Wire

END_SECONDS = 75.0
PORT_TRIES = 30
HANGS_UP = frozenset({"ringing", ARRIVING, *TALKS})
"""Callers whom the house hangs up on when the fault is over."""


@dataclass
class Round:
    """What a round was and what came of it. Times are seconds since 1970."""

    seed: str
    fault: Fault
    callers: list[Caller]
    wire: Wire
    fault_at: float = 0.0
    mended_at: float = 0.0
    ending_at: float = 0.0
    agent_ports: dict[str, int] = field(default_factory=dict)
    flows: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def long(self) -> bool:
        """Whether callers who do not talk may be with the dialplan, for their lease was over."""
        return self.fault.long or self.mended_at - self.fault_at > LEASE_SECONDS

    @property
    def all_problems(self) -> list[str]:
        return self.problems + [
            f"{one.stage} {one.number} {one.call_id}: {problem}"
            for one in self.callers
            for problem in one.problems
        ]


async def play_round(
    house: House,
    fault: Fault,
    seed: str,
    *,
    stages: Sequence[str] = STAGES,
    waiting: int = 2,
) -> Round:
    """Play one round to its end. `waiting`: callers in the queue, of whom one leaves early if
    they are three or more."""
    rng = Random(seed)  # noqa: S311 - chance that can be repeated
    sounds = house.config.parent
    media = house.settings.pbx.rtp
    with Wire(house.settings.pbx.sip.port, (media.first, media.last)) as wire:
        one = Round(seed, fault, _cast(stages, waiting, house.number, sounds), wire)
        one.agent_ports = {a.extension: _port(a) for a in house.settings.pbx.agents}
        async with telephones(house, sounds), calling(house, one.callers):
            house.hurry()
            await reach(house, one.callers)
            await asyncio.sleep(rng.uniform(0.0, 1.5))
            await _break(house, one, rng)
            await _settle(house, one, rng)
            await _end(house, one)
        await mend(house)
    await oracle.judge(house, one)
    return one


def _cast(stages: Sequence[str], waiting: int, dialled: str, sounds: Path) -> list[Caller]:
    wanted = [stage for stage in stages for _ in range(waiting if stage == "queue" else 1)]
    if stages == STAGES:
        wanted.append(GONE)
    if "queue" in wanted and waiting > 2:
        wanted.insert(wanted.index("queue") + waiting // 2, LEAVING)
    return [caller(stage, dialled, sounds) for stage in wanted]


@asynccontextmanager
async def telephones(house: House, sounds: Path) -> AsyncIterator[None]:
    """The agents' telephones; each is new in every round, whatever the last one has left."""
    plans = dict(agent_plans(sounds))
    async with AsyncExitStack() as stack:
        for agent in house.settings.pbx.agents:
            await _open(stack, _port(agent), plans[agent.extension])
        yield


async def _open(stack: AsyncExitStack, port: int, plan: AgentPlan) -> None:
    """Another test's passing media may have the port for a while."""
    for left in reversed(range(PORT_TRIES)):
        try:
            await stack.enter_async_context(agent_phone(port, plan))
        except PortsTakenError:
            if not left:
                raise
            await asyncio.sleep(1)
        else:
            return


def _port(agent: AgentSettings) -> int:
    return int(str(agent.contact).rpartition(":")[2])


@asynccontextmanager
async def calling(house: House, callers: list[Caller]) -> AsyncIterator[None]:
    """All callers dial, a little apart; at the end nobody is left on the line."""
    tasks: list[asyncio.Task[None]] = []
    try:
        await house.order(f"agents/{QUEUE_AGENT}/state", {"state": "away"}, "PUT")
        waiting = [one for one in callers if one.stage in ("queue", LEAVING)]
        for one in [one for one in callers if one not in waiting] + waiting:
            if one in waiting and one is waiting[0]:
                await _all_busy(house)
            tasks.append(asyncio.create_task(_call(house, one), name=f"caller {one.stage}"))
            await asyncio.sleep(0.25 if one.stage in ("queue", LEAVING) else 0.1)
        house.calling = tasks
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _all_busy(house: House) -> None:
    """Wait until the agent talks for whom the queue would not wait, or nobody is coming to it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REACH_SECONDS):
            await until(
                house,
                "agents",
                lambda agents: any(
                    agent["extension"] == TALKS["talk"] and agent["state"] != "ready"
                    for agent in agents["items"]
                ),
            )


async def _call(house: House, one: Caller) -> None:
    try:
        (result,) = await place_calls([one.plan], house.target, deadline_seconds=300)
    except CallerError as error:
        one.problems.append(str(error))
        return
    one.notes.append(f"status {result.status}, hung up by {result.ended_by}")


# -- the fault -------------------------------------------------------------------------------------


async def _break(house: House, one: Round, rng: Random) -> None:
    wrapped = [each for each in one.callers if each.stage == "wrap_up" and each.reached]
    for each in wrapped:
        await house.order(f"calls/{each.call_id}/hangup")
    await asyncio.sleep(rng.uniform(0.0, 0.6) if wrapped else 0.0)
    arriving = caller(ARRIVING, house.number, house.config.parent)
    one.callers.append(arriving)
    one.fault_at = time.time()
    breaking = asyncio.create_task(one.fault.happens(house, rng), name="fault")
    await asyncio.sleep(rng.uniform(0.1, 1.0))
    house.calling.append(asyncio.create_task(_call(house, arriving), name="caller arriving"))
    await breaking
    one.mended_at = time.time()


async def _settle(house: House, one: Round, rng: Random) -> None:
    """Everybody is where he was: talks that no exchange has lost are led on and can be ended."""
    await asyncio.sleep(rng.uniform(2.0, 3.0))
    if not one.fault.asterisk:
        for each in one.callers:
            if each.reached and each.stage in TALKS and each.stage not in ENDED:
                await _still_there(house, each)
    one.ending_at = time.time()
    for each in one.callers:
        if each.stage == "consult" and each.reached:
            await house.order(f"calls/{each.call_id}/transfer/complete")
        if each.stage == "hold" and each.reached:
            await house.order(f"calls/{each.call_id}/resume")
    await asyncio.sleep(1.0)


async def _still_there(house: House, one: Caller) -> None:
    talk = await talk_of(house, one)
    if talk is None:
        one.problems.append("the talk is not led on after the fault")
        return
    kinds = Counter(party["kind"] for party in talk["parties"])
    wanted = {
        "hold": talk["held"],
        "consult": talk["held"] and talk["consult"] == "8014",
        "conference": kinds["agent"] == 2,
        "supervised": kinds["supervisor"] == 1,
        "paused": talk["recording"] == "paused",
    }
    if not wanted.get(one.stage, True):
        one.problems.append(f"the talk has changed: {talk}")


# -- the end ---------------------------------------------------------------------------------------


async def _end(house: House, one: Round) -> None:
    """End all calls: by the house, by the callers' own plans, by the agent of the queue."""
    live = {call["id"] for call in (await house.get("calls?live=true&limit=100"))["items"]}
    await house.order(f"agents/{QUEUE_AGENT}/state", {"state": "ready"}, "PUT")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            await until(
                house,
                "queue",
                lambda queue: all(waiting["team"] != WAITERS for waiting in queue["items"]),
            )
    for each in one.callers:
        if each.stage == ARRIVING:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await learn(house, each)
        if each.stage in HANGS_UP and each.call_id in live | {""}:
            await house.order(f"calls/{each.call_id}/hangup")
    if one.fault.asterisk:
        # Nobody tells a caller that the exchange is gone: only who came later has an end.
        _done, late = await asyncio.wait(house.calling[-1:], timeout=END_SECONDS / 5)
        for call in (await house.get("calls?live=true&limit=100"))["items"] if late else ():
            await house.order(f"calls/{call['id']}/hangup")
        return
    _done, late = await asyncio.wait(house.calling, timeout=END_SECONDS / 3)
    if late:  # in the menu still, having chosen while nobody listened
        for call in (await house.get("calls?live=true&limit=100"))["items"]:
            await house.order(f"calls/{call['id']}/hangup")
        _done, late = await asyncio.wait(house.calling, timeout=END_SECONDS / 3)
    one.problems += [f"{task.get_name()} is still on the line" for task in late]
