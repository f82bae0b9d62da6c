"""Does a line get its Asterisk back when it dies, and does the disk stay free of its logs?"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asterisk_conf import watch as watching
from asterisk_conf.errors import ControlError
from asterisk_conf.notes import read
from asterisk_conf.server import AsteriskServer
from asterisk_conf.watch import shorten_logs, watch
from tests.asterisk_conf.application import listening
from tests.rig.asterisk import LINE_NUMBER, BootAsterisk
from tests.rig.ports import free_port
from tests.rig.sip import SipAgent

pytestmark = pytest.mark.asterisk


@asynccontextmanager
async def watched(server: AsteriskServer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(watch(server), name="watch")
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def reborn(server: AsteriskServer, than: int | None) -> None:
    """Wait until another Asterisk runs and answers."""
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.02)
            with contextlib.suppress(ControlError):
                booted = await server.cli("core waitfullybooted")
                if server.pid != than and "fully booted" in booted:
                    return


async def test_a_killed_asterisk_is_back_with_its_notes(fresh_asterisk: BootAsterisk):
    server = fresh_asterisk()
    caller = await SipAgent.open("127.0.0.1", free_port(), ("127.0.0.1", server.pbx.sip.port))
    async with watched(server):
        call = caller.invite(LINE_NUMBER)
        assert (await call.final()).status == 200
        noted = [note.kind for note in read(server.paths.notes)]
        for _ in range(2):
            pid = server.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await reborn(server, pid)
        assert [note.kind for note in read(server.paths.notes)] == noted == ["received", "fallback"]
        async with listening(server) as application:
            caller.invite(LINE_NUMBER)
            start = await application.event("StasisStart")
            await application.hang_up(start["channel"]["id"])
        assert server.complaints() == []
    caller.close()


async def test_an_asterisk_that_is_stopped_stays_stopped(fresh_asterisk: BootAsterisk):
    server = fresh_asterisk()
    async with watched(server) as task:
        await asyncio.sleep(0)
        await server.stop()
        async with asyncio.timeout(5):
            await task
    assert not server.running()


async def test_it_is_tried_again_until_what_hinders_it_is_gone(
    fresh_asterisk: BootAsterisk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watching, "MOST_SECONDS", 0.3)
    server = fresh_asterisk()
    async with watched(server):
        pid = server.pid
        assert pid is not None
        blocked = server.paths.etc.with_name("etc-aside")
        server.paths.etc.rename(blocked)
        server.paths.etc.write_text("a file where the folder was")
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(1)
        assert not server.running()
        server.paths.etc.unlink()
        blocked.rename(server.paths.etc)
        await reborn(server, pid)


async def test_long_logs_are_put_aside_and_old_ones_deleted(
    fresh_asterisk: BootAsterisk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watching, "MOST_LOG_BYTES", 1000)
    server = fresh_asterisk()
    stranger: Path = server.paths.log / "messages.of.somebody"
    stranger.write_text("kept")
    for _ in range(5):
        with server.paths.messages_log.open("a") as file:
            file.write("x" * 2000)
        with server.paths.console.open("a") as file:
            file.write("x" * 2000)
        await shorten_logs(server)
    names = {path.name for path in server.paths.log.iterdir()}
    assert {"messages", "messages.0", "messages.1", "security"} <= names
    assert not {"messages.2", "messages.3", "security.2"} & names
    assert stranger.exists()
    assert server.paths.console.stat().st_size < 1000
    caller = await SipAgent.open("127.0.0.1", free_port(), ("127.0.0.1", server.pbx.sip.port))
    await caller.invite("no-such-number").final()
    assert server.running()
    caller.close()
