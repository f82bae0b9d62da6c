"""Callers and agents' telephones on a line of processes, and what became of each call."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from ari_app.sip_caller import (
    AgentPlan,
    CallResult,
    ExpectBye,
    HangUp,
    Press,
    Speak,
    Step,
    Wait,
    agent_phone,
)
from tests.e2e.process_rig import ASIDE, SECONDS, TALKER, Kept, Process, Site, new_number

SAYS, WORD = "我要退款", "退款"
ANSWERS = AgentPlan(rings=0.2, steps=(Wait(0.5), Speak("您好"), ExpectBye(90)))
IS_SHORT = AgentPlan(rings=0.2, steps=(Wait(1.5), HangUp()))
TELLS: tuple[Step, ...] = (Press("1"), Wait(2), Speak(SAYS), Wait(0.6), Press("#"), ExpectBye(30))
WAITS: tuple[Step, ...] = (Wait(1), Press("5"), ExpectBye(110))
SAYS_AGAIN: list[Step] = [step for _ in range(30) for step in (Speak(SAYS), Wait(1.5))]
TALKS: tuple[Step, ...] = (Wait(1), Press(TALKER), Wait(2), *SAYS_AGAIN, ExpectBye(60))


class Callers:
    """Callers on the line of a site, each with a number by a name."""

    def __init__(self, one: Site, tasks: asyncio.TaskGroup) -> None:
        self._site, self._tasks = one, tasks
        self.numbers: dict[str, str] = {}
        self._calls: dict[str, asyncio.Task[CallResult]] = {}

    def dial(self, name: str, *steps: Step) -> None:
        self.numbers[name] = number = new_number()
        work = self._site.call(number, *steps)
        self._calls[name] = self._tasks.create_task(work, name=name)

    async def are(self, **stages: str) -> None:
        """Wait until each is in this stage, and nobody else is on the line."""
        await self._site.comes({self.numbers[name]: stage for name, stage in stages.items()})

    async def result(self, name: str) -> CallResult:
        return await self._calls[name]

    def is_on(self, name: str) -> bool:
        return not self._calls[name].done()


@asynccontextmanager
async def visited(one: Site) -> AsyncIterator[Callers]:
    """Callers to come, and the agents' telephones: one talks long, the other is away at first."""
    async with AsyncExitStack() as stack:
        for extension, plan in ((TALKER, ANSWERS), (ASIDE, IS_SHORT)):
            await stack.enter_async_context(agent_phone(contact_port(one, extension), plan))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        yield Callers(one, tasks)


async def is_set(one: Site, state: str) -> None:
    await one.order(f"agents/{ASIDE}/state", {"state": state}, method="PUT")


def once(kept: dict[str, Kept], callers: Callers) -> dict[str, str]:
    """The type of each caller's ticket; each has one, and one call, and nobody else has any."""
    assert set(kept) == set(callers.numbers.values())
    for one in kept.values():
        assert len(one.calls) == 1
        assert len(one.tickets) == 1
        assert one.calls[0].ticket_id == one.tickets[0].id
    return {name: kept[number].types[0] for name, number in callers.numbers.items()}


def is_calm(process: Process) -> None:
    assert "Traceback" not in process.words, process.words
    assert process.errors == []


def is_alive(one: Site) -> bool:
    """Whether the line's own Asterisk runs."""
    try:
        os.kill(int(one.paths.pid_file.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


async def reconciled(one: Site, callers: Callers, told: Collection[str] = ()) -> dict[str, Kept]:
    """Wait until every caller has a ticket, and what those of `told` said is in it."""
    numbers = set(callers.numbers.values())
    last = time.monotonic() + SECONDS
    while True:
        found = await one.settled()
        heard = all(WORD in found[callers.numbers[name]].said for name in told if found)
        if found.keys() == numbers and all(kept.tickets for kept in found.values()) and heard:
            return found
        assert time.monotonic() < last, found
        await asyncio.sleep(0.2)


def contact_port(one: Site, extension: str) -> int:
    """Where that agent's telephone is."""
    agent = next(each for each in one.settings.pbx.agents if each.extension == extension)
    return int(str(agent.contact).rpartition(":")[2])
