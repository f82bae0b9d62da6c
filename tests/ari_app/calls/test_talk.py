"""Talks in virtual time: whoever hangs up, fails or dies, and when, nobody is left behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ari_app.ari import ChannelSnapshot, DeadlineExceeded, NotFound, ServerError, StasisStart
from ari_app.calls.call import Stage
from ari_app.queue import AgentState
from desk.errors import NotPossibleNow
from tests.ari_app.calls.pbx import Line, Phone
from tests.ari_app.calls.rig import CALL_ID, Desk
from tests.ari_app.calls.talk_rig import AGENT, OTHER, World

pytestmark = pytest.mark.looptime

WRAPS_UP = (AgentState.WRAP_UP, AgentState.READY)


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    desk = Desk()
    world = World(desk, monkeypatch)
    yield world
    await world.stop()
    desk.close()


async def test_talk_from_ring_to_good_bye_leaves_nothing_but_a_ticket(world: World) -> None:
    await world.talking()
    assert world.state() is AgentState.BUSY
    assert len(world.pbx.tapes) == 2
    assert len(world.pool.streams) == 2
    await asyncio.sleep(5)
    world.pbx.hang_up(AGENT)
    await world.over()
    assert world.pbx.left() == {}
    assert world.pool.streams == set()
    assert world.state() in WRAPS_UP
    assert (await world.journaled()).cause == "completed"
    assert await world.ticket() == "call"
    assert len(world.vault.mixed) == 1


async def order(world: World, verb: str, *args: str) -> None:
    await getattr(world.controls, verb)(CALL_ID, *args, actor="test")


def paused(world: World) -> set[bool]:
    """Whether the recordings and the ears rest."""
    tapes = {tape.paused for tape in world.pbx.tapes.values()}
    return tapes | {stream.paused for stream in world.pool.streams}


class TestPause:
    async def test_second_card_number_is_kept_no_more_than_the_first(self, world: World) -> None:
        call = await world.talking()
        for _ in range(2):
            await order(world, "pause_recording")
            assert paused(world) == {True}
            assert call.private
            await order(world, "resume_recording")
            assert paused(world) == {False}
            assert not call.private

    async def test_pause_that_fails_for_one_party_is_refused_and_forgotten(
        self, world: World
    ) -> None:
        call = await world.talking()
        world.pbx.refuses[f"pause party-{CALL_ID}-{CALL_ID}"] = DeadlineExceeded("late")
        world.pbx.refuses[f"pause {[*world.pbx.tapes][1]}"] = DeadlineExceeded("late")
        with pytest.raises(NotPossibleNow):
            await order(world, "pause_recording")
        assert paused(world) == {False}
        assert not call.private
        world.pbx.refuses.clear()
        await order(world, "pause_recording")
        assert paused(world) == {True}

    async def test_agent_who_joins_meanwhile_is_not_kept_either(self, world: World) -> None:
        await world.talking()
        await order(world, "pause_recording")
        await order(world, "conference", OTHER)
        await world.until(lambda: world.talks_with(OTHER))
        assert len(world.pbx.tapes) == 3
        assert paused(world) == {True}
        await order(world, "resume_recording")
        assert paused(world) == {False}

    async def test_agent_who_joins_meanwhile_and_cannot_be_paused_is_not_recorded(
        self, world: World
    ) -> None:
        await world.talking()
        await order(world, "pause_recording")
        world.pbx.refuses["pause"] = DeadlineExceeded("late")
        await order(world, "conference", OTHER)
        await world.until(lambda: world.talks_with(OTHER))
        assert paused(world) == {True}

    async def test_talk_that_is_not_recorded_is_not_after_a_pause_either(
        self, world: World
    ) -> None:
        await world.talking(recorded="off")
        await order(world, "pause_recording")
        await order(world, "conference", OTHER)
        await world.until(lambda: world.talks_with(OTHER))
        await order(world, "resume_recording")
        assert world.controls.talk(CALL_ID).recording == "off"  # type: ignore[union-attr]
        assert world.pbx.tapes == {}

    async def test_crash_before_the_pause_is_journaled_leaves_nobody_half_paused(
        self, world: World
    ) -> None:
        await world.talking()
        names = [*world.pbx.tapes]
        world.pbx.pause(names[0], True)  # the crash came after the first
        await world.kill()
        world.begin()
        await world.until(lambda: world.talks_with(AGENT) and len(world.pool.streams) == 2)
        await asyncio.sleep(1)
        assert len(paused(world)) == 1
        await order(world, "resume_recording")
        assert paused(world) == {False}

    async def test_pause_outlives_us(self, world: World) -> None:
        await world.talking()
        await order(world, "pause_recording")
        await world.kill()
        world.begin()
        await world.until(lambda: len(world.pool.streams) == 2)
        await asyncio.sleep(1)
        assert paused(world) == {True}
        assert world.board.call(CALL_ID).private  # type: ignore[union-attr]
        await order(world, "resume_recording")
        assert paused(world) == {False}


class TestRestart:
    async def test_talk_goes_on_with_both_ears(self, world: World) -> None:
        await world.talking()
        await asyncio.sleep(3)
        await world.kill()
        world.begin()
        await world.until(lambda: len(world.pool.streams) == 2)
        await asyncio.sleep(0.5)
        assert world.controls.talk(CALL_ID).transcript == "live"  # type: ignore[union-attr]
        assert world.state() is AgentState.BUSY
        await asyncio.sleep(3)
        world.pbx.hang_up(AGENT)
        await world.over()
        assert world.pbx.left() == {}
        assert world.state() in WRAPS_UP

    async def test_caller_on_hold_is_still_and_can_be_brought_back(self, world: World) -> None:
        await world.talking()
        await order(world, "hold")
        await world.kill()
        world.begin()
        await world.board.resumed.wait()
        await asyncio.sleep(1)
        assert world.caller is not None
        assert world.caller.music
        assert world.caller.limit is None
        await order(world, "resume")
        assert world.talks_with(AGENT)

    async def test_whom_the_agent_asked_is_still_there_and_busy(self, world: World) -> None:
        await world.talking()
        await order(world, "transfer", OTHER, "attended")
        await asyncio.sleep(3)
        await world.kill()
        world.begin()
        await world.board.resumed.wait()
        await asyncio.sleep(1)
        assert world.state(OTHER) is AgentState.BUSY
        await order(world, "complete_transfer")
        assert world.talks_with(OTHER)
        await world.until(lambda: world.state() in WRAPS_UP)

    async def test_who_was_rung_is_let_go_and_the_caller_back(self, world: World) -> None:
        world.pbx.phones[OTHER] = Phone(answers=20.0)
        await world.talking()
        await order(world, "transfer", OTHER, "attended")
        await asyncio.sleep(0.5)
        await world.kill()
        world.begin()
        await world.until(lambda: world.talks_with(AGENT))
        assert world.pbx.leg_of(OTHER) is None
        assert world.state(OTHER) is AgentState.READY

    async def test_blind_transfer_that_was_begun_is_carried_on(self, world: World) -> None:
        await world.talking()

        def dies(_: int, what: str) -> None:
            if what.startswith("variable SET(HUISHENG_CALLER=)"):
                world.ari.dead = True

        world.pbx.before = dies
        moving = asyncio.create_task(order(world, "transfer", OTHER, "blind"))
        await world.until(lambda: world.ari.dead)
        moving.cancel()
        world.pbx.before = lambda _number, _what: None
        await world.kill()
        world.begin()
        await world.until(lambda: world.talks_with(OTHER))
        await world.until(lambda: world.state() in WRAPS_UP)

    async def test_agent_who_left_meanwhile_means_good_bye(self, world: World) -> None:
        await world.talking()
        await world.kill()
        world.pbx.hang_up(AGENT)
        await asyncio.sleep(1)
        world.begin()
        await world.board.resumed.wait()
        await world.over()
        assert world.pbx.left() == {}
        assert await world.ticket() == "call"

    async def test_caller_who_left_meanwhile_leaves_no_agent_behind(self, world: World) -> None:
        await world.talking()
        await world.kill()
        world.leaves()
        await asyncio.sleep(1)
        world.begin()
        await world.board.resumed.wait()
        await world.over()
        assert world.pbx.left() == {}
        assert world.state() in WRAPS_UP
        assert await world.ticket() == "call"


class TestTransfer:
    async def test_recordings_of_both_talks_are_kept_apart(self, world: World) -> None:
        await world.talking()
        await asyncio.sleep(5)
        await order(world, "transfer", OTHER, "blind")
        await world.until(lambda: world.talks_with(OTHER))
        await asyncio.sleep(7)
        world.leaves()
        await world.over()
        ((mixed),) = world.vault.mixed
        assert len({name for name, _, _ in mixed}) == 4

    async def test_transfer_that_asterisk_refuses_changes_nothing(self, world: World) -> None:
        await world.talking()
        world.pbx.refuses["part"] = ServerError("no")
        with pytest.raises(NotPossibleNow):
            await order(world, "transfer", OTHER, "blind")
        world.pbx.refuses.clear()
        world.pbx.hang_up(AGENT)
        await world.over()
        assert (await world.journaled()).cause == "completed"
        assert "call.transferred" not in await world.kinds()

    async def test_telephone_that_cannot_be_reached_rests(self, world: World) -> None:
        world.pbx.phones[OTHER] = Phone(answers=None, cause=20)
        await world.talking()
        await order(world, "transfer", OTHER, "attended")
        await world.until(lambda: world.talks_with(AGENT))
        assert world.state(OTHER) is AgentState.UNREACHABLE

    async def test_who_is_asked_is_busy_while_asked(self, world: World) -> None:
        await world.talking()
        await order(world, "transfer", OTHER, "attended")
        await asyncio.sleep(2)
        assert world.state(OTHER) is AgentState.BUSY


class TestHold:
    @pytest.mark.parametrize("refused", ["music", "part", "join", "variable"])
    async def test_refusal_leaves_a_caller_who_can_be_brought_back(
        self, world: World, refused: str
    ) -> None:

        await world.talking()
        for verb in ("hold", "resume"):
            world.pbx.refuses[refused] = ServerError("no")
            with contextlib.suppress(NotPossibleNow):
                await order(world, verb)
            world.pbx.refuses.clear()
            view = world.controls.talk(CALL_ID)
            assert view is not None
            assert view.held is not world.talks_with(AGENT)
        await order(world, "hold")
        await order(world, "resume")
        assert world.talks_with(AGENT)

    async def test_caller_is_back_when_the_asked_one_leaves_even_at_the_second_try(
        self, world: World
    ) -> None:
        await world.talking()
        await order(world, "transfer", OTHER, "attended")
        await asyncio.sleep(2)
        world.pbx.refuses[f"join {CALL_ID}"] = ServerError("no")
        world.pbx.hang_up(OTHER)
        await asyncio.sleep(1)
        world.pbx.refuses.clear()
        await order(world, "resume")
        assert world.talks_with(AGENT)


class TestStop:
    async def test_talk_goes_on_without_us(self, world: World) -> None:
        await world.talking()
        world.task.cancel()
        await asyncio.gather(world.task, return_exceptions=True)
        assert world.talks_with(AGENT)


class TestTaps:
    async def test_recording_goes_on_where_nobody_can_hear(self, world: World) -> None:
        world.pbx.refuses["media"] = ServerError("no")
        await world.talking()
        assert len(world.pbx.tapes) == 2
        assert world.pool.streams == set()


class TestAnswer:
    async def test_prompt_that_ends_as_the_agent_answers_costs_nobody_the_talk(
        self, world: World
    ) -> None:
        world.pbx.phones[AGENT] = Phone(answers=0.5)
        world.pbx.refuses["stop"] = NotFound("it has just ended")
        await world.talking()

    async def test_agent_who_answers_as_the_caller_chooses_otherwise_is_free_again(
        self, world: World
    ) -> None:
        world.pbx.refuses["hangup c-"] = DeadlineExceeded("late")
        await world.call()
        await asyncio.sleep(0.5)
        leg = world.pbx.leg_of(AGENT)
        assert leg is not None
        ident = leg.id

        def answers(_: int, what: str) -> None:
            if what.startswith("stop"):
                world.pbx.enter(ident, "leg")

        world.pbx.before = answers
        world.press("1")
        await asyncio.sleep(1)
        assert world.state() in WRAPS_UP
        assert not leg.variables["HUISHENG_CALLER"], "the caller is not sent anywhere by its end"


async def test_refusal_holds_for_the_next_process_too(world: World) -> None:
    call = await world.call(OTHER, recorded=None, record="ask")
    del call.state["recorded"]
    world.line.queue.set_state(OTHER, AgentState.AWAY)
    world.line.queue.set_state(AGENT, AgentState.READY)
    await asyncio.sleep(0.5)
    world.press("9")
    await asyncio.sleep(0.5)
    await world.kill()
    assert (await world.journaled()).state["recorded"] == "refused"


class TestFault:
    async def test_call_ends_in_the_desk_where_asterisk_does_not_say_where_the_caller_is(
        self, world: World
    ) -> None:
        await world.talking()
        world.pbx.refuses[f"get {CALL_ID}"] = ServerError("overloaded")
        world.leaves()
        await world.over()
        assert (await world.journaled()).ended_at is not None
        assert world.state() in WRAPS_UP

    async def test_fault_in_a_talk_frees_the_agent_and_leaves_the_caller_to_the_dialplan(
        self, world: World
    ) -> None:
        world.pbx.refuses[f"join {CALL_ID}"] = ServerError("allocation failed")
        await world.call()
        await world.over()
        assert world.caller is not None
        assert world.caller.alone
        assert world.state() in WRAPS_UP
        assert world.pool.streams == set()
        world.pbx.refuses.clear()
        assert world.pbx.left() == {}

    async def test_calls_that_only_wait_for_their_recordings_refuse_no_new_caller(
        self, world: World
    ) -> None:
        pbx = world.line.settings.pbx.model_copy(update={"most_calls": 1})
        world.line.settings = world.line.settings.model_copy(update={"pbx": pbx})
        await world.talking()
        world.vault.full = True
        world.pbx.hang_up(AGENT)
        await world.until(lambda: world.board.stages() == [Stage.WRAP_UP])
        await asyncio.sleep(3)
        world.pbx.end(CALL_ID)
        start = StasisStart(channel=ChannelSnapshot(id="huisheng-1.2"), args=["line"])
        world.pbx.add(Line("huisheng-1.2", "PJSIP/carrier-2", inside=True))
        world.ari.entered.put(start)
        await asyncio.sleep(0.1)
        assert "answer huisheng-1.2" in world.pbx.asked
