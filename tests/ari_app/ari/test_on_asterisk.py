"""The client against a real Asterisk: a call, and the facts the client's design stands on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ari_app.ari import (
    ApplicationReplaced,
    AriError,
    BadRequest,
    BridgeDestroyed,
    BridgeGone,
    Channel,
    ChannelDtmfReceived,
    ChannelEnteredBridge,
    ChannelGone,
    ChannelLeftBridge,
    Client,
    Conflict,
    DeadlineExceeded,
    Event,
    Events,
    MediaFailed,
    NotFound,
    PlaybackFinished,
    RecordingFinished,
    StasisStart,
    new_id,
)
from ari_app.ari.lanes import LANES, Lane
from asterisk_conf.render import ARI_USER
from asterisk_conf.server import AsteriskServer
from tests.rig.asterisk import LINE_NUMBER

pytestmark = pytest.mark.asterisk
LONG = "tone:400"  # plays until it is stopped
SHORT = "sound:huisheng/test-short"  # 0.3 s
ClientOn = Callable[..., Client]


@pytest.fixture
def client_on(asterisk: AsteriskServer) -> ClientOn:
    sound = asterisk.paths.sounds / "huisheng" / "test-short.alaw"
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.write_bytes(bytes(range(0x80, 0x100)) * 19)

    def make(**settings: Any) -> Client:
        values: dict[str, Any] = {
            "url": asterisk.ari_url,
            "username": ARI_USER,
            "password": asterisk.secrets.ari,
            "application": asterisk.pbx.application,
        }
        return Client(**(values | settings))

    return make


@pytest.fixture
async def ari(client_on: ClientOn) -> AsyncIterator[Client]:
    """The line's application."""
    async with client_on() as client:
        yield client
        with contextlib.suppress(ApplicationReplaced):
            await _clear(client)


@pytest.fixture
async def far(ari: Client, client_on: ClientOn) -> AsyncIterator[Client]:
    """An application that plays the callers: the other halves of Local channels."""
    async with client_on(application="callers") as client:
        yield client


async def _clear(ari: Client) -> None:
    for snapshot in await ari.channels.list():
        with contextlib.suppress(NotFound):
            await ari.channel(snapshot.id).hangup()
    for bridge in await ari.bridges.list():
        with contextlib.suppress(NotFound, Conflict):  # just ended, or ending
            await ari.bridge(bridge.id).destroy()


async def ring_in(ari: Client, far: Client) -> tuple[Channel, Channel]:
    """(our channel, the caller's half) of a new call to the line."""
    caller = await far.channels.originate(f"Local/{LINE_NUMBER}@from-trunk/n")
    async with asyncio.timeout(5):
        start = await anext(ari.arrivals())
    return ari.channel(start.channel.id), caller


async def call(ari: Client, far: Client) -> tuple[Channel, Channel]:
    """The same, answered on both sides."""
    ours, caller = await ring_in(ari, far)
    with caller.listen(StasisStart) as events:  # the caller's half enters once we answer
        await ours.answer()
        await _one(events)
    return ours, caller


