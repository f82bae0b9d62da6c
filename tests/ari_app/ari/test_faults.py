"""What a caller's call sees when Asterisk, the network or another process misbehaves."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from ari_app.ari import (
    ApplicationReplaced,
    ChannelDtmfReceived,
    Client,
    Closed,
    Disconnected,
    OtherEvent,
    Unauthorized,
)
from tests.ari_app.ari.fake import (
    FakeAri,
    all_arrivals,
    arrive,
    dtmf,
)

ClientOf = Callable[..., Client]


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
            arrivals = asyncio.create_task(all_arrivals(ari))
            await asyncio.sleep(0)
        with pytest.raises(Closed):
            await waiting
        await lost
        assert await arrivals == []
        with pytest.raises(Closed):
            await ari.asterisk.ping()


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


class TestReplaced:
    async def test_another_process_that_takes_the_line_stops_this_one(
        self, fake: FakeAri, ari: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        await arrive(ari, fake)
        events = ari.channel("1.1").listen().open()
        waits = [
            asyncio.create_task(ari.wait_lost()),
            asyncio.create_task(all_arrivals(ari)),
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
