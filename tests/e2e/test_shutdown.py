"""How a line ends: stopped, taken over, replaced. Nobody is dropped, each call is one ticket."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ari_app.cli.run import REPLACED, TAKE_OVER_SECONDS
from ari_app.prompts.cache import PromptCache, install
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
from asterisk_conf import secrets
from asterisk_conf.install import Installation
from tests.e2e.process_rig import ASIDE, SECONDS, TALKER, Kept, Process, Site, new_number, site
from tests.rig.asterisk import BootAsterisk
from tests.rig.ports import free_port
from tests.rig.postgres import Cluster

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]

SAYS, WORD = "我要退款", "退款"
ANSWERS = AgentPlan(rings=0.2, steps=(Wait(0.5), Speak("您好"), ExpectBye(90)))
IS_SHORT = AgentPlan(rings=0.2, steps=(Wait(1.5), HangUp()))
TELLS: tuple[Step, ...] = (Press("1"), Wait(2), Speak(SAYS), Wait(0.6), Press("#"), ExpectBye(30))
WAITS: tuple[Step, ...] = (Wait(1), Press("5"), ExpectBye(110))
SAYS_AGAIN: list[Step] = [step for _ in range(30) for step in (Speak(SAYS), Wait(1.5))]
TALKS: tuple[Step, ...] = (Wait(1), Press(TALKER), Wait(2), *SAYS_AGAIN, ExpectBye(60))
SILENT_SECONDS = 10.0
"""The lease: so long nobody may serve the callers while one process follows another."""
AT_ONCE_SECONDS = 5.0
IDLE_SECONDS = 2.5
"""Most of it is Asterisk's own: 0.6 to 0.9 s to unload its modules."""


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
            await stack.enter_async_context(agent_phone(one.contact_port(extension), plan))
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


async def test_line_that_is_taken_over_in_the_midst_of_calls_drops_nobody(
    tmp_path: Path, installation: Installation
) -> None:
    async with site(tmp_path) as one, visited(one) as callers:
        old = await one.start()
        await is_set(one, "away")
        callers.dial("talks", *TALKS)
        await callers.are(talks="talk")
        callers.dial("first", *WAITS)
        await callers.are(talks="talk", first="queue")
        callers.dial("second", *WAITS)
        callers.dial("chooses late", Wait(25), *TELLS)
        stages = {"talks": "talk", "first": "queue", "second": "queue", "chooses late": "menu"}
        await callers.are(**stages)
        new = await one.launch("--take-over")
        assert await old.ended() == 0
        left = time.monotonic()
        await one.becomes(ready=True)
        alone = time.monotonic() - left
        served = datetime.now(UTC)
        talk = next(c for c in await one.live() if c["stage"] == "talk")
        await callers.are(**stages)
        await one.order(f"calls/{talk['id']}/hold")
        await one.order(f"calls/{talk['id']}/resume")
        await is_set(one, "ready")
        for name in ("first", "second", "chooses late"):
            assert (await callers.result(name)).ended_by == "them", name
        await one.order(f"calls/{talk['id']}/hangup")
        await callers.result("talks")
        kept = await one.settled()
        types = once(kept, callers)
        new.send(signal.SIGTERM)
        assert await new.ended() == 0
    assert "线路已交接" in old.words
    is_calm(old)
    is_calm(new)
    assert alone < SILENT_SECONDS
    assert types == {
        "talks": "call", "first": "call", "second": "call", "chooses late": "complaint"
    }  # fmt: skip
    assert WORD in kept[callers.numbers["chooses late"]].said
    talked = kept[callers.numbers["talks"]]
    assert talked.kinds.count("agent.answered") == 1
    words = [e for e in talked.entries if e.kind == "utterance.added" and WORD in str(e.body)]
    assert words[0].at < served < words[-1].at, "the transcript goes on"
    answered = {
        name: next(e.at for e in kept[callers.numbers[name]].entries if e.kind == "agent.answered")
        for name in ("first", "second")
    }
    assert answered["first"] < answered["second"], "places are kept"