class TestACall:
    async def test_answer_prompt_key_next_prompt_hang_up(self, ari: Client, far: Client) -> None:
        ours, caller = await ring_in(ari, far)
        with (
            ours.listen(ChannelDtmfReceived, PlaybackFinished) as events,
            caller.listen(StasisStart) as answered,
        ):
            await ours.answer(wait=False)
            menu = await ours.play(LONG, wait=False)
            await _one(answered)
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
        assert ari.refused == 0
        assert ari.in_flight == 0
        assert ari.exchange.channels == {}

    async def test_what_a_caller_calls_itself_arrives_as_it_is(
        self, ari: Client, far: Client
    ) -> None:
        caller = await far.channels.originate(
            f"Local/{LINE_NUMBER}@from-trunk/n", caller_id='"张三 ${SHELL(x)}" <02212345678>'
        )
        async with asyncio.timeout(5):
            start = await anext(ari.arrivals())
        assert start.channel.caller.name == "张三 ${SHELL(x)}"
        assert start.channel.dialplan.exten == LINE_NUMBER
        await caller.hangup()

    @pytest.mark.parametrize(
        "value",
        ['a"b', "a\nb\r\nc", "a\\b", "${CHANNEL}", "&=?#%+ ", "\x01\x1f", "é漢😀", "长" * 3000],
    )
    async def test_a_variable_comes_back_as_it_was_set_on_both_lanes(
        self, ari: Client, far: Client, value: str
    ) -> None:
        ours, _ = await call(ari, far)
        for name in ("OVER_SOCKET", "OVER_HTTP"):
            if name == "OVER_HTTP":
                ari.exchange.doubt()
            await ours.set_variable(name, value)
            assert await ours.get_variable(name) == value
        await ours.set_variables({"A": value, "B": "2"})
        assert await ours.get_variable("A") == value
        assert await ours.get_variable("NEVER_SET") == ""

    async def test_what_the_caller_says_is_recorded_and_can_be_fetched(
        self, ari: Client, far: Client
    ) -> None:
        ours, caller = await call(ari, far)
        name = f"tests/{new_id('r')}"
        recording = await ours.record(name, beep=False, max_duration_seconds=30)
        with ours.listen(RecordingFinished) as events:
            said = await caller.play(SHORT)
            await said.finished(10)
            await recording.stop()
            assert (await recording.finished(5)).recording.name == name
            assert await events.get(5) is not None
        stored = ari.recordings.stored(name)
        assert (await stored.get()).format == "wav"
        content = await stored.file()
        assert content[:4] == b"RIFF"
        assert len(content) > 1000
        await stored.delete()
        with pytest.raises(NotFound):
            await stored.file()

    async def test_a_caller_who_hangs_up_while_telling_leaves_a_recording(
        self, ari: Client, far: Client
    ) -> None:
        ours, caller = await call(ari, far)
        name = f"tests/{new_id('r')}"
        recording = await ours.record(name)
        said = await caller.play(SHORT)
        await said.finished(10)
        await caller.hangup()
        await recording.finished(5)
        assert len(await ari.recordings.stored(name).file()) > 1000
        await ari.recordings.stored(name).delete()

    async def test_a_sound_that_does_not_exist_is_an_error_not_silence(
        self, ari: Client, far: Client
    ) -> None:
        ours, _ = await call(ari, far)
        playback = await ours.play("sound:no-such-prompt")
        with pytest.raises(MediaFailed, match="no-such-prompt"):
            await playback.finished(5)

    async def test_two_parties_talk_in_a_bridge(self, ari: Client, far: Client) -> None:
        ours, _ = await call(ari, far)
        other, _ = await call(ari, far)
        bridge = await ari.bridges.create("mixing,dtmf_events")
        with bridge.listen(ChannelEnteredBridge) as events:
            await bridge.add_channel(ours, other)
            entered = {(await _one(events)).channel_ids() for _ in range(2)}
        assert entered == {(ours.id,), (other.id,)}
        assert set((await bridge.get()).channels) == {ours.id, other.id}
        name = f"tests/{new_id('r')}"
        recording = await bridge.record(name)
        await (await bridge.play(SHORT)).finished(10)
        await recording.stop()
        await recording.finished(5)
        await ari.recordings.stored(name).delete()
        await bridge.remove_channel(other)
        with bridge.listen(BridgeDestroyed) as the_end, ours.listen(ChannelLeftBridge) as left:
            await bridge.destroy()
            await _one(the_end)
            await _one(left)
            with pytest.raises(BridgeGone):
                await the_end.get(1)

    async def test_a_leg_we_ring_is_told_to_its_listener_and_is_no_arrival(
        self, ari: Client, far: Client
    ) -> None:
        leg_id = new_id("c")
        with ari.listen(channels=[leg_id]) as events:
            await ari.channels.originate(
                f"Local/{LINE_NUMBER}@from-trunk/n", channel_id=leg_id, other_channel_id="far-half"
            )
            start = await anext(ari.arrivals())
            assert start.channel.id == "far-half", "the half that runs the dialplan does arrive"
            await ari.channel("far-half").answer()
            seen = []
            while (event := await events.get(2)) is not None:
                seen.append(event.type)
                if event.type == "StasisStart":
                    break
            assert seen[-1] == "StasisStart"
        assert len(ari.arrivals()) == 0

    async def test_back_to_the_dialplan(self, ari: Client, far: Client) -> None:
        ours, _ = await call(ari, far)
        with ours.listen() as events:
            await ours.continue_in_dialplan("no-such-context", "s", 1)
            assert "StasisEnd" in await _until_gone(events)

    async def test_every_operation_asterisk_describes_can_be_called(self, ari: Client) -> None:
        assert len(ari.descriptions.operations) > 90
        assert (await ari.resource("sounds").do("list")) is not None
        assert (await ari.applications.get(ari.application)).name == ari.application
        assert (await ari.asterisk.info()).system.version
        with pytest.raises(TypeError, match="snoop_id"):
            await ari.call("channels.snoop_channel_with_id", snoopid="x")

    async def test_the_typed_methods_use_names_that_asterisk_describes(self, ari: Client) -> None:
        unknown = [name for name in LANES if name not in ari.descriptions.operations]
        assert unknown == []


