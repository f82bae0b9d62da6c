"""A real Asterisk's calls go on while the client's connection does not."""

import asyncio

import pytest

from ari_app.ari import (
    ApplicationReplaced,
    ChannelDtmfReceived,
    ChannelGone,
    Client,
)
from asterisk_conf.server import AsteriskServer
from tests.ari_app.ari.real import LONG, ClientOn, call, clear

pytestmark = pytest.mark.asterisk


class TestBreaks:
    async def test_calls_go_on_over_a_broken_websocket_and_what_was_missed_is_made_up(
        self, client_on: ClientOn, far: Client, line: Client
    ) -> None:
        gone, gone_caller = await call(line, far)
        stays, stays_caller = await call(line, far)
        playing = await stays.play(LONG)
        with (
            gone.listen(ChannelDtmfReceived) as gone_events,
            stays.listen(ChannelDtmfReceived) as stays_events,
        ):
            await _cut(line)
            await gone_caller.hangup()
            await playing.stop()
            assert await line.wait_connected(5)
            with pytest.raises(ChannelGone):
                await gone_events.get(5)
            await playing.finished(5)
            await stays_caller.send_dtmf("7")
            key = await stays_events.get(5)
        assert key is not None
        assert key.digit == "7"
        assert gone.id in line.reconciliation.gone

    async def test_the_event_filter_is_there_again_after_a_reconnect(self, line: Client) -> None:
        await _cut(line)
        assert await line.wait_connected(5)
        assert line.connects == 2
        held = await line.applications.get(line.application)
        assert {"type": "ChannelVarset"} in held.events_disallowed
        assert held.events_allowed == []

    async def test_a_new_process_finds_the_calls_of_the_one_that_died(
        self, client_on: ClientOn, asterisk: AsteriskServer
    ) -> None:
        async with client_on(application="callers") as callers:
            async with client_on() as before:
                ours, _ = await call(before, callers)
            async with client_on() as after:
                async with asyncio.timeout(5):
                    found = await anext(after.adopted())
                assert found.id == ours.id
                await after.channel(found.id).hangup()
                await clear(after)

    async def test_a_second_client_takes_the_line_and_the_first_stops(
        self, line: Client, client_on: ClientOn
    ) -> None:
        lost = asyncio.create_task(line.wait_lost())
        async with client_on() as second:
            with pytest.raises(ApplicationReplaced):
                await lost
            with pytest.raises(ApplicationReplaced):
                await line.asterisk.ping()
            await second.asterisk.ping()
            assert (await second.applications.get(second.application)).name == second.application


async def _cut(line: Client) -> None:
    """Break the websocket under the client, as a network would."""
    lane = line._link.lane
    assert lane is not None
    lane._socket._response.connection.transport.abort()
    with line.listen() as anything:  # the reader notices when it is given a turn
        while line.is_connected:
            await anything.get(0.01)
