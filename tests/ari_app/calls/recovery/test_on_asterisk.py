"""Real calls while the application is down: one ticket for each INVITE that was answered."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ari_app.calls.recovery import sources
from ari_app.calls.recovery.sources import Sources
from asterisk_conf.server import AsteriskServer
from desk import timeline
from tests.ari_app.calls.recovery.world import World
from tests.rig.asterisk import LINE_NUMBER, BootAsterisk
from tests.rig.ports import free_port
from tests.rig.rtp import send_tone, target
from tests.rig.sip import SipAgent

pytestmark = pytest.mark.asterisk

CALLERS = 12


async def leave_message(agent: SipAgent, number: str) -> None:
    """Call, speak for a second, hang up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind(("127.0.0.1", 0))
        call = agent.invite(LINE_NUMBER, caller=number, media_port=media.getsockname()[1])
        answer = await call.final()
        assert answer.status == 200
        await asyncio.sleep(0.4)  # the tone
        await send_tone(media, target(answer.body), 1)
        await call.ask("BYE")


async def test_each_caller_of_a_dead_application_has_one_ticket_with_what_was_said(
    fresh_asterisk: BootAsterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The notes are read and put aside all the time while Asterisk writes them."""
    monkeypatch.setattr(sources, "MOST_BYTES", 300)
    server: AsteriskServer = fresh_asterisk()
    world = World(tmp_path)
    world.sources = Sources.of(server.paths)
    world.now = datetime.now(UTC)
    numbers = [f"022{23000000 + number}" for number in range(CALLERS)]
    agent = await SipAgent.open("127.0.0.1", free_port(), ("127.0.0.1", server.pbx.sip.port))

    async def reconcile() -> None:
        while True:
            world.now = datetime.now(UTC)
            await world.once()
            await asyncio.sleep(0.05)

    rounds = asyncio.create_task(reconcile(), name="reconcile")
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as callers:
            for number in numbers:
                callers.create_task(leave_message(agent, number), name=number)
                await asyncio.sleep(0.1)
    finally:
        rounds.cancel()
        agent.close()
    await asyncio.wait([rounds])
    assert rounds.cancelled()
    async with asyncio.timeout(5):
        while "0 active" not in await server.cli("core show channels count"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    world.now = datetime.now(UTC) + timedelta(minutes=1)
    await world.once()
    tickets = await world.tickets()
    assert sorted(ticket.caller.input for ticket in tickets) == numbers
    for ticket in tickets:
        assert ticket.type == "message"
        assert ticket.call_id is not None
        (recording,) = await world.recordings(ticket.call_id)
        assert 0.5 < recording.seconds < 3
        world.store.verify(recording)
        call = await world.call(ticket.call_id)
        assert (call.dialled, call.cause) == (LINE_NUMBER, "dialplan")
    assert not list(server.paths.messages.iterdir())
    assert (await world.db.read(timeline.verify)).flaws == ()
    assert (await world.once()).tickets == 0
