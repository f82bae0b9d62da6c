"""How a line is stopped: talks come to their end, others are handed over, no ticket is lost."""

import signal
import time
from pathlib import Path

import pytest

from ari_app.sip_caller import (
    ExpectBye,
    HangUp,
    Press,
    Wait,
)
from asterisk_conf.install import Installation
from tests.e2e.process_callers import (
    SAYS_AGAIN,
    TALKS,
    is_alive,
    is_calm,
    is_set,
    once,
    reconciled,
    visited,
)
from tests.e2e.process_rig import TALKER, site

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.timeout(300)]

AT_ONCE_SECONDS = 15.0
"""Half of `drain_seconds`, which is what a line that waits for calls would take. Most of a stop is
Asterisk's own, to unload its modules: a second, or many on a busy machine."""


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
        await one.noted("agent.answered")
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
        assert time.monotonic() - began < AT_ONCE_SECONDS
        is_calm(process)
        assert not is_alive(one)
