"""The caller is asked how it was after his talk: one key, never in the way, never twice."""

from typing import Any

import pytest

from ari_app.calls.call import Stage
from desk import surveys, tickets
from desk.surveys import Survey
from tests.ari_app.calls.rig import CALL_ID
from tests.ari_app.calls.talk_rig import AGENT, World

pytestmark = pytest.mark.looptime


def heard(world: World) -> list[str]:
    """Every prompt so far, in order."""
    played = (what for what in world.pbx.asked if what.startswith("play "))
    return [name.removeprefix("sound:") for what in played for name in what.split()[1].split(",")]


async def answers(world: World) -> list[Survey]:
    await world.line.journal.flush()
    call = await world.journaled()
    found: list[Survey] = await world.desk.read(surveys.of_ticket, call.ticket_id or 0)
    return found


async def asked(world: World, **state: Any) -> None:
    """A talk whose agent has hung up, and whose caller is asked now."""
    call = await world.talking(**state)
    leg = world.pbx.leg_of(AGENT)
    assert leg is not None
    world.pbx.end(leg.id)
    await world.until(lambda: call.stage is Stage.SURVEY)
    await world.until(lambda: "survey_ask" in heard(world))


async def test_his_key_is_in_the_ticket_of_the_call_and_he_hears_thanks(world: World) -> None:
    await asked(world)
    world.press("4")
    await world.over()
    assert heard(world)[-3:] == ["survey_ask", "survey_thanks", "goodbye"]
    (found,) = await answers(world)
    assert (found.points, found.channel, found.call_id) == (4, "key", CALL_ID)
    kinds = await world.kinds()
    assert kinds.index("survey.asked") < kinds.index("survey.answered") < kinds.index("call.ended")
    assert len(await world.desk.read(tickets.search)) == 1


async def test_silence_skips_it(world: World) -> None:
    await asked(world)
    await world.over()
    assert heard(world)[-1] == "goodbye"
    assert [one.points for one in await answers(world)] == [None]
    assert (await world.journaled()).cause == "completed"


async def test_a_hang_up_skips_it(world: World) -> None:
    await asked(world)
    world.leaves()
    await world.over()
    assert [one.points for one in await answers(world)] == [None]
    assert (await world.journaled()).cause == "hangup"


async def test_a_wrong_key_is_asked_once_more(world: World) -> None:
    await asked(world)
    world.press("9")
    await world.until(lambda: heard(world)[-2:] == ["invalid", "survey_ask"])
    world.press("0")  # a person he has had
    await world.over()
    assert [one.points for one in await answers(world)] == [None]


async def test_who_is_not_wanted_by_the_menu_is_not_asked(world: World) -> None:
    call = await world.talking(survey=False)
    leg = world.pbx.leg_of(AGENT)
    assert leg is not None
    world.pbx.end(leg.id)
    await world.over()
    assert "survey_ask" not in heard(world)
    assert heard(world)[-1] == "goodbye"
    assert call.served


async def test_who_was_asked_often_enough_this_month_is_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = world.line.settings.surveys.model_copy(update={"most_per_month": 1})
    world.line.settings = world.line.settings.model_copy(update={"surveys": few})
    await asked(world)
    world.press("5")
    await world.over()
    await second_talk(world, monkeypatch)
    assert heard(world).count("survey_ask") == 1
    assert heard(world)[-1] == "goodbye"


async def second_talk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same caller comes once more, and his agent hangs up."""
    with monkeypatch.context() as patch:
        patch.setattr("tests.ari_app.calls.talk_rig.CALL_ID", "huisheng-2.1")
        await world.until(lambda: world.state() == "ready", 600, 1)
        await world.talking()
        leg = world.pbx.leg_of(AGENT)
        assert leg is not None
        world.pbx.end(leg.id)
        await world.over()


@pytest.mark.parametrize("answered", [False, True])
async def test_a_crash_in_it_asks_again_only_who_has_not_answered(
    world: World, answered: bool
) -> None:
    await asked(world)
    if answered:
        world.press("3")
        await world.until(lambda: "survey_thanks" in heard(world))
        await world.line.journal.flush()
    await world.kill()
    before = heard(world).count("survey_ask")
    world.begin()
    if not answered:
        await world.until(lambda: heard(world).count("survey_ask") == before + 1)
        world.press("2")
    await world.over()
    assert heard(world).count("survey_ask") == (before if answered else before + 1)
    assert [one.points for one in await answers(world)] == [3 if answered else 2]
    kinds = await world.kinds()
    assert (kinds.count("survey.asked"), kinds.count("survey.answered")) == (1, 1)
