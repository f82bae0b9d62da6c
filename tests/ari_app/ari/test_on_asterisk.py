"""The client against a real Asterisk: a call, from answer to hang-up."""

import asyncio

import pytest

from ari_app.ari import (
    BridgeDestroyed,
    BridgeGone,
    ChannelDtmfReceived,
    ChannelEnteredBridge,
    ChannelGone,
    ChannelLeftBridge,
    Client,
    MediaFailed,
    NotFound,
    PlaybackFinished,
    RecordingFinished,
    StasisStart,
    new_id,
)
from ari_app.ari.lanes import LANES
from tests.ari_app.ari.real import LONG, SHORT, call, one, ring_in, until_gone
from tests.rig.asterisk import LINE_NUMBER

pytestmark = pytest.mark.asterisk


class TestACall:
    async def test_answer_prompt_key_next_prompt_hang_up(self, line: Client, far: Client) -> None:
        ours, caller = await ring_in(line, far)
        with (
            ours.listen(ChannelDtmfReceived, PlaybackFinished) as events,
            caller.listen(StasisStart) as answered,
        ):
            await ours.answer(wait=False)
            menu = await ours.play(LONG, wait=False)
            await one(answered)
            await caller.send_dtmf("5")
            key = await events.get(5)
            assert isinstance(key, ChannelDtmfReceived)
            assert key.digit == "5"
            await menu.stop(wait=False)
            bye = await ours.play([SHORT, SHORT], wait=False)
            ends = [await events.get(5), await events.get(5)]
            assert [e.playback.id for e in ends if isinstance(e, PlaybackFinished)] == [
                menu.id,
                bye.id,
            ]
            await ours.hangup(wait=False)
            with pytest.raises(ChannelGone):
                await events.get(5)
        assert line.refused == 0
        assert line.in_flight == 0
        assert line.exchange.channels == {}

    async def test_what_a_caller_calls_itself_arrives_as_it_is(
        self, line: Client, far: Client
    ) -> None:
        caller = await far.channels.originate(
            f"Local/{LINE_NUMBER}@from-trunk/n", caller_id='"张三 ${SHELL(x)}" <02212345678>'
        )
        async with asyncio.timeout(5):
            start = await anext(line.arrivals())
        assert start.channel.caller.name == "张三 ${SHELL(x)}"
        assert start.channel.dialplan.exten == LINE_NUMBER
        await caller.hangup()

    @pytest.mark.parametrize(
        "value",
        ['a"b', "a\nb\r\nc", "a\\b", "${CHANNEL}", "&=?#%+ ", "\x01\x1f", "é漢😀", "长" * 3000],
    )
    async def test_a_variable_comes_back_as_it_was_set_on_both_lanes(
        self, line: Client, far: Client, value: str
    ) -> None:
        ours, _ = await call(line, far)
        for name in ("OVER_SOCKET", "OVER_HTTP"):
            if name == "OVER_HTTP":
                line.exchange.doubt()
            await ours.set_variable(name, value)
            assert await ours.get_variable(name) == value
        await ours.set_variables({"A": value, "B": "2"})
        assert await ours.get_variable("A") == value
        assert await ours.get_variable("NEVER_SET") == ""

    async def test_what_the_caller_says_is_recorded_and_can_be_fetched(
        self, line: Client, far: Client
    ) -> None:
        ours, caller = await call(line, far)
        name = f"tests/{new_id('r')}"
        recording = await ours.record(name, beep=False, max_duration_seconds=30)
        with ours.listen(RecordingFinished) as events:
            said = await caller.play(SHORT)
            await said.finished(10)
            await recording.stop()
            assert (await recording.finished(5)).recording.name == name
            assert await events.get(5) is not None
        stored = line.recordings.stored(name)
        assert (await stored.get()).format == "wav"
        content = await stored.file()
        assert content[:4] == b"RIFF"
        assert len(content) > 1000
        await stored.delete()
        with pytest.raises(NotFound):
            await stored.file()

    async def test_a_caller_who_hangs_up_while_telling_leaves_a_recording(
        self, line: Client, far: Client
    ) -> None:
        ours, caller = await call(line, far)
        name = f"tests/{new_id('r')}"
        recording = await ours.record(name)
        said = await caller.play(SHORT)
        await said.finished(10)
        await caller.hangup()
        await recording.finished(5)
        assert len(await line.recordings.stored(name).file()) > 1000
        await line.recordings.stored(name).delete()

    async def test_a_sound_that_does_not_exist_is_an_error_not_silence(
        self, line: Client, far: Client
    ) -> None:
        ours, _ = await call(line, far)
        playback = await ours.play("sound:no-such-prompt")
        with pytest.raises(MediaFailed, match="no-such-prompt"):
            await playback.finished(5)

    async def test_two_parties_talk_in_a_bridge(self, line: Client, far: Client) -> None:
        ours, _ = await call(line, far)
        other, _ = await call(line, far)
        bridge = await line.bridges.create("mixing,dtmf_events")
        with bridge.listen(ChannelEnteredBridge) as events:
            await bridge.add_channel(ours, other)
            entered = {(await one(events)).channel_ids() for _ in range(2)}
        assert entered == {(ours.id,), (other.id,)}
        assert set((await bridge.get()).channels) == {ours.id, other.id}
        name = f"tests/{new_id('r')}"
        recording = await bridge.record(name)
        await (await bridge.play(SHORT)).finished(10)
        await recording.stop()
        await recording.finished(5)
        await line.recordings.stored(name).delete()
        await bridge.remove_channel(other)
        with bridge.listen(BridgeDestroyed) as the_end, ours.listen(ChannelLeftBridge) as left:
            await bridge.destroy()
            await one(the_end)
            await one(left)
            with pytest.raises(BridgeGone):
                await the_end.get(1)

    async def test_a_leg_we_ring_is_told_to_its_listener_and_is_no_arrival(
        self, line: Client, far: Client
    ) -> None:
        leg_id = new_id("c")
        with line.listen(channels=[leg_id]) as events:
            await line.channels.originate(
                f"Local/{LINE_NUMBER}@from-trunk/n", channel_id=leg_id, other_channel_id="far-half"
            )
            start = await anext(line.arrivals())
            assert start.channel.id == "far-half", "the half that runs the dialplan does arrive"
            await line.channel("far-half").answer()
            seen = []
            while (event := await events.get(2)) is not None:
                seen.append(event.type)
                if event.type == "StasisStart":
                    break
            assert seen[-1] == "StasisStart"
        assert len(line.arrivals()) == 0

    async def test_back_to_the_dialplan(self, line: Client, far: Client) -> None:
        ours, _ = await call(line, far)
        with ours.listen() as events:
            await ours.continue_in_dialplan("no-such-context", "s", 1)
            assert "StasisEnd" in await until_gone(events)

    async def test_every_operation_asterisk_describes_can_be_called(self, line: Client) -> None:
        assert len(line.descriptions.operations) > 90
        assert (await line.resource("sounds").do("list")) is not None
        assert (await line.applications.get(line.application)).name == line.application
        assert (await line.asterisk.info()).system.version
        with pytest.raises(TypeError, match="snoop_id"):
            await line.call("channels.snoop_channel_with_id", snoopid="x")

    async def test_the_typed_methods_use_names_that_asterisk_describes(self, line: Client) -> None:
        unknown = [name for name in LANES if name not in line.descriptions.operations]
        assert unknown == []
