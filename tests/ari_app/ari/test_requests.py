"""What a request sees when Asterisk refuses, is silent or cannot be reached."""

import asyncio
from collections.abc import Callable

import pytest

from ari_app.ari import (
    AriError,
    Client,
    DeadlineExceeded,
    Forbidden,
    NotFound,
    ServerError,
    Unsupported,
)
from tests.ari_app.ari.fake import (
    SILENCE,
    FakeAri,
    arrive,
)

ClientOf = Callable[..., Client]


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
