"""Whatever a caller presses, the call ends in the ticket that the menu promises."""

import pytest

from ari_app.sip_caller import ExpectBye, HangUp, Press, Speak, Wait
from tests.e2e.line_rig import CLOSED_HOURS, TestLine

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

TELL = (Wait(1.5), Speak("我要投诉产品质量太差了"), Wait(0.6), Press("#"), ExpectBye(30))


async def test_complaint_told_after_the_tone_becomes_a_ticket(line: TestLine) -> None:
    story = await line.call(line.tianjin(), Wait(1), Press("1"), *TELL)
    assert story.result.status == 200
    assert story.ticket is not None
    assert story.ticket.type == "complaint"
    assert story.ticket.labels == ("地区:天津",)
    assert story.ticket.description == "我要投诉产品质量太差了"
    assert story.kinds[0] == "call.received"
    assert story.kinds[-1] == "call.ended"


@pytest.mark.parametrize("keys", ["21", "22", "2*21", "9921", "321"])
async def test_repair_is_reached_by_every_way_through_the_menus(line: TestLine, keys: str) -> None:
    presses = [step for key in keys for step in (Wait(1.2), Press(key))]
    story = await line.call(line.tianjin(), *presses, *TELL)
    assert story.ticket is not None
    assert story.ticket.type == "repair"


async def test_caller_who_presses_nothing_may_leave_a_message(line: TestLine) -> None:
    story = await line.call(line.beijing(), Wait(9), *TELL)
    assert story.ticket is not None
    assert story.ticket.type == "message"
    assert story.ticket.area_code == "010"


async def test_caller_with_wrong_keys_only_may_leave_a_message(line: TestLine) -> None:
    wrong = [step for key in "777" for step in (Wait(1.2), Press(key))]
    story = await line.call(line.beijing(), *wrong, *TELL)
    assert story.ticket is not None
    assert story.ticket.type == "message"


async def test_caller_out_of_hours_is_asked_for_a_message(line: TestLine) -> None:
    line.clock.set(CLOSED_HOURS)
    story = await line.call(line.beijing(), Wait(2), *TELL)
    assert story.ticket is not None
    assert story.ticket.type == "message"
    assert story.call.state["walk"]["menu"] == "closed"


async def test_caller_who_hears_the_opening_hours_and_leaves_from_beijing_is_not_a_ticket(
    line: TestLine,
) -> None:
    story = await line.call(line.beijing(), Wait(1), Press("3"), Wait(1), HangUp())
    assert story.call.ended_at is not None
