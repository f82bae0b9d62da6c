"""The line in the event loop, in virtual time: what each caller's coroutine sees."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ari_app.queue import AgentStanding, AgentState, Place, Queue, QueueFull, QueueSettings
from tests.ari_app.queue.people import agent, at, clock, queue_of, waiting
from tests.ari_app.queue.test_roster import Kept

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


async def extension(place: Place, seconds: float = 1.0) -> str | None:
    offered = await place.offer(seconds)
    return offered.extension if offered else None


async def test_a_caller_gets_an_idle_agent_at_once() -> None:
    queue = queue_of(agent("1"))
    with queue.join(waiting("c")) as place:
        assert (place.position, place.expected_wait, place.has_agents) == (1, 0.0, True)
        assert await extension(place) == "1"
        assert queue.standing("1").state is AgentState.RINGING
        assert queue.standing("1").call_id == "c"
        place.answered()
        assert queue.standing("1").state is AgentState.BUSY
        assert queue.waiting() == ()
    assert queue.standing("1").state is AgentState.BUSY, "the talk outlives the place"
    queue.close()


async def test_a_caller_who_gets_nobody_is_told_so_at_the_deadline() -> None:
    queue = queue_of(agent("1"))
    queue.busy("1", "other")
    with queue.join(waiting("c")) as place:
        began = now()
        assert await place.offer(30) is None
        assert now() - began == pytest.approx(30)


async def test_an_agent_is_offered_when_the_wrap_up_ends() -> None:
    queue = queue_of(agent("1"), wrap_up_seconds=10)
    queue.busy("1", "other")
    with queue.join(waiting("c")) as place:
        asyncio.get_running_loop().call_later(5, queue.free, "1", "other")
        assert await extension(place, 60) == "1"
        assert now() == pytest.approx(15)


async def test_a_caller_gets_a_wider_choice_when_the_rule_says_so() -> None:
    queue = queue_of(agent("1", "a"), agent("2", "b"))
    queue.busy("1", "other")
    with queue.join(waiting("c", team="a")) as place:
        assert await extension(place, 600) == "2"
        assert now() == pytest.approx(120)


async def test_the_next_agent_rings_when_one_does_not_answer() -> None:
    queue = queue_of(agent("1"), agent("2"))
    with queue.join(waiting("c")) as place:
        assert await extension(place) == "1"
        await asyncio.sleep(20)
        place.declined("no_answer")
        assert await extension(place) == "2"


async def test_the_same_agent_rings_again_only_after_a_while() -> None:
    queue = queue_of(agent("1"), avoid_seconds=30)
    with queue.join(waiting("c")) as place:
        assert await extension(place) == "1"
        place.declined("no_answer")
        assert queue.standing("1").state is AgentState.READY
        assert await extension(place, 100) == "1"
        assert now() == pytest.approx(30)


async def test_the_next_caller_gets_the_agent_who_did_not_answer_the_first() -> None:
    queue = queue_of(agent("1"))
    with queue.join(waiting("c1")) as first, queue.join(waiting("c2", 1)) as second:
        assert await extension(first) == "1"
        later = asyncio.create_task(extension(second, 60), name="second")
        await asyncio.sleep(20)
        first.declined("no_answer")
        assert await later == "1"


async def test_callers_who_ask_in_the_same_moment_are_served_in_the_order_of_the_line() -> None:
    queue = queue_of(agent("1"))
    order = []

    async def ask(call_id: str, since: float, priority: int = 0) -> None:
        with queue.join(waiting(call_id, since, priority)) as place:
            await place.offer(600)
            order.append(call_id)
            place.answered()
            queue.free("1")

    await asyncio.gather(ask("late", 2), ask("early", 1), ask("gold", 3, 10), ask("first", 0))
    assert order == ["gold", "first", "early", "late"]


async def test_a_caller_who_hangs_up_while_the_phone_rings_frees_the_agent() -> None:
    queue = queue_of(agent("1"))
    with queue.join(waiting("c")) as place:
        assert await extension(place) == "1"
    assert queue.standing("1").state is AgentState.READY
    assert queue.waiting() == ()


@pytest.mark.parametrize("turns", range(6))
async def test_a_caller_who_gives_up_in_any_moment_leaves_no_agent_ringing(turns: int) -> None:
    queue = queue_of(agent("1"))
    with queue.join(waiting("c")) as place:
        asking = asyncio.create_task(place.offer(60), name="ask")
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        (outcome,) = await asyncio.gather(asking, return_exceptions=True)
        if isinstance(outcome, BaseException):
            assert queue.standing("1").state is AgentState.READY
            assert await extension(place) == "1", "the caller may ask again"
        else:
            assert queue.standing("1").state is AgentState.RINGING


async def test_only_who_asks_is_offered_an_agent() -> None:
    queue = queue_of(agent("1"))
    with queue.join(waiting("c1")) as first, queue.join(waiting("c2", 1)) as second:
        assert await extension(second) == "1", "the first one hears an announcement just now"
        assert await extension(first) is None


async def test_two_offers_at_once_are_a_fault_of_ours() -> None:
    queue = queue_of(agent("1"))
    with queue.join(waiting("c")) as place:
        await place.offer(1)
        with pytest.raises(RuntimeError, match="under way"):
            await place.offer(1)
        with pytest.raises(RuntimeError, match="in the line already"):
            queue.join(waiting("c"))


async def test_a_full_line_sends_callers_to_the_message_at_once() -> None:
    queue = queue_of(agent("1"), most_waiting=2)
    full = pytest.raises(QueueFull, match=r"2 callers wait already; raise queue\.most_waiting")
    with queue.join(waiting("c1")), queue.join(waiting("c2")), full:
        queue.join(waiting("c3"))
    with queue.join(waiting("c3")):
        assert [w.waiting.id for w in queue.waiting()] == ["c3"]


async def test_a_place_that_was_left_twice_leaves_the_next_one_alone() -> None:
    queue = queue_of(agent("1"))
    place = queue.join(waiting("c"))
    place.leave()
    with queue.join(waiting("c")):
        place.leave()
        assert place.position == 0
        assert place.expected_wait is None
        assert len(queue.waiting()) == 1


async def test_positions_follow_the_rules_by_which_callers_are_served() -> None:
    queue = queue_of(agent("1", "a"), agent("2", "b"))
    for extension_ in "12":
        queue.busy(extension_, "other")
    with (
        queue.join(waiting("a1", 0, team="a")),
        queue.join(waiting("a2", 1, team="a")) as second,
        queue.join(waiting("b1", 2, team="b")) as other_team,
        queue.join(waiting("gold", 3, 10, team="a")) as gold,
    ):
        assert (second.position, other_team.position, gold.position) == (3, 1, 1)
        assert [(w.waiting.id, w.position) for w in queue.waiting()] == [
            ("gold", 1),
            ("a1", 2),
            ("a2", 3),
            ("b1", 1),
        ]


async def test_the_expected_wait_is_unknown_until_talks_have_ended() -> None:
    queue = queue_of(agent("1"), wrap_up_seconds=10)
    queue.restore([], talk_seconds=[50, 50])
    queue.busy("1", "other")
    with queue.join(waiting("c1")) as first, queue.join(waiting("c2", 1)) as second:
        assert first.expected_wait is None
        queue.restore([], talk_seconds=[50])
        assert (first.expected_wait, second.expected_wait) == (60, 120)


async def test_a_caller_whose_agents_are_all_away_can_be_told() -> None:
    queue = queue_of(agent("1", "a", skills=["tax"]), agent("2", "b"))
    with queue.join(waiting("c", skills=["tax"])) as place:
        assert place.has_agents
        queue.set_state("1", AgentState.AWAY, "lunch")
        assert not place.has_agents
        assert place.expected_wait is None
        assert place.position == 1


async def test_an_agent_who_comes_back_is_offered_at_once() -> None:
    queue = queue_of(agent("1"))
    queue.set_state("1", AgentState.AWAY)
    with queue.join(waiting("c")) as place:
        asyncio.get_running_loop().call_later(7, queue.set_state, "1", AgentState.READY)
        assert await extension(place, 60) == "1"
        assert now() == pytest.approx(7)


async def test_a_transfer_claims_an_agent_only_if_ready() -> None:
    queue = queue_of(agent("1"), agent("2"), wrap_up_seconds=0)
    assert queue.claim("1", "c1")
    assert not queue.claim("1", "c2")
    queue.declined("1", "c1", "busy")
    assert queue.standing("1").state is AgentState.UNREACHABLE
    assert queue.claim("2", "c1")
    queue.busy("2", "c1")
    queue.free("2", "c1")
    assert queue.standing("2").state is AgentState.READY
    assert queue.claim("2", "c3")
    queue.free("2", "c3")
    assert queue.standing("2").state is AgentState.READY


async def test_a_claimed_agent_is_not_offered_to_a_caller_too() -> None:
    queue = queue_of(agent("1"))
    with queue.join(waiting("c")) as place:
        asking = asyncio.create_task(place.offer(1), name="ask")
        await asyncio.sleep(0)
        assert not queue.claim("1", "transfer") or await asking is None


async def test_every_change_is_told_and_a_broken_listener_breaks_nothing() -> None:
    heard: list[tuple[str, str]] = []

    def changed(standing: AgentStanding) -> None:
        heard.append((standing.agent.extension, standing.state))
        raise OSError("disk full")

    queue = Queue([agent("1")], QueueSettings(), clock, changed)
    with queue.join(waiting("c")) as place:
        assert await extension(place) == "1"
        place.answered()
    queue.free("1")
    assert heard == [("1", "ringing"), ("1", "busy"), ("1", "wrap_up")]


# restart


async def test_places_are_kept_over_a_restart() -> None:
    queue = queue_of(agent("1"))
    queue.restore([Kept("1", "ready", "", at(-60))])
    queue.expect(["c1", "c2", "c3", "gone"], 3)
    order = []

    async def adopted(call_id: str, since: float, after: float) -> None:
        await asyncio.sleep(after)
        with queue.join(waiting(call_id, since)) as place:
            await place.offer(600)
            order.append((call_id, now()))
            place.answered()
            queue.free("1")

    async with asyncio.TaskGroup() as calls:
        for call_id, since, after in (("new", 0, 0), ("c3", -10, 0.1), ("c2", -20, 0.5)):
            calls.create_task(adopted(call_id, since, after), name=call_id)
        calls.create_task(adopted("c1", -30, 1.0), name="c1")
        await asyncio.sleep(1.5)
        queue.forget("gone")
    assert [call_id for call_id, _ in order] == ["c1", "c2", "c3", "new"]
    assert order[0][1] == pytest.approx(1.5), "nobody waits longer than for the last of them"


async def test_a_caller_who_never_comes_back_holds_nobody_up_for_long() -> None:
    queue = queue_of(agent("1"))
    queue.expect(["gone"], 3)
    with queue.join(waiting("c")) as place:
        assert await extension(place, 60) == "1"
        assert now() == pytest.approx(3)


async def test_an_adopted_caller_who_hears_a_sentence_first_keeps_his_place_too() -> None:
    queue = queue_of(agent("1"))
    queue.expect(["c1", "c2"], 10)
    with queue.join(waiting("c1", -20)) as first, queue.join(waiting("c2", -10)) as second:
        later = asyncio.create_task(extension(second, 60), name="second")
        await asyncio.sleep(4)
        assert await extension(first) == "1"
        assert not later.done()
        later.cancel()
        await asyncio.gather(later, return_exceptions=True)


async def test_an_adopted_caller_who_leaves_holds_nobody_up() -> None:
    queue = queue_of(agent("1"))
    queue.expect(["c1", "c2"], 10)
    with queue.join(waiting("c2", -10)) as second:
        later = asyncio.create_task(extension(second, 60), name="second")
        with queue.join(waiting("c1", -20)):
            await asyncio.sleep(2)
        assert await later == "1"
        assert now() == pytest.approx(2)


async def test_a_full_line_still_takes_back_those_who_waited_before_a_restart() -> None:
    queue = queue_of(agent("1"), most_waiting=1)
    queue.expect(["c1", "c2"], 3)
    with queue.join(waiting("c1")), queue.join(waiting("c2")), pytest.raises(QueueFull):
        queue.join(waiting("c3"))


# the clock


async def test_a_clock_that_is_set_back_or_forth_costs_nobody_the_turn() -> None:
    shift = timedelta()
    queue = Queue([agent("1", "a"), agent("2", "b")], QueueSettings(), lambda: clock() + shift)
    queue.busy("1", "other")
    shift = timedelta(seconds=-3600)
    with queue.join(waiting("c1", team="a")) as first, queue.join(waiting("c2", 1, team="b")) as b:
        assert await extension(b, 5) == "2"
        b.declined("no_answer")
        assert await extension(first, 5) is None
        shift = timedelta(seconds=3600)
        queue.stir()
        assert await extension(first, 5) == "2", "an hour has passed by the clock"


async def test_waiting_costs_no_timer_that_runs_in_circles() -> None:
    queue = queue_of(agent("1", "a"), agent("2", "b"))
    looks = 0
    look: Any = queue._look

    def counted() -> None:
        nonlocal looks
        looks += 1
        look()

    queue._look = counted  # type: ignore[method-assign]
    queue.busy("1", "other")
    with queue.join(waiting("c", team="a", extension="1")) as place:
        assert await extension(place, 3600) is None
    assert looks < 10
