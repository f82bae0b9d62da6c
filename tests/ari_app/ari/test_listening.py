"""What a stage of a call hears: its own events, in order, and the truth when they end."""

import asyncio

import pytest

from ari_app.ari import (
    AriError,
    ChannelDtmfReceived,
    ChannelGone,
    Closed,
    Event,
    Events,
    PlaybackFinished,
    StasisEnd,
    StasisStart,
)
from ari_app.ari.events import BridgeDestroyed, ChannelEvent
from ari_app.ari.exchange import Exchange
from ari_app.ari.listening import Subscription
from ari_app.ari.snapshots import BridgeSnapshot, ChannelSnapshot, PlaybackSnapshot


class Desk:
    """An exchange and the arrivals it reported."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.exchange = Exchange(lambda start: self.arrived.append(start.channel.id))

    def listen(
        self,
        *types: type[Event],
        channels: tuple[str, ...] = ("1",),
        bound: int = 256,
        until: tuple[str, ...] | None = None,
        bridges: tuple[str, ...] = (),
    ) -> Events[Event]:
        ends = channels if until is None else until
        return Events(self.exchange, types, channels, bridges, ends, bound)

    def start(self, channel: str = "1") -> None:
        self.exchange.feed(StasisStart(channel=ChannelSnapshot(id=channel)))

    def key(self, digit: str, channel: str = "1") -> None:
        self.exchange.feed(ChannelDtmfReceived(channel=ChannelSnapshot(id=channel), digit=digit))

    def end(self, channel: str = "1") -> None:
        self.exchange.feed(StasisEnd(channel=ChannelSnapshot(id=channel)))


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_events_of_channel_and_playback_come_in_the_order_they_happened(desk: Desk) -> None:
    done = PlaybackFinished(playback=PlaybackSnapshot(id="p", target_uri="channel:1"))
    with desk.listen() as events:
        desk.key("1")
        desk.exchange.feed(done)
        desk.key("9", channel="2")
        desk.key("2")
        got = [await events.get(1) for _ in range(3)]
    assert [e.digit if isinstance(e, ChannelDtmfReceived) else e for e in got] == ["1", done, "2"]


@pytest.mark.looptime
async def test_silence_is_none_at_the_deadline_and_nothing_is_lost_by_it(desk: Desk) -> None:
    loop = asyncio.get_running_loop()
    with desk.listen() as events:
        began = loop.time()
        assert await events.get(5) is None
        assert loop.time() - began == pytest.approx(5)
        loop.call_later(2, desk.key, "7")
        event = await events.get(5)
        assert isinstance(event, ChannelDtmfReceived)
        assert loop.time() - began == pytest.approx(7)


async def test_types_are_exact_and_a_base_class_stands_for_all_below_it(desk: Desk) -> None:
    with desk.listen(ChannelDtmfReceived) as keys, desk.listen(ChannelEvent) as all_of_them:
        desk.exchange.feed(
            PlaybackFinished(playback=PlaybackSnapshot(id="p", target_uri="channel:1"))
        )
        desk.key("1")
        assert keys.waiting() == all_of_them.waiting() == 1


async def test_hanging_up_ends_every_listener_even_one_that_waits_for_keys_only(desk: Desk) -> None:
    desk.start()
    with desk.listen(ChannelDtmfReceived) as keys, desk.listen(StasisEnd) as ends:
        waiting = asyncio.create_task(keys.get(60))
        await asyncio.sleep(0)
        desk.end()
        with pytest.raises(ChannelGone) as caught:
            await waiting
        assert caught.value.ids == {"channel_id": "1"}
        assert isinstance(await ends.get(1), StasisEnd), "who asked for the event gets it"
        with pytest.raises(ChannelGone):
            await ends.get(1)


async def test_keys_pressed_before_the_hang_up_are_still_heard(desk: Desk) -> None:
    desk.start()
    with desk.listen(ChannelDtmfReceived) as keys:
        desk.key("1")
        desk.end()
        assert await keys.get(1) is not None
        with pytest.raises(ChannelGone):
            await keys.get(1)


async def test_a_stage_that_begins_after_the_hang_up_learns_it_at_once(desk: Desk) -> None:
    desk.start()
    desk.end()
    with desk.listen(ChannelDtmfReceived) as keys, pytest.raises(ChannelGone):
        await keys.get(60)
    assert desk.exchange.channels == {}


async def test_a_talk_that_begins_after_the_agent_hung_up_learns_it_though_the_caller_stays(
    desk: Desk,
) -> None:
    desk.start("caller")
    desk.start("agent")
    desk.end("agent")
    with desk.listen(channels=("caller", "agent")) as events:
        event = await events.get(60)
    assert event is not None
    assert (event.type, event.channel_ids()) == ("StasisEnd", ("agent",))


async def test_a_channel_that_comes_back_is_heard_again(desk: Desk) -> None:
    desk.start()
    desk.end()
    desk.start()
    with desk.listen(ChannelDtmfReceived) as keys:
        desk.key("1")
        assert await keys.get(1) is not None
    assert desk.arrived == ["1", "1"]


async def test_a_listener_of_two_parties_ends_with_the_second(desk: Desk) -> None:
    desk.start("1")
    desk.start("2")
    with desk.listen(ChannelDtmfReceived, channels=("1", "2")) as keys:
        desk.end("1")
        desk.key("5", channel="2")
        assert await keys.get(1) is not None
        desk.end("2")
        with pytest.raises(ChannelGone):
            await keys.get(1)


async def test_a_callers_listener_survives_the_end_of_the_bridge(desk: Desk) -> None:
    desk.start()
    with desk.listen(ChannelDtmfReceived, bridges=("b",)) as keys:
        desk.exchange.feed(BridgeDestroyed(bridge=BridgeSnapshot(id="b")))
        desk.key("5")
        assert await keys.get(1) is not None


async def test_a_flood_is_bounded_told_once_and_never_hides_the_hang_up(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.start()
    with desk.listen(bound=3) as events:
        for _ in range(10):
            desk.key("1")
        desk.end()
        got = [await events.get(1) for _ in range(4)]
    assert [type(event) for event in got] == [ChannelDtmfReceived] * 3 + [StasisEnd]
    assert events.lost == 7
    assert caplog.text.count("listener full") == 1


async def test_two_coroutines_on_one_listener_are_a_mistake_that_is_told(desk: Desk) -> None:
    with desk.listen() as events:
        first = asyncio.create_task(events.get(60))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="give each its own"):
            await events.get(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        desk.key("1")
        assert await events.get(1) is not None, "a cancelled wait leaves the listener usable"


async def test_nothing_is_remembered_of_a_listener_that_left(desk: Desk) -> None:
    with desk.listen(channels=("1", "2"), bridges=("b",)), desk.listen(channels=()):
        pass
    assert (desk.exchange.channels, desk.exchange.bridges) == ({}, {})


async def test_closing_the_client_ends_listeners_of_several_channels_at_once(desk: Desk) -> None:
    desk.start("1")
    with desk.listen(channels=("1", "2")) as several, desk.listen(channels=()) as everything:
        desk.exchange.end(Closed("closed"))
        for events in (several, everything):
            with pytest.raises(Closed):
                await events.get(60)


async def test_a_function_hears_the_same_as_a_queue(desk: Desk) -> None:
    heard: list[Event] = []
    ended: list[AriError] = []
    desk.start()
    with Subscription(
        desk.exchange, (ChannelDtmfReceived,), ("1",), (), ("1",), heard.append, ended.append
    ):
        desk.key("1")
        desk.key("1", channel="2")
        desk.end()
    assert [type(event) for event in heard] == [ChannelDtmfReceived]
    assert [type(error) for error in ended] == [ChannelGone]


async def test_only_so_many_departed_channels_are_remembered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ari_app.ari.exchange.DEPARTED", 3)
    for number in range(10):
        desk.start(str(number))
        desk.end(str(number))
    assert len(desk.exchange._departed) == 3
    assert desk.exchange.channels == {}
