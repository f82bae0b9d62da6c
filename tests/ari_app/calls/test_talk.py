"""Talks in virtual time: whoever hangs up, fails or dies, and when, nobody is left behind."""

import asyncio
import contextlib

import pytest

from ari_app.ari import ChannelSnapshot, DeadlineExceeded, NotFound, ServerError, StasisStart
from ari_app.calls.call import Stage
from ari_app.queue import AgentState
from desk import recordings
from desk.errors import NotPossibleNow
from tests.ari_app.calls.pbx import Line, Phone
from tests.ari_app.calls.rig import CALL_ID
from tests.ari_app.calls.talk_rig import AGENT, OTHER, WRAPS_UP, World

pytestmark = pytest.mark.looptime


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


class TestTransfer:
    async def test_recordings_of_both_talks_are_kept_apart(self, world: World) -> None:
        await world.talking()
        await asyncio.sleep(5)
        await world.order("transfer", OTHER, "blind")
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
            await world.order("transfer", OTHER, "blind")
        world.pbx.refuses.clear()
        world.pbx.hang_up(AGENT)
        await world.over()
        assert (await world.journaled()).cause == "completed"
        assert "call.transferred" not in await world.kinds()

    async def test_telephone_that_cannot_be_reached_rests(self, world: World) -> None:
        world.pbx.phones[OTHER] = Phone(answers=None, cause=20)
        await world.talking()
        await world.order("transfer", OTHER, "attended")
        await world.until(lambda: world.talks_with(AGENT))
        assert world.state(OTHER) is AgentState.UNREACHABLE

    async def test_who_is_asked_is_busy_while_asked(self, world: World) -> None:
        await world.talking()
        await world.order("transfer", OTHER, "attended")
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
                await world.order(verb)
            world.pbx.refuses.clear()
            view = world.controls.talk(CALL_ID)
            assert view is not None
            assert view.held is not world.talks_with(AGENT)
        await world.order("hold")
        await world.order("resume")
        assert world.talks_with(AGENT)

    async def test_caller_is_back_when_the_asked_one_leaves_even_at_the_second_try(
        self, world: World
    ) -> None:
        await world.talking()
        await world.order("transfer", OTHER, "attended")
        await asyncio.sleep(2)
        world.pbx.refuses[f"join {CALL_ID}"] = ServerError("no")
        world.pbx.hang_up(OTHER)
        await asyncio.sleep(1)
        world.pbx.refuses.clear()
        await world.order("resume")
        assert world.talks_with(AGENT)


class TestStop:
    async def test_talk_goes_on_without_us(self, world: World) -> None:
        await world.talking()
        world.task.cancel()
        await asyncio.gather(world.task, return_exceptions=True)
        assert world.talks_with(AGENT)


class TestTaps:
    async def test_last_word_before_the_hang_up_is_on_the_recordings(self, world: World) -> None:
        await world.talking()
        loop = asyncio.get_running_loop()
        begun = max(tape.since for tape in world.pbx.tapes.values())
        await asyncio.sleep(5)
        lasted = loop.time() - begun
        world.pbx.hang_up(AGENT)
        await world.over()
        kept = await world.desk.read(recordings.of_call, CALL_ID)
        assert min(one.seconds for one in kept if one.kind == "party") >= round(lasted, 3)

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
