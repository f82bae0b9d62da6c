"""Who may ask for a call-back, and that nobody who was promised one is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ari_app.ari import ChannelDestroyed, ChannelSnapshot
from ari_app.callback_settings import CallbackSettings, check_callback
from ari_app.calls.callback.dial import why_not
from ari_app.calls.serve import serve
from ari_app.outbound_settings import check_outbound
from desk import callbacks
from desk.outbound import LimitSettings, OutboundSettings
from desk.outbound.numbers import dial_string
from desk.region import locate
from tests.ari_app.calls.callback_rig import CUSTOMER
from tests.ari_app.calls.rig import CALL_ID, Desk, FakeChannel, call_on, line_on, outcome, settings

pytestmark = pytest.mark.looptime

ON = OutboundSettings(trunk="carrier")
LIMITS = LimitSettings()


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk()
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("caller_id", "dialled"),
    [
        ("13820220001", "13820220001"),
        ("+8613820220001", "13820220001"),
        ("02287654321", "02287654321"),
        ("87654321", "02287654321"),
        ("anonymous", None),
        ("", None),
        ("+4915112345678", None),
        ("0085223456789", None),
        ("95588", None),
        ("4008123123", None),
        ("10086", None),
        ("8001", None),
        ("13820220001@premium.example", None),
        ("13820220001&PJSIP/0900", None),
        ("0013820220001", None),
    ],
)
def test_only_chinese_subscribers_are_called_and_nothing_that_a_text_says(
    caller_id: str, dialled: str | None
) -> None:
    assert dial_string(locate(caller_id, "022"), LIMITS) == dialled


def test_prefixes_that_are_not_allowed_are_not_called() -> None:
    mobiles = LIMITS.model_copy(update={"allowed_prefixes": ["1"]})
    assert dial_string(locate("02287654321", "022"), mobiles) is None
    assert dial_string(locate(CUSTOMER, "022"), mobiles) == CUSTOMER


@pytest.mark.parametrize(
    ("cause", "state", "why"),
    [
        (17, "Ringing", "busy"),
        (17, "Down", "busy"),
        (21, "Ringing", "rejected"),
        (19, "Ringing", "no_answer"),
        (16, "Ringing", "no_answer"),
        (19, "Down", "trunk"),
        (1, "Down", "no_such_number"),
        (34, "Down", "trunk"),
        (38, "Ringing", "trunk"),
    ],
)
def test_a_trunk_that_fails_is_not_taken_for_a_customer_who_does_not_answer(
    cause: int, state: str, why: str
) -> None:
    event = ChannelDestroyed(channel=ChannelSnapshot(id="c", state=state), cause=cause)
    assert why_not(event, rang=False) == why


def test_settings_name_the_trunk_schedule_or_prompt_that_is_missing() -> None:
    plain = settings()

    def problems(hours: str | None = None, **values: Any) -> list[str]:
        found = [
            *check_callback(CallbackSettings(hours=hours), True, plain.ivr),
            *check_outbound(OutboundSettings(**values), plain.pbx, plain.ivr),
        ]
        return [problem.message for problem in found]

    assert problems() == []
    assert problems(trunk="carrier", hours="day") == []
    assert "carrier" in problems(trunk="carier")[0]
    assert "day" in problems(hours="dya")[0]
    assert "takes calls only" in problems(trunk="carrier", shown_number="4001234567")[0]
    none = {"allowed_prefixes": ["1"], "refused_prefixes": ["1"]}
    assert "no number at all" in problems(trunk="carrier", limits=none)[0]
    bare = plain.ivr.model_copy(update={"prompts": {}})
    assert len(list(check_callback(CallbackSettings(), True, bare))) == 5
    assert list(check_callback(CallbackSettings(), False, bare)) == []
    assert len(list(check_outbound(ON, plain.pbx, bare))) == 11


class TestAsking:
    """A caller in the queue, where every agent has a call."""

    async def _visit(
        self, desk: Desk, caller_id: str, *does: tuple[float, str], trunk: str | None = "carrier"
    ) -> FakeChannel:
        line = line_on(desk, settings(outbound=OutboundSettings(trunk=trunk)))
        for agent in line.settings.pbx.agents:
            line.queue.busy(agent.extension, "another")
        channel, loop = FakeChannel(), asyncio.get_running_loop()
        call = call_on(line, channel, caller_id)
        for seconds, key in ((1.5, "0"), *does):
            loop.call_later(seconds, channel.press if key else lambda _: channel.leave(), key)
        with call.events:
            await serve(call, line)
        line.queue.close()
        assert line.queue.waiting() == ()
        assert line.callback_wanted.is_set() == ("callback" in channel.heard)
        return channel

    async def test_number_is_read_back_and_the_wish_is_kept_with_place_and_ticket(
        self, desk: Desk
    ) -> None:
        channel = await self._visit(desk, "01062345678", (8, "2"))
        digits = [f"digit-{digit}" for digit in "01062345678"]
        at = channel.heard.index("queue_callback_keys")
        assert channel.heard[at:] == ["queue_callback_keys", "callback", *digits, "goodbye"]
        call, ticket = await outcome(desk)
        assert call.cause == "completed"
        assert ticket is not None
        assert ticket.type == "callback"
        (row,) = await desk.read(callbacks.waiting)
        assert (row.call_id, row.number) == (CALL_ID, "01062345678")
        assert row.need["team"] == "national"
        assert row.since.isoformat() == call.state["since"]

    async def test_key_is_heard_while_its_prompt_still_plays(self, desk: Desk) -> None:
        channel = await self._visit(desk, "01062345678", (4.5, "2"))
        assert channel.at("play callback") < 5
        assert len(await desk.read(callbacks.waiting)) == 1

    async def test_caller_who_hangs_up_during_the_promise_is_called_back(self, desk: Desk) -> None:
        await self._visit(desk, "01062345678", (8, "2"), (8.5, ""))
        call, ticket = await outcome(desk)
        assert call.cause == "hangup"
        assert ticket is not None
        assert ticket.type == "callback"
        assert len(await desk.read(callbacks.waiting)) == 1

    @pytest.mark.parametrize("caller_id", ["anonymous", "95588", "+4915112345678"])
    async def test_number_that_cannot_be_called_is_offered_a_message_only(
        self, desk: Desk, caller_id: str
    ) -> None:
        channel = await self._visit(desk, caller_id, (8, "2"), (10, "1"), (14, "#"))
        assert "queue_keys" in channel.heard
        assert "callback" not in channel.heard
        assert "nobody" in channel.heard
        assert await desk.read(callbacks.waiting) == []

    async def test_nothing_is_offered_without_a_trunk(self, desk: Desk) -> None:
        visit = ((8.0, "2"), (10.0, "1"), (14.0, "#"))
        channel = await self._visit(desk, CUSTOMER, *visit, trunk=None)
        assert "queue_callback_keys" not in channel.heard
        assert await desk.read(callbacks.waiting) == []

    async def test_wish_of_a_locked_desk_is_kept_once_it_is_back(self, desk: Desk) -> None:
        asyncio.get_running_loop().call_later(7, desk.lock, 300)
        channel = await self._visit(desk, CUSTOMER, (8, "2"))
        assert channel.heard[-1] == "goodbye"
        assert len(await desk.read(callbacks.waiting)) == 1
