"""Who may ask for a call-back, whom we dial and when, and that no trouble of ours loses a wish."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from ari_app.ari import ChannelDestroyed, ChannelSnapshot
from ari_app.callback_settings import CallbackSettings, check_callback
from ari_app.calls.callback.callbacks import Callbacks
from ari_app.calls.callback.dial import why_not
from ari_app.calls.serve import serve
from ari_app.outbound_settings import check_outbound
from desk import callbacks, journal, timeline
from desk.errors import DatabaseBusy
from desk.journal import NewCall
from desk.outbound import LimitSettings, OutboundSettings
from desk.outbound.numbers import dial_string
from desk.region import locate
from tests.ari_app.calls.callback_rig import CUSTOMER, FIRST, TALK_SECONDS, World
from tests.ari_app.calls.rig import CALL_ID, Desk, FakeChannel, call_on, line_on, outcome, settings

pytestmark = pytest.mark.looptime

ON = OutboundSettings(trunk="carrier")
LIMITS = LimitSettings()
MINUTE = 60.0


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk()
    yield opened
    opened.close()


@pytest_asyncio.fixture
async def world(desk: Desk) -> World:
    return World.of(desk)


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    """Call-backs are made for the length of the block."""
    task = asyncio.create_task(Callbacks(world.line, world.board).run())  # type: ignore[arg-type]
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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


async def test_agent_is_rung_first_then_the_customer_and_both_talk_once(world: World) -> None:
    await world.ask()
    async with working(world):
        row = await world.done()
        assert (row.outcome, row.attempts) == ("answered", 1)
        assert [endpoint for _, endpoint in world.pbx.rung] == [
            "PJSIP/8001",
            f"PJSIP/{CUSTOMER}@carrier",
        ]
        await asyncio.sleep(3600)
        assert len(world.pbx.rung) == 2
    (call,) = [c for c in await world.desk.read(journal.search) if c.direction == "outbound"]
    first = await world.desk.read(journal.get, FIRST)
    assert call.ticket_id == first.ticket_id
    assert (call.dialled, call.caller.e164) == (CUSTOMER, f"+86{CUSTOMER}")
    assert call.id.startswith("huisheng-")
    assert world.line.queue.standing("8001").state == "ready"


async def test_customer_is_not_rung_while_still_hearing_that_we_call_back(world: World) -> None:
    await world.ask(ended=False)
    async with working(world):
        await asyncio.sleep(30)
        assert world.pbx.rung == []
        await world.desk.write(journal.end, FIRST, "completed", world.line.now())
        await world.done()


@pytest.mark.parametrize("answer", ["busy", "silent", "declines"])
async def test_customer_who_is_not_reached_is_rung_again_and_at_last_given_up(
    world: World, answer: str
) -> None:
    world.pbx.customer = [answer]
    await world.ask()
    async with working(world):
        row = await world.done()
    assert (row.outcome, row.attempts) == ("unreachable", 3)
    first, second, third = world.pbx.customers_rung
    assert 10 * MINUTE < second - first < 12 * MINUTE
    assert 10 * MINUTE < third - second < 12 * MINUTE
    told = await world.desk.read(timeline.entries_after, 0, 100, call_id=FIRST)
    end = next(entry for entry in told if entry.kind == "callback.done")
    assert end.ticket_id is not None
    heard = [what for p in world.pbx.phones.values() for what in p.did if "failed" in what]
    assert heard == ["play callback_failed"] * 3
    assert world.pbx.there == set(), "nobody is left on a line"


async def test_agent_is_free_again_while_the_next_attempt_is_due(world: World) -> None:
    world.pbx.customer = ["busy", "answers"]
    await world.ask()
    async with working(world):
        row = await world.until(lambda row: row.state == "waiting" and row.attempts == 1)
        assert row.outcome == "busy"
        assert world.line.queue.standing("8001").state == "ready"
        assert world.line.queue.waiting() == ()
        assert (await world.done()).outcome == "answered"


@pytest.mark.parametrize("fault", ["trunk", "refused"])
async def test_trunk_that_fails_costs_no_attempt_and_is_tried_ever_more_seldom(
    world: World, fault: str
) -> None:
    world.pbx.customer = [*[fault] * 5, "busy", "answers"]
    await world.ask()
    async with working(world):
        row = await world.done()
    assert (row.outcome, row.attempts) == ("answered", 7)
    at = world.pbx.customers_rung
    waits = [round((b - a) / MINUTE / 10) for a, b in pairwise(at)]
    assert waits == [1, 2, 4, 8, 16, 1]


async def test_agent_who_does_not_answer_is_followed_by_the_next(world: World) -> None:
    world.pbx.agents = ["silent", "answers"]
    await world.ask()
    async with working(world):
        await world.done()
    assert [endpoint for _, endpoint in world.pbx.rung][:2] == ["PJSIP/8001", "PJSIP/8002"]


@pytest.mark.parametrize("stays", [0.5, 3.0])
async def test_agent_who_hangs_up_does_not_cost_the_customer_an_attempt(
    world: World, stays: float
) -> None:
    """Before the customer is dialled (0.5 s), and while he is rung (3 s)."""
    world.pbx.agent_stays = stays
    await world.ask()
    async with working(world):
        await asyncio.sleep(2 * 3600)
        assert (await world.row()).state != "done"
        world.pbx.agent_stays = None
        assert (await world.done()).outcome == "answered"
    assert len(world.board.connected) == 1
    assert world.pbx.there == set()


async def test_customer_who_hangs_up_before_the_talk_counts_as_reached_in_vain(
    world: World,
) -> None:
    world.board.talks = False
    await world.ask()
    async with working(world):
        row = await world.done()
    assert (row.outcome, row.attempts) == ("unreachable", 3)


class TestLimits:
    async def test_no_more_at_once_than_allowed(self, desk: Desk) -> None:
        world = World.of(desk, LimitSettings(most_at_once=1))
        for number in (1, 2):
            await world.ask(f"huisheng-1.{number}", f"1382022000{number}")
        async with working(world):
            await world.done(1)
            await world.done(2)
        first, second = world.pbx.customers_rung
        assert second - first > TALK_SECONDS

    async def test_no_more_within_an_hour_than_allowed(self, desk: Desk) -> None:
        world = World.of(desk, LimitSettings(most_per_hour=2))
        for number in (1, 2, 3):
            await world.ask(f"huisheng-1.{number}", f"1382022000{number}")
        async with working(world):
            await world.done(3)
        first, _, third = world.pbx.customers_rung
        assert 3600 < third - first < 3600 + 2 * MINUTE

    async def test_only_within_the_hours(self, desk: Desk) -> None:
        world = World.of(desk, hours="day")
        await asyncio.sleep(9 * 3600)  # 19:00
        await world.ask()
        async with working(world):
            await world.done()
        (at,) = world.pbx.customers_rung
        assert 23 * 3600 <= at < 23 * 3600 + 2 * MINUTE  # 9:00

    async def test_number_that_is_not_the_callers_own_is_never_dialled(self, world: World) -> None:
        await world.ask()
        await world.desk.write(_change_number, "02299999999")
        async with working(world):
            row = await world.done()
        assert row.outcome == "refused"
        assert world.pbx.rung == []

    async def test_another_system_on_the_same_desk_keeps_its_own(self, world: World) -> None:
        await world.ask("other-1.1")
        async with working(world):
            await asyncio.sleep(3600)
        assert world.pbx.rung == []


def _change_number(db: Any, number: str) -> None:
    db.exec_driver_sql("UPDATE callbacks SET number = ?", (number,))


class TestRestart:
    async def _dialling(self, world: World, channel_id: str) -> None:
        """What a process leaves that died once it had dialled, or just before."""

        def take(db: Any) -> None:
            now, caller = world.line.now(), locate(CUSTOMER, "022")
            assert callbacks.dialling(db, 1, channel_id, now)
            new = NewCall(channel_id, CUSTOMER, CUSTOMER, caller, direction="outbound")
            journal.begin(db, new, now)

        await world.ask()
        await world.desk.write(take)

    async def test_attempt_of_unknown_outcome_counts_as_made(self, world: World) -> None:
        await self._dialling(world, "huisheng-callback-1-a")
        async with working(world):
            row = await world.until(lambda row: row.state == "waiting")
            assert (row.outcome, row.attempts) == ("lost", 1)
            assert world.pbx.rung == []
            row = await world.done()
        assert (row.outcome, row.attempts) == ("answered", 2)
        assert world.pbx.customers_rung[0] > 10 * MINUTE

    async def test_customer_whom_a_former_process_rings_is_not_rung_a_second_time(
        self, world: World
    ) -> None:
        await self._dialling(world, "huisheng-callback-1-a")
        world.pbx.there.add("huisheng-callback-1-a")
        async with working(world):
            await asyncio.sleep(30)
            assert (await world.row()).state == "dialling"
            world.pbx.end("huisheng-callback-1-a", 19)
            row = await world.until(lambda row: row.state == "waiting")
            assert row.outcome == "lost"
        assert world.pbx.rung == []

    async def test_two_processes_dial_a_customer_once(self, world: World, desk: Desk) -> None:
        other = World.of(desk)
        other.line.ari = world.pbx  # type: ignore[assignment]
        await world.ask()
        async with working(world), working(other):
            await world.done()
            await asyncio.sleep(3600)
        assert len(world.pbx.customers_rung) == 1


class TestTroubleOfTheDesk:
    async def test_nothing_is_dialled_that_the_desk_does_not_know(
        self, world: World, desk: Desk
    ) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(5.5, setattr, desk, "failure", DatabaseBusy("locked"))
        loop.call_later(600, setattr, desk, "failure", None)
        await world.ask()
        async with working(world):
            await asyncio.sleep(590)
            assert world.pbx.customers_rung == []
            assert world.line.queue.standing("8001").state == "ready"
            await asyncio.sleep(60)
            row = await world.done()
        assert (row.outcome, row.attempts) == ("answered", 1)

    async def test_talk_is_not_repeated_because_its_end_was_not_recorded(
        self, world: World, desk: Desk
    ) -> None:
        await world.ask()
        async with working(world):
            await world.until(lambda row: row.state == "dialling")
            await asyncio.sleep(20)
            desk.lock(1800)
            await asyncio.sleep(1900)
            row = await world.done()
        assert (row.outcome, row.attempts) == ("answered", 1)
        assert len(world.pbx.customers_rung) == 1