async def _until_gone(events: Events[Event]) -> list[str]:
    seen = []
    with contextlib.suppress(ChannelGone):
        while (event := await events.get(5)) is not None:
            seen.append(event.type)
    return seen


async def _one(events: Any) -> Event:
    event = await events.get(5)
    assert event is not None
    return event


class TestHeadOfLine:
    """One blocked command on the websocket would hold up every caller's."""

    @pytest.mark.parametrize(
        "operation", sorted(name for name, lane in LANES.items() if lane is Lane.SOCKET)
    )
    async def test_what_takes_the_websocket_returns_while_a_prompt_plays(
        self, ari: Client, far: Client, operation: str
    ) -> None:
        ours, _ = await call(ari, far)
        playing = await ours.play(LONG)
        described = ari.dispatcher.operation(operation)
        candidates = {
            "channel_id": ours.id,
            "playback_id": playing.id if operation.startswith("playbacks") else new_id("p"),
            "media": SHORT,
            "dtmf": "1",
            "operation": "pause",
        }
        values = {k: v for k, v in candidates.items() if k in described.parameters}
        lane = ari._link.lane
        assert lane is not None
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
        self, ari: Client, far: Client, operation: str, values: dict[str, Any]
    ) -> None:
        """If Asterisk stops blocking here, the table in lanes.py may be made simpler."""
        ours, _ = await call(ari, far)
        playing = await ours.play(LONG)
        with pytest.raises(DeadlineExceeded):
            await ari.call(operation, channel_id=ours.id, deadline=0.3, **values)
        await playing.stop()
        await playing.finished(5)
        await ari.call(operation, channel_id=ours.id, **values)

    async def test_one_callers_blocked_command_does_not_delay_another_callers_prompt(
        self, ari: Client, far: Client
    ) -> None:
        first, _ = await call(ari, far)
        second, _ = await call(ari, far)
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

    async def test_a_put_of_one_filter_list_keeps_the_other(self, ari: Client) -> None:
        only_one = {"disallowed": [{"type": "ChannelVarset"}]}
        await ari.call(
            "applications.filter",
            application_name=ari.application,
            filter={"allowed": [{"type": "RESTResponse"}], "disallowed": []},
        )
        kept = await ari.call(
            "applications.filter", application_name=ari.application, filter=only_one
        )
        assert kept.events_allowed == [{"type": "RESTResponse"}]
        reset = await ari.call(
            "applications.filter",
            application_name=ari.application,
            filter={"allowed": [], **only_one},
        )
        assert (reset.events_allowed, reset.events_disallowed) == ([], only_one["disallowed"])
        await ari.asterisk.ping()

    async def test_an_allow_list_without_rest_response_swallows_replies(self, ari: Client) -> None:
        await ari.call(
            "applications.filter",
            application_name=ari.application,
            filter={"allowed": [{"type": "StasisStart"}], "disallowed": []},
        )
        with pytest.raises(DeadlineExceeded):
            await ari.asterisk.ping(deadline=0.3)

    async def test_a_bridge_with_a_channels_id_loses_its_events(
        self, ari: Client, far: Client
    ) -> None:
        ours, _ = await call(ari, far)
        with pytest.raises(ValueError, match="b-"):
            await ari.bridges.create(bridge_id=ours.id)
        with ari.listen(ChannelEnteredBridge) as events:
            await ari.call("bridges.create_with_id", bridge_id=ours.id, type="mixing")
            await ari.bridge(ours.id).add_channel(ours)
            assert await events.get(0.3) is None
        await ari.bridge(ours.id).destroy()

    async def test_recording_a_bridged_channel_writes_nothing(
        self, ari: Client, far: Client
    ) -> None:
        ours, caller = await call(ari, far)
        bridge = await ari.bridges.create()
        await bridge.add_channel(ours)
        name = f"tests/{new_id('r')}"
        recording = await ours.record(name)
        await (await caller.play(SHORT)).finished(10)
        with pytest.raises(MediaFailed):
            await recording.finished(5)
        with pytest.raises(NotFound):
            await ari.recordings.stored(name).get()

    @pytest.mark.parametrize("size", [300, 4000])
    async def test_ids_may_be_long_but_not_a_channels(
        self, ari: Client, far: Client, size: int
    ) -> None:
        ours, _ = await call(ari, far)
        playback = await ours.play(SHORT, "p" * size)
        await playback.finished(10)
        bridge = await ari.bridges.create(bridge_id="b" * size)
        await bridge.destroy()
        with pytest.raises(BadRequest):
            await ari.channels.originate("Local/x@nowhere", channel_id="c" * size)
        assert ari.exchange.channels.keys() <= {ours.id}

    async def test_an_id_that_is_taken_is_a_conflict(self, ari: Client, far: Client) -> None:
        ours, _ = await call(ari, far)
        with pytest.raises((Conflict, AriError)):
            await ari.channels.originate(
                f"Local/{LINE_NUMBER}@from-trunk/n", channel_id=ours.id, deadline=2
            )


