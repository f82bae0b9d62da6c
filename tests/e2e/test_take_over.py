"""How one process follows another: nobody is dropped, each call is one ticket."""

import asyncio
import shutil
import signal
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ari_app.cli.run import REPLACED, TAKE_OVER_SECONDS
from ari_app.prompts.cache import PromptCache, install
from ari_app.sip_caller import (
    Wait,
)
from asterisk_conf import secrets
from asterisk_conf.install import Installation
from tests.e2e.process_callers import TALKS, TELLS, WAITS, WORD, is_calm, is_set, once, visited
from tests.e2e.process_rig import SECONDS, new_number, patient, site
from tests.rig.asterisk import BootAsterisk
from tests.rig.ports import free_port
from tests.rig.postgres import Cluster

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.timeout(300)]

SILENT_SECONDS = 10.0
"""The lease: so long nobody may serve the callers while one process follows another."""
CHOOSES_AFTER = 40.0  # in the menu, which asks for 90 s: both processes have started by then


async def test_line_that_is_taken_over_in_the_midst_of_calls_drops_nobody(
    tmp_path: Path, installation: Installation
) -> None:
    async with site(tmp_path, patient) as one, visited(one) as callers:
        old = await one.start()
        await is_set(one, "away")
        callers.dial("talks", *TALKS)
        await callers.are(talks="talk")
        callers.dial("first", *WAITS)
        await callers.are(talks="talk", first="queue")
        callers.dial("second", *WAITS)
        callers.dial("chooses late", Wait(CHOOSES_AFTER), *TELLS)
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
        patient(data)
        data["database"]["url"] = url

    async with site(tmp_path / "one", first_of_two) as one:
        asterisk = fresh_asterisk(one.settings.pbx)

        def is_existing(data: dict[str, Any]) -> None:
            patient(data)
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
            callers.dial("chooses late", Wait(CHOOSES_AFTER), *TELLS)
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
