"""Card numbers in virtual time: of what is said while the recording rests, nothing is kept."""

import asyncio

import pytest

from ari_app.ari import DeadlineExceeded
from desk.errors import NotPossibleNow
from tests.ari_app.calls.rig import CALL_ID
from tests.ari_app.calls.talk_rig import AGENT, OTHER, World

pytestmark = pytest.mark.looptime


def paused(world: World) -> set[bool]:
    """Whether the recordings and the ears rest."""
    tapes = {tape.paused for tape in world.pbx.tapes.values()}
    return tapes | {stream.paused for stream in world.pool.streams}


async def test_second_card_number_is_kept_no_more_than_the_first(world: World) -> None:
    call = await world.talking()
    for _ in range(2):
        await world.order("pause_recording")
        assert paused(world) == {True}
        assert call.private
        await world.order("resume_recording")
        assert paused(world) == {False}
        assert not call.private


async def test_pause_that_fails_for_one_party_is_refused_and_forgotten(world: World) -> None:
    call = await world.talking()
    world.pbx.refuses[f"pause party-{CALL_ID}-{CALL_ID}"] = DeadlineExceeded("late")
    world.pbx.refuses[f"pause {[*world.pbx.tapes][1]}"] = DeadlineExceeded("late")
    with pytest.raises(NotPossibleNow):
        await world.order("pause_recording")
    assert paused(world) == {False}
    assert not call.private
    world.pbx.refuses.clear()
    await world.order("pause_recording")
    assert paused(world) == {True}


async def test_agent_who_joins_meanwhile_is_not_kept_either(world: World) -> None:
    await world.talking()
    await world.order("pause_recording")
    await world.order("conference", OTHER)
    await world.until(lambda: world.talks_with(OTHER))
    assert len(world.pbx.tapes) == 3
    assert paused(world) == {True}
    await world.order("resume_recording")
    assert paused(world) == {False}


async def test_agent_who_joins_meanwhile_and_cannot_be_paused_is_not_recorded(world: World) -> None:
    await world.talking()
    await world.order("pause_recording")
    world.pbx.refuses["pause"] = DeadlineExceeded("late")
    await world.order("conference", OTHER)
    await world.until(lambda: world.talks_with(OTHER))
    assert paused(world) == {True}


async def test_talk_that_is_not_recorded_is_not_after_a_pause_either(world: World) -> None:
    await world.talking(recorded="off")
    await world.order("pause_recording")
    await world.order("conference", OTHER)
    await world.until(lambda: world.talks_with(OTHER))
    await world.order("resume_recording")
    assert world.controls.talk(CALL_ID).recording == "off"  # type: ignore[union-attr]
    assert world.pbx.tapes == {}


async def test_crash_before_the_pause_is_journaled_leaves_nobody_half_paused(world: World) -> None:
    await world.talking()
    names = [*world.pbx.tapes]
    world.pbx.pause(names[0], True)  # the crash came after the first
    await world.kill()
    world.begin()
    await world.until(lambda: world.talks_with(AGENT) and len(world.pool.streams) == 2)
    await asyncio.sleep(1)
    assert len(paused(world)) == 1
    await world.order("resume_recording")
    assert paused(world) == {False}


async def test_pause_outlives_us(world: World) -> None:
    await world.talking()
    await world.order("pause_recording")
    await world.kill()
    world.begin()
    await world.until(lambda: len(world.pool.streams) == 2)
    await asyncio.sleep(1)
    assert paused(world) == {True}
    assert world.board.call(CALL_ID).private  # type: ignore[union-attr]
    await world.order("resume_recording")
    assert paused(world) == {False}