class TestBreaks:
    async def test_calls_go_on_over_a_broken_websocket_and_what_was_missed_is_made_up(
        self, client_on: ClientOn, far: Client, ari: Client
    ) -> None:
        gone, gone_caller = await call(ari, far)
        stays, stays_caller = await call(ari, far)
        playing = await stays.play(LONG)
        with (
            gone.listen(ChannelDtmfReceived) as gone_events,
            stays.listen(ChannelDtmfReceived) as stays_events,
        ):
            await _cut(ari)
            await gone_caller.hangup()
            await playing.stop()
            assert await ari.wait_connected(5)
            with pytest.raises(ChannelGone):
                await gone_events.get(5)
            await playing.finished(5)
            await stays_caller.send_dtmf("7")
            key = await stays_events.get(5)
        assert key is not None
        assert key.digit == "7"
        assert gone.id in ari.reconciliation.gone

    async def test_the_event_filter_is_there_again_after_a_reconnect(self, ari: Client) -> None:
        await _cut(ari)
        assert await ari.wait_connected(5)
        assert ari.connects == 2
        held = await ari.applications.get(ari.application)
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
                await _clear(after)

    async def test_a_second_client_takes_the_line_and_the_first_stops(
        self, ari: Client, client_on: ClientOn
    ) -> None:
        lost = asyncio.create_task(ari.wait_lost())
        async with client_on() as second:
            with pytest.raises(ApplicationReplaced):
                await lost
            with pytest.raises(ApplicationReplaced):
                await ari.asterisk.ping()
            await second.asterisk.ping()
            assert (await second.applications.get(second.application)).name == second.application


async def _cut(ari: Client) -> None:
    """Break the websocket under the client, as a network would."""
    lane = ari._link.lane
    assert lane is not None
    lane._socket._response.connection.transport.abort()
    with ari.listen() as anything:  # the reader notices when it is given a turn
        while ari.is_connected:
            await anything.get(0.01)
