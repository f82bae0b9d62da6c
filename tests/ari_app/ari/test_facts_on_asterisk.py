"""The facts of Asterisk that the client stands on; if one changes, read lanes.py and filters.py."""

import asyncio
import contextlib
from typing import Any

import pytest

from ari_app.ari import (
    AriError,
    BadRequest,
    ChannelEnteredBridge,
    Client,
    Conflict,
    DeadlineExceeded,
    MediaFailed,
    NotFound,
    new_id,
)
from ari_app.ari.lanes import LANES, Lane
from tests.ari_app.ari.real import LONG, SHORT, call
from tests.rig.asterisk import LINE_NUMBER

pytestmark = pytest.mark.asterisk


class TestHeadOfLine:
    """One blocked command on the websocket would hold up every caller's."""

    @pytest.mark.parametrize(
        "operation", sorted(name for name, lane in LANES.items() if lane is Lane.SOCKET)
    )
    async def test_what_takes_the_websocket_returns_while_a_prompt_plays(
        self, line: Client, far: Client, operation: str
    ) -> None:
        ours, _ = await call(line, far)
        playing = await ours.play(LONG)
        described = line.dispatcher.operation(operation)
        candidates = {
            "channel_id": ours.id,
            "playback_id": playing.id if operation.startswith("playbacks") else new_id("p"),
            "media": SHORT,
            "dtmf": "1",
            "operation": "pause",
        }
        values = {k: v for k, v in candidates.items() if k in described.parameters}
        lane = line._link.lane
        assert lane is not None
        with contextlib.suppress(Conflict):  # no is an answer too: what counts is how soon
            await lane.perform(described.request(values), 0.5)

    @pytest.mark.parametrize(
        ("operation", "values"),
        [
            ("channels.answer", {}),
            ("channels.set_channel_var", {"variable": "X", "value": "1"}),
            ("channels.set_channel_vars", {"variables": {"X": "1"}}),
        ],
    )
    async def test_what_takes_it_only_on_a_quiet_channel_does_wait_for_a_prompt(
        self, line: Client, far: Client, operation: str, values: dict[str, Any]
    ) -> None:
        """If Asterisk stops blocking here, the table in lanes.py may be made simpler."""
        ours, _ = await call(line, far)
        playing = await ours.play(LONG)
        with pytest.raises(DeadlineExceeded):
            await line.call(operation, channel_id=ours.id, deadline=0.3, **values)
        await playing.stop()
        await playing.finished(5)
        await line.call(operation, channel_id=ours.id, **values)

    async def test_one_callers_blocked_command_does_not_delay_another_callers_prompt(
        self, line: Client, far: Client
    ) -> None:
        first, _ = await call(line, far)
        second, _ = await call(line, far)
        await first.play(LONG)
        blocked = asyncio.create_task(first.set_variable("X", "1", deadline=3))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            playback = await second.play(LONG)
            await playback.stop()
        assert not blocked.done()
        blocked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await blocked


class TestRiskyFacts:
    """What Asterisk does and does not promise; if one of these changes, read lanes and client."""

    async def test_a_put_of_one_filter_list_keeps_the_other(self, line: Client) -> None:
        only_one = {"disallowed": [{"type": "ChannelVarset"}]}
        await line.call(
            "applications.filter",
            application_name=line.application,
            filter={"allowed": [{"type": "RESTResponse"}], "disallowed": []},
        )
        kept = await line.call(
            "applications.filter", application_name=line.application, filter=only_one
        )
        assert kept.events_allowed == [{"type": "RESTResponse"}]
        reset = await line.call(
            "applications.filter",
            application_name=line.application,
            filter={"allowed": [], **only_one},
        )
        assert (reset.events_allowed, reset.events_disallowed) == ([], only_one["disallowed"])
        await line.asterisk.ping()

    async def test_an_allow_list_without_rest_response_swallows_replies(self, line: Client) -> None:
        await line.call(
            "applications.filter",
            application_name=line.application,
            filter={"allowed": [{"type": "StasisStart"}], "disallowed": []},
        )
        with pytest.raises(DeadlineExceeded):
            await line.asterisk.ping(deadline=0.3)

    async def test_a_bridge_with_a_channels_id_loses_its_events(
        self, line: Client, far: Client
    ) -> None:
        ours, _ = await call(line, far)
        with pytest.raises(ValueError, match="b-"):
            await line.bridges.create(bridge_id=ours.id)
        with line.listen(ChannelEnteredBridge) as events:
            await line.call("bridges.create_with_id", bridge_id=ours.id, type="mixing")
            await line.bridge(ours.id).add_channel(ours)
            assert await events.get(0.3) is None
        await line.bridge(ours.id).destroy()

    async def test_recording_a_bridged_channel_writes_nothing(
        self, line: Client, far: Client
    ) -> None:
        ours, caller = await call(line, far)
        bridge = await line.bridges.create()
        await bridge.add_channel(ours)
        name = f"tests/{new_id('r')}"
        recording = await ours.record(name)
        await (await caller.play(SHORT)).finished(10)
        with pytest.raises(MediaFailed):
            await recording.finished(5)
        with pytest.raises(NotFound):
            await line.recordings.stored(name).get()

    @pytest.mark.parametrize("size", [300, 4000])
    async def test_ids_may_be_long_but_not_a_channels(
        self, line: Client, far: Client, size: int
    ) -> None:
        ours, _ = await call(line, far)
        playback = await ours.play(SHORT, "p" * size)
        await playback.finished(10)
        bridge = await line.bridges.create(bridge_id="b" * size)
        await bridge.destroy()
        with pytest.raises(BadRequest):
            await line.channels.originate("Local/x@nowhere", channel_id="c" * size)
        assert line.exchange.channels.keys() <= {ours.id}

    async def test_an_id_that_is_taken_is_a_conflict(self, line: Client, far: Client) -> None:
        ours, _ = await call(line, far)
        with pytest.raises((Conflict, AriError)):
            await line.channels.originate(
                f"Local/{LINE_NUMBER}@from-trunk/n", channel_id=ours.id, deadline=2
            )