@pytest.mark.chaos
async def test_frozen_owner_is_named_with_the_mend_and_serves_on_once_it_can(
    tmp_path: Path, installation: Installation
) -> None:
    async with site(tmp_path) as one:
        old = await one.start()
        old.send(signal.SIGSTOP)
        new = await one.launch("--take-over")
        began = time.monotonic()
        assert await new.ended() == 1
        took = time.monotonic() - began
        old.send(signal.SIGCONT)
        await one.becomes(ready=True)
        result = await one.call(number := new_number(), Wait(1), *TELLS)
        old.send(signal.SIGTERM)
        assert await old.ended() == 0, "and nobody has ended it"
        assert (await one.settled())[number].types == ["complaint"]
    (told,) = new.errors
    assert f"kill -CONT {old.child.pid}" in told
    assert f"kill -KILL {old.child.pid}" in told
    assert "Traceback" not in new.words
    assert TAKE_OVER_SECONDS < took < TAKE_OVER_SECONDS + SECONDS / 2
    assert result.ended_by == "them"


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres])]
)
async def test_second_process_on_the_same_asterisk_has_all_calls_and_the_first_none(
    tmp_path: Path,
    installation: Installation,
    fresh_asterisk: BootAsterisk,
    request: pytest.FixtureRequest,
    database: str,
) -> None:
    """Two state folders: no lock can keep them apart. Asterisk's own order does."""
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    if database == "postgres":
        cluster: Cluster = await asyncio.to_thread(request.getfixturevalue, "postgres")
        url = await cluster.fresh()

    def first_of_two(data: dict[str, Any]) -> None:
        data["database"]["url"] = url

    async with site(tmp_path / "one", first_of_two) as one:
        asterisk = fresh_asterisk(one.settings.pbx)

        def is_existing(data: dict[str, Any]) -> None:
            data["database"]["url"] = url
            data["pbx"] = one.settings.pbx.model_dump(mode="json", exclude_none=True)
            data["pbx"] |= {"mode": "existing", "spool_dir": str(asterisk.paths.spool)}
            data["pbx"]["agi_port"] = free_port()

        async with AsyncExitStack() as stack:
            sites = [
                await stack.enter_async_context(site(tmp_path / name, is_existing))
                for name in ("first", "second")
            ]
            for each in sites:
                shutil.copy(
                    asterisk.paths.home.parent / secrets.FILE_NAME,
                    each.settings.state_dir / secrets.FILE_NAME,
                )
            first, second = sites
            prompts = await asyncio.to_thread(
                PromptCache.prepare, first.settings.ivr, first.settings.state_dir / "prompts"
            )
            await asyncio.to_thread(install, prompts, asterisk.paths.sounds)
            callers = await stack.enter_async_context(visited(first))
            loser = await first.start()
            await is_set(first, "away")
            callers.dial("talks", *TALKS)
            await callers.are(talks="talk")
            callers.dial("waits", *WAITS)
            callers.dial("chooses late", Wait(25), *TELLS)
            stages = {"talks": "talk", "waits": "queue", "chooses late": "menu"}
            await callers.are(**stages)
            winner = await second.start()
            assert await loser.ended() == REPLACED
            await callers.are(**stages)
            assert all(map(callers.is_on, stages))
            await is_set(second, "ready")
            assert (await callers.result("waits")).ended_by == "them"
            assert (await callers.result("chooses late")).ended_by == "them"
            talk = next(c for c in await second.live() if c["stage"] == "talk")
            await second.order(f"calls/{talk['id']}/hangup")
            await callers.result("talks")
            types = once(await second.settled(), callers)
            winner.send(signal.SIGTERM)
            assert await winner.ended() == 0
            assert asterisk.running(), "an Asterisk that is not ours is left alone"
    assert types == {"talks": "call", "waits": "call", "chooses late": "complaint"}
    (told,) = loser.errors
    assert "stop one of the two processes" in told
    assert "Traceback" not in loser.words, loser.words
    is_calm(winner)


async def test_line_that_is_stopped_hands_waiting_callers_over_and_lets_a_talk_end(
    tmp_path: Path, installation: Installation
) -> None:
    async with site(tmp_path) as one, visited(one) as callers:
        process = await one.start()
        await is_set(one, "away")
        callers.dial("talks", Wait(1), Press(TALKER), Wait(2), *SAYS_AGAIN[:20], HangUp())
        await callers.are(talks="talk")
        callers.dial("waits", Wait(1), Press("5"), Wait(3), *SAYS_AGAIN[:8], ExpectBye(60))
        callers.dial("chooses", Wait(4), *SAYS_AGAIN[:8], ExpectBye(60))
        tells = (Wait(1), Press("1"), Wait(1), *SAYS_AGAIN[:8], ExpectBye(60))
        callers.dial("tells", *tells)
        await callers.are(talks="talk", waits="queue", chooses="menu", tells="message")
        process.send(signal.SIGTERM)
        await one.becomes(ready=False)
        callers.dial("comes late", Wait(2), *SAYS_AGAIN[:4], ExpectBye(60))
        for name in ("waits", "chooses", "tells", "comes late"):
            result = await callers.result(name)
            assert (result.status, result.ended_by) == (200, "them"), name
        assert (await callers.result("talks")).ended_by == "us"
        assert await process.ended() == 0
        is_calm(process)
        assert not is_alive(one), "Asterisk is stopped with the line"
        at_once = once(await one.kept(), callers)
        again = await one.start()
        told = {"waits", "chooses", "tells", "comes late"}
        kept = await reconciled(one, callers, told)
        types = once(kept, callers)
        again.send(signal.SIGTERM)
        assert await again.ended() == 0
        assert not is_alive(one)
    assert types == at_once == {
        "talks": "call", "waits": "message", "chooses": "message", "tells": "complaint",
        "comes late": "message",
    }  # fmt: skip


async def test_second_signal_ends_a_line_at_once_and_its_calls_have_tickets_later(
    tmp_path: Path, installation: Installation
) -> None:
    async with site(tmp_path) as one, visited(one) as callers:
        process = await one.start()
        callers.dial("talks", *TALKS)
        await callers.are(talks="talk")
        process.send(signal.SIGINT)
        await one.becomes(ready=False)
        assert callers.is_on("talks")
        began = time.monotonic()
        process.send(signal.SIGINT)
        assert await process.ended() == 0
        assert time.monotonic() - began < AT_ONCE_SECONDS
        assert not is_alive(one)
        await callers.result("talks")
        again = await one.start()
        kept = await reconciled(one, callers)
        assert once(kept, callers) == {"talks": "call"}
        again.send(signal.SIGTERM)
        assert await again.ended() == 0


async def test_line_without_calls_stops_at_once(tmp_path: Path, installation: Installation) -> None:
    async with site(tmp_path) as one:
        process = await one.start()
        began = time.monotonic()
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
        assert time.monotonic() - began < IDLE_SECONDS
        is_calm(process)
        assert not is_alive(one)


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
