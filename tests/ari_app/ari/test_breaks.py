"""What a call sees when the websocket breaks and comes back."""

import asyncio
from collections.abc import Callable

import pytest

from ari_app.ari import (
    ChannelDestroyed,
    ChannelGone,
    Client,
    Disconnected,
    OtherEvent,
    PlaybackFinished,
    StasisEnd,
    StasisStart,
)
from tests.ari_app.ari.fake import (
    SILENCE,
    Answer,
    Asked,
    FakeAri,
    arrive,
)

ClientOf = Callable[..., Client]


def _silent_over(lane: str) -> Callable[[Asked], Answer]:
    return lambda asked: SILENCE if asked.lane == lane else (204, None)


class TestBreaks:
    @pytest.mark.parametrize("way", ["hangup", "answer"])
    async def test_what_may_be_done_twice_goes_over_http_when_the_websocket_breaks_meanwhile(
        self, fake: FakeAri, ari: Client, way: str
    ) -> None:
        asked = {"hangup": ("DELETE", "channels/1.1"), "answer": ("POST", "channels/1.1/answer")}
        method, path = asked[way]
        fake.answers[method, path] = _silent_over("socket")
        await arrive(ari, fake)
        request = asyncio.create_task(getattr(ari.channel("1.1"), way)())
        await fake.wait_for(lambda: f"{method} {path}" in fake.paths("socket"))
        await fake.break_socket()
        await request
        assert f"{method} {path}" in fake.paths("http")

    async def test_a_broken_websocket_fails_what_must_not_be_done_twice_and_comes_back(
        self, fake: FakeAri, ari: Client
    ) -> None:
        fake.answers["POST", "channels/1.1/continue"] = SILENCE
        request = asyncio.create_task(ari.channel("1.1").continue_in_dialplan())
        await fake.wait_for(lambda: "POST channels/1.1/continue" in fake.paths("socket"))
        await fake.break_socket()
        with pytest.raises(Disconnected) as caught:
            await request
        assert not caught.value.retryable
        await fake.wait_for(lambda: len(fake.sockets) == 2)
        assert await ari.wait_connected(2)
        await ari.asterisk.ping()

    async def test_the_event_filter_is_set_after_every_connect_and_resets_both_lists(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await fake.break_socket()
        await fake.wait_for(lambda: len(fake.sockets) == 2)
        assert await ari.wait_connected(2)
        filters = [a.body for a in fake.asked if a.path == "applications/app/eventFilter"]
        assert len(filters) == 2
        assert filters[0] == filters[1]
        assert filters[0]["allowed"] == []
        unwanted = {entry["type"] for entry in filters[0]["disallowed"]}
        assert "ChannelVarset" in unwanted
        assert "RESTResponse" not in unwanted

    @pytest.mark.parametrize("name", ["RESTResponse", "StasisEnd", "ChanelVarset"])
    def test_a_filter_that_would_blind_the_client_or_is_misspelt_is_refused(
        self, name: str, client_of: ClientOf
    ) -> None:
        with pytest.raises(ValueError, match=name):
            client_of(FakeAri(url="http://127.0.0.1:9/ari"), unwanted_events=[name])

    async def test_commands_go_over_http_while_the_websocket_is_down(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        async with client_of(fake, reconnect_first=60, reconnect_most=60) as ari:
            await arrive(ari, fake)
            with ari.listen() as events:
                await fake.break_socket()
                while ari.is_connected:
                    await events.get(0.01)
            await ari.channel("1.1").hangup()
            assert fake.asked[-1].lane == "http"

    async def test_a_caller_who_hung_up_during_the_break_ends_the_call(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await arrive(ari, fake)
        channel = ari.channel("1.1")
        playback = await channel.play("sound:a", "p-1")
        with channel.listen(ChannelDestroyed) as all_of_it, channel.listen(OtherEvent) as keys:
            fake.channels.clear()
            fake.held.clear()
            await fake.break_socket()
            event = await all_of_it.get(2)
            assert event is not None
            assert event.synthesized
            with pytest.raises(ChannelGone):
                await keys.get(2)
            with pytest.raises(ChannelGone):
                await playback.finished(2)
        assert ari.exchange.channels == {}

    async def test_a_channel_that_went_on_in_the_dialplan_during_the_break_ends_the_call(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await arrive(ari, fake)
        with ari.channel("1.1").listen(StasisEnd) as events:
            fake.held.clear()
            await fake.break_socket()
            event = await events.get(2)
        assert event is not None
        assert event.synthesized

    async def test_agent_who_answered_while_nothing_was_heard_is_not_taken_for_silent(
        self, fake: FakeAri, ari: Client
    ) -> None:
        fake.answers["POST", "channels/c-1"] = (200, {"id": "c-1"})
        fake.answers["POST", "channels/c-2"] = (200, {"id": "c-2"})
        answered = {"id": "c-1", "state": "Up", "dialplan": {"app_name": "Stasis"}}
        rings = {"id": "c-2", "state": "Ringing", "dialplan": {"app_name": "AppDial2"}}
        fake.answers["GET", "channels"] = (200, [answered, rings])
        with (
            ari.listen(StasisStart, channels=["c-1"]) as first,
            ari.listen(StasisStart, channels=["c-2"]) as second,
        ):
            for ident in ("c-1", "c-2"):
                await ari.channels.originate("PJSIP/8001", channel_id=ident, app="app")
            fake.held += ["c-1", "c-2"]
            await fake.break_socket()
            event = await first.get(5)
            assert event is not None
            assert event.synthesized
            await fake.start("c-2")
            event = await second.get(5)
            assert event is not None
            assert not event.synthesized
        assert ari.reconciliation.entered == ("c-1",)
        assert len(ari.arrivals()) == len(ari.adopted()) == 0

    async def test_a_prompt_that_ended_during_the_break_is_not_waited_for_for_ever(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await arrive(ari, fake)
        channel = ari.channel("1.1")
        with channel.listen(PlaybackFinished) as events:
            playback = await channel.play("sound:a", "p-1")
            fake.answers["GET", "playbacks/p-1"] = (404, {"message": "Playback not found"})
            await fake.break_socket()
            assert (await playback.finished(2)).synthesized
            assert await events.get(1) is not None

    async def test_channels_found_after_a_connect_are_offered_for_adoption_once(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        fake.channels.append("1.7")
        fake.held.append("1.7")
        async with client_of(fake) as ari:
            assert (await anext(ari.adopted())).id == "1.7"
            await fake.break_socket()
            await fake.wait_for(lambda: len(fake.sockets) == 2)
            assert await ari.wait_connected(2)
            assert len(ari.adopted()) == 0
            assert len(ari.arrivals()) == 0

    async def test_channel_that_still_rings_for_a_former_process_arrives_when_it_is_answered(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        rings = {"id": "1.7", "dialplan": {"context": "from-trunk", "app_name": "AppDial2"}}
        fake.held.append("1.7")
        fake.answers["GET", "channels"] = (200, [rings])
        async with client_of(fake) as ari:
            assert len(ari.adopted()) == 0
            await fake.start("1.7")
            assert (await anext(ari.arrivals())).channel.id == "1.7"

    async def test_after_a_break_answer_does_not_trust_what_the_client_knew(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await arrive(ari, fake)
        await fake.break_socket()
        await fake.wait_for(lambda: len(fake.sockets) == 2)
        assert await ari.wait_connected(2)
        await ari.channel("1.1").answer()
        assert fake.asked[-1].lane == "http"

    async def test_a_stalled_asterisk_is_noticed_by_the_heartbeat(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        async with client_of(fake, heartbeat=0.02, deadline=0.1) as ari:
            fake.mute = True
            await fake.wait_for(lambda: len(fake.sockets) == 2)
            fake.mute = False
            assert await ari.wait_connected(2)

    async def test_an_asterisk_that_refuses_the_filter_is_tried_again(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        tries = 0

        def answer(_: Asked) -> Answer:
            nonlocal tries
            tries += 1
            return (500, {"message": "busy"}) if tries < 3 else (200, {"name": "app"})

        fake.answers["PUT", "applications/app/eventFilter"] = answer
        async with client_of(fake) as ari:
            assert ari.is_connected
        assert tries == 3
