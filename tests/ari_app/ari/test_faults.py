"""What a caller's call sees when Asterisk, the network or another process misbehaves."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from ari_app.ari import (
    ApplicationReplaced,
    AriError,
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelGone,
    Client,
    Closed,
    DeadlineExceeded,
    Disconnected,
    Forbidden,
    NotFound,
    OtherEvent,
    PlaybackFinished,
    ServerError,
    StasisEnd,
    Unauthorized,
    Unsupported,
)
from tests.ari_app.ari.fake import SILENCE, Answer, Asked, FakeAri

ClientOf = Callable[..., Client]


async def arrive(ari: Client, fake: FakeAri, channel_id: str = "1.1") -> None:
    await fake.start(channel_id)
    start = await anext(ari.arrivals())
    assert start.channel.id == channel_id


def dtmf(channel_id: str, digit: str) -> dict[str, object]:
    return {"type": "ChannelDtmfReceived", "channel": {"id": channel_id}, "digit": digit}


class TestStart:
    async def test_a_wrong_password_is_told_at_once_and_not_retried(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        fake.refuse = 401
        with pytest.raises(Unauthorized, match=r"ari\.conf") as caught:
            async with client_of(fake, startup_deadline=30):
                pass
        assert not caught.value.retryable

    async def test_an_asterisk_that_is_not_there_is_told_after_the_startup_deadline(
        self, client_of: ClientOf
    ) -> None:
        nobody = FakeAri(url="http://127.0.0.1:9/ari")
        with pytest.raises(Disconnected, match=r"127\.0\.0\.1:9"):
            async with client_of(nobody, startup_deadline=0.2):
                pass

    async def test_an_asterisk_that_is_still_starting_is_waited_for(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        fake.refuse = 503

        async def boot() -> None:
            await asyncio.sleep(0.05)
            fake.refuse = None

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(boot())
            async with client_of(fake) as ari:
                assert ari.is_connected

    async def test_a_missing_resource_description_names_the_folder(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        fake.answers["GET", "api-docs/channels.json"] = (404, {"message": "not found"})
        with pytest.raises(Disconnected, match="rest-api"):
            async with client_of(fake, startup_deadline=0.3):
                pass

    async def test_leaving_closes_everything_and_wakes_every_waiter(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        async with client_of(fake) as ari:
            await arrive(ari, fake)
            events = ari.channel("1.1").listen().open()
            waiting = asyncio.create_task(events.get(60))
            lost = asyncio.create_task(ari.wait_lost())
            arrivals = asyncio.create_task(_all_arrivals(ari))
            await asyncio.sleep(0)
        with pytest.raises(Closed):
            await waiting
        await lost
        assert await arrivals == []
        with pytest.raises(Closed):
            await ari.asterisk.ping()


async def _all_arrivals(ari: Client) -> list[str]:
    return [start.channel.id async for start in ari.arrivals()]


class TestReplies:
    @pytest.mark.parametrize(
        ("status", "kind", "retryable"),
        [(404, NotFound, False), (403, Forbidden, False), (500, ServerError, True)],
    )
    @pytest.mark.parametrize("lane", ["socket", "http"])
    async def test_a_refusal_is_typed_and_says_what_it_was_about(
        self,
        fake: FakeAri,
        ari: Client,
        status: int,
        kind: type[AriError],
        retryable: bool,
        lane: str,
    ) -> None:
        if lane == "socket":
            await arrive(ari, fake)  # nothing runs on it, so answer takes the websocket
        fake.answers["POST", "channels/1.1/answer"] = (status, {"message": "no such thing"})
        with pytest.raises(kind, match="no such thing") as caught:
            await ari.channel("1.1").answer()
        error = caught.value
        assert (error.operation, error.ids, error.status, error.retryable) == (
            "channels.answer",
            {"channel_id": "1.1"},
            status,
            retryable,
        )
        assert fake.asked[-1].lane == lane

    async def test_silence_ends_with_the_deadline_on_both_lanes(
        self, fake: FakeAri, ari: Client
    ) -> None:
        fake.answers["POST", "channels/1.1/answer"] = SILENCE
        fake.answers["DELETE", "channels/1.1"] = SILENCE
        channel = ari.channel("1.1")
        with pytest.raises(DeadlineExceeded) as answer:
            await channel.answer(deadline=0.05)
        with pytest.raises(DeadlineExceeded) as hangup:
            await channel.hangup(deadline=0.05)
        assert (fake.asked[-2].lane, fake.asked[-1].lane) == ("http", "socket")
        assert not answer.value.retryable, "Asterisk may have answered the call all the same"
        assert hangup.value.retryable, "hanging up twice is hanging up once"

    async def test_a_reply_after_the_deadline_reaches_nobody_else(
        self, fake: FakeAri, ari: Client
    ) -> None:
        release = asyncio.Event()
        fake.answers["DELETE", "channels/1.1"] = SILENCE
        with pytest.raises(DeadlineExceeded):
            await ari.channel("1.1").hangup(deadline=0.02)
        fake.stop()
        release.set()
        await ari.asterisk.ping()
        assert ari.malformed == 0

    async def test_a_cancelled_request_leaves_nothing_behind(
        self, fake: FakeAri, ari: Client
    ) -> None:
        fake.answers["DELETE", "channels/1.1"] = SILENCE
        request = asyncio.create_task(ari.channel("1.1").hangup())
        await fake.wait_for(lambda: "DELETE channels/1.1" in fake.paths("socket"))
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert ari.in_flight == 0

    async def test_a_refused_play_ends_its_session_and_is_forgotten(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await arrive(ari, fake)
        fake.answers["POST", "channels/1.1/play/p-1"] = (404, {"message": "gone"})
        playback = await ari.channel("1.1").play("sound:x", "p-1", wait=False)
        with pytest.raises(NotFound):
            await playback.finished(1)
        with pytest.raises(NotFound):
            await ari.channel("1.1").play("sound:x", "p-1")
        assert ari.exchange.channels["1.1"].running == {}

    async def test_a_refusal_nobody_waits_for_is_counted_and_logged(
        self, fake: FakeAri, ari: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        await arrive(ari, fake)
        fake.answers["DELETE", "channels/1.1"] = (500, {"message": "out of memory"})
        await ari.channel("1.1").hangup(wait=False)
        await ari.asterisk.ping()
        assert ari.refused == 1
        assert "out of memory" in caplog.text

    async def test_an_unknown_operation_or_parameter_is_refused_before_sending(
        self, fake: FakeAri, ari: Client
    ) -> None:
        before = len(fake.asked)
        with pytest.raises(Unsupported, match="describes no operation"):
            await ari.call("channels.teleport", channel_id="1.1")
        with pytest.raises(AttributeError, match="answer"):
            ari.channel("1.1").teleport  # type: ignore[attr-defined]  # noqa: B018
        with pytest.raises(TypeError, match=r"'media_uri'.*media"):
            await ari.call("channels.play_with_id", channel_id="1.1", media_uri="x")
        with pytest.raises(TypeError, match="playback_id"):
            await ari.call("channels.play_with_id", channel_id="1.1", media="x")
        assert len(fake.asked) == before


class TestLanes:
    async def test_answer_leaves_the_websocket_once_something_plays(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await arrive(ari, fake)
        channel = ari.channel("1.1")
        await channel.answer()
        playback = await channel.play("sound:a", "p-1")
        await channel.answer()
        await fake.tell(
            {"type": "PlaybackFinished", "playback": {"id": "p-1", "target_uri": "channel:1.1"}}
        )
        await playback.finished(1)
        await channel.answer()
        lanes = [a.lane for a in fake.asked if a.path.endswith("/answer")]
        assert lanes == ["socket", "http", "socket"]

    async def test_posted_requests_arrive_in_the_order_they_were_sent(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await arrive(ari, fake)
        channel = ari.channel("1.1")
        await channel.answer(wait=False)
        await channel.play("sound:a", "p-1", wait=False)
        await channel.hangup(wait=False)
        await ari.asterisk.ping()
        asked = [a.path for a in fake.asked if a.path.startswith("channels/1.1")]
        assert asked == ["channels/1.1/answer", "channels/1.1/play/p-1", "channels/1.1"]

    async def test_a_long_value_goes_into_the_body_where_http_would_cut_the_line(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await ari.channel("1.1").set_variable("NOTE", "长" * 3000)
        assert fake.asked[-1].query == {}
        assert fake.asked[-1].body == {"variable": "NOTE", "value": "长" * 3000}


class TestMessages:
    async def test_hostile_messages_do_not_stop_the_reader(
        self, fake: FakeAri, ari: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        await arrive(ari, fake)
        with ari.channel("1.1").listen(ChannelDtmfReceived) as events:
            for message in (
                "garbage",
                "[]",
                "{}",
                '{"type": 7}',
                b'{"type":"StasisStart","channel":{"id":"\xff\xfe"}}',
                {"type": "StasisStart"},
                {"type": "ChannelDtmfReceived", "channel": None, "digit": "1"},
                {"type": "PlaybackFinished", "playback": {"id": 5}},
                {"type": "RESTResponse", "request_id": "999999", "status_code": 200},
                {"type": "RESTResponse", "request_id": "", "status_code": 400},
                "garbage",
            ):
                await fake.tell(message)
            await fake.tell(dtmf("1.1", "5"))
            event = await events.get(1)
        assert event is not None
        assert event.digit == "5"
        assert ari.malformed == 9
        assert caplog.text.count("no JSON") == 1, "once per kind, not once per message"

    async def test_an_event_type_of_a_newer_asterisk_still_reaches_the_channels_listeners(
        self, fake: FakeAri, ari: Client
    ) -> None:
        await arrive(ari, fake)
        with ari.channel("1.1").listen(OtherEvent) as events:
            await fake.tell({"type": "ChannelSneezed", "channel": {"id": "1.1"}, "loud": True})
            event = await events.get(1)
        assert event is not None
        assert (event.type, event.body["loud"]) == ("ChannelSneezed", True)

    async def test_a_listener_that_fails_takes_nobody_with_it(
        self, fake: FakeAri, ari: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        await arrive(ari, fake)
        channel = ari.channel("1.1")

        def fail(_: object) -> None:
            raise RuntimeError("a mistake of the application")

        with channel.on(fail, ChannelDtmfReceived), channel.listen(ChannelDtmfReceived) as events:
            await fake.tell(dtmf("1.1", "1"))
            assert await events.get(1) is not None
        assert ari.exchange.failed_listeners == 1
        assert "a mistake of the application" in caplog.text

    async def test_too_many_arrivals_go_back_to_their_dialplan(
        self, fake: FakeAri, client_of: ClientOf
    ) -> None:
        async with client_of(fake, arrivals=1) as ari:
            await fake.start("1.1")
            await fake.start("1.2")
            await fake.wait_for(lambda: "POST channels/1.2/continue" in fake.paths("socket"))
            assert (await anext(ari.arrivals())).channel.id == "1.1"


class TestBreaks:
    async def test_a_broken_websocket_fails_what_is_in_flight_and_comes_back(
        self, fake: FakeAri, ari: Client
    ) -> None:
        fake.answers["DELETE", "channels/1.1"] = SILENCE
        request = asyncio.create_task(ari.channel("1.1").hangup())
        await fake.wait_for(lambda: "DELETE channels/1.1" in fake.paths("socket"))
        await fake.break_socket()
        with pytest.raises(Disconnected) as caught:
            await request
        assert caught.value.retryable
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


class TestReplaced:
    async def test_another_process_that_takes_the_line_stops_this_one(
        self, fake: FakeAri, ari: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        await arrive(ari, fake)
        events = ari.channel("1.1").listen().open()
        waits = [
            asyncio.create_task(ari.wait_lost()),
            asyncio.create_task(_all_arrivals(ari)),
            asyncio.create_task(events.get(60)),
        ]
        await asyncio.sleep(0)
        await fake.tell({"type": "ApplicationReplaced", "application": "app"})
        for result in await asyncio.gather(*waits, return_exceptions=True):
            assert isinstance(result, ApplicationReplaced)
        with pytest.raises(ApplicationReplaced, match="stop one of the two"):
            await ari.asterisk.ping()
        assert not ari.is_connected
        assert any(record.levelno == logging.CRITICAL for record in caplog.records)
        assert len(fake.sockets) == 1, "it must not take the line back"


class TestOriginate:
    async def test_a_leg_we_ring_is_no_arrival(self, fake: FakeAri, ari: Client) -> None:
        fake.answers["POST", "channels/c-1"] = (200, {"id": "c-1"})
        leg = await ari.channels.originate("PJSIP/8001", channel_id="c-1")
        await fake.start("c-1")
        await arrive(ari, fake, "1.1")
        assert leg.id == "c-1"

    async def test_a_leg_of_which_no_reply_came_is_hung_up(
        self, fake: FakeAri, ari: Client
    ) -> None:
        fake.answers["POST", "channels/c-1"] = SILENCE
        fake.answers["DELETE", "channels/c-1"] = (404, {"message": "Channel not found"})
        with pytest.raises(DeadlineExceeded):
            await ari.channels.originate("PJSIP/8001", channel_id="c-1", deadline=0.05)
        await fake.wait_for(lambda: "DELETE channels/c-1" in fake.paths("socket"))
        await ari.asterisk.ping()
        assert ari.exchange.channels == {}
