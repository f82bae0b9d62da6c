"""The application dies in a talk and comes back, in virtual time: the talk has never stopped."""

import asyncio
from typing import Any

import pytest

from ari_app.ari import AriError, DeadlineExceeded, ServerError
from ari_app.queue import AgentState
from tests.ari_app.calls.pbx import Line, Phone
from tests.ari_app.calls.rig import CALL_ID, OPEN_HOURS
from tests.ari_app.calls.talk_rig import AGENT, OTHER, WRAPS_UP, World

pytestmark = pytest.mark.looptime


async def test_talk_goes_on_with_both_ears(world: World) -> None:
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


async def test_caller_on_hold_is_still_and_can_be_brought_back(world: World) -> None:
    await world.talking()
    await world.order("hold")
    await world.kill()
    world.begin()
    await world.board.resumed.wait()
    await asyncio.sleep(1)
    assert world.caller is not None
    assert world.caller.music
    assert world.caller.limit is None
    await world.order("resume")
    assert world.talks_with(AGENT)


async def test_whom_the_agent_asked_is_still_there_and_busy(world: World) -> None:
    await world.talking()
    await world.order("transfer", OTHER, "attended")
    await asyncio.sleep(3)
    await world.kill()
    world.begin()
    await world.board.resumed.wait()
    await asyncio.sleep(1)
    assert world.state(OTHER) is AgentState.BUSY
    await world.order("complete_transfer")
    assert world.talks_with(OTHER)
    await world.until(lambda: world.state() in WRAPS_UP)


async def test_who_was_rung_is_let_go_and_the_caller_back(world: World) -> None:
    world.pbx.phones[OTHER] = Phone(answers=20.0)
    await world.talking()
    await world.order("transfer", OTHER, "attended")
    await asyncio.sleep(0.5)
    await world.kill()
    world.begin()
    await world.until(lambda: world.talks_with(AGENT))
    assert world.pbx.leg_of(OTHER) is None
    assert world.state(OTHER) is AgentState.READY


async def test_blind_transfer_that_was_begun_is_carried_on(world: World) -> None:
    await world.talking()

    def dies(_: int, what: str) -> None:
        if what.startswith("variable SET(HUISHENG_CALLER=)"):
            world.ari.dead = True

    world.pbx.before = dies
    moving = asyncio.create_task(world.order("transfer", OTHER, "blind"))
    await world.until(lambda: world.ari.dead)
    moving.cancel()
    world.pbx.before = lambda _number, _what: None
    await world.kill()
    world.begin()
    await world.until(lambda: world.talks_with(OTHER))
    await world.until(lambda: world.state() in WRAPS_UP)


async def test_agent_who_left_meanwhile_means_good_bye(world: World) -> None:
    await world.talking()
    await world.kill()
    world.pbx.hang_up(AGENT)
    await asyncio.sleep(1)
    world.begin()
    await world.board.resumed.wait()
    await world.over()
    assert world.pbx.left() == {}
    assert await world.ticket() == "call"


async def test_caller_who_left_meanwhile_leaves_no_agent_behind(world: World) -> None:
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


@pytest.mark.parametrize("asked", ["members", "get c-", "join", "variable SET(TIMEOUT"])
@pytest.mark.parametrize("error", [DeadlineExceeded("late"), ServerError("busy")], ids=type)
async def test_talk_goes_on_though_asterisk_does_not_answer_whoever_takes_it_over_at_once(
    world: World, asked: str, error: AriError
) -> None:
    await world.talking()
    if asked in ("join", "variable SET(TIMEOUT"):
        # As a former process leaves it that dies while it brings the caller back.
        world.pbx.out_of_bridge(CALL_ID)
    await world.kill()
    world.pbx.refuses[asked] = error
    asyncio.get_running_loop().call_later(3, world.pbx.refuses.clear)
    world.begin()
    await world.until(lambda: world.talks_with(AGENT) and len(world.pool.streams) == 2)
    await world.order("hold")
    await world.order("resume")
    assert world.talks_with(AGENT)
    world.pbx.hang_up(AGENT)
    await world.over()
    assert (await world.journaled()).cause == "completed"


async def test_caller_whose_talk_asterisk_never_tells_of_is_with_the_dialplan_in_the_end(
    world: World,
) -> None:
    await world.talking()
    await world.kill()
    world.pbx.refuses["members"] = DeadlineExceeded("late")
    world.begin()
    await world.until(lambda: world.caller is not None and world.caller.alone, 60)


@pytest.mark.parametrize(
    ("notes", "cause"),
    [
        ({}, "lost"),
        ({"ended_at": OPEN_HOURS, "hangup_cause": 16}, "hangup"),
        ({"fallback": True}, "dialplan"),
        ({"fallback": True, "ended_at": OPEN_HOURS}, "dialplan"),
    ],
)
async def test_cause_of_a_talk_that_ended_without_us_is_what_the_dialplan_saw(
    world: World, notes: dict[str, Any], cause: str
) -> None:
    await world.talking()
    await world.kill()
    world.leaves()
    world.notes = notes
    world.begin()
    await world.board.resumed.wait()
    await world.over()
    assert (await world.journaled()).cause == cause
    assert await world.ticket() == "call"


async def test_caller_whom_the_dialplan_has_served_to_the_end_is_left_to_its_notes(
    world: World,
) -> None:
    await world.call(OTHER)
    await world.kill()
    world.leaves()
    world.notes = {"fallback": True, "ended_at": OPEN_HOURS}
    world.begin()
    await world.board.resumed.wait()
    await world.over()
    call = await world.journaled()
    assert (call.ended_at, call.ticket_id) == (None, None), "a message may be there: see Reconciler"


async def test_caller_whom_a_half_dead_connection_did_not_announce_is_served(world: World) -> None:
    await world.board.resumed.wait()
    channel = world.pbx.add(Line("huisheng-1.2", "PJSIP/carrier-2", inside=True))
    leg = world.pbx.add(Line("c-0-1", "PJSIP/8001-1", inside=True, context=""))
    for one in (leg, channel, channel):
        world.ari.exchange.adopt(one.id)
        world.ari.found.put(one.snapshot())
    await world.until(lambda: "answer huisheng-1.2" in world.pbx.asked)
    assert world.pbx.asked.count("answer huisheng-1.2") == 1
    assert world.board.call_ids == {"huisheng-1.2"}


async def test_call_that_a_connect_finds_again_is_served_once(world: World) -> None:
    call = await world.talking()
    assert world.caller is not None
    world.ari.found.put(world.caller.snapshot())
    await asyncio.sleep(1)
    assert world.board.call(CALL_ID) is call
    world.leaves()
    await world.over()
    world.ari.found.put(Line(CALL_ID, "PJSIP/carrier-1", inside=True).snapshot())
    await asyncio.sleep(1)
    assert world.board.live == 0
    assert (await world.kinds()).count("call.ended") == 1
