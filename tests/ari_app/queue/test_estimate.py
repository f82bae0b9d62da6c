"""What a waiting caller is told is honest, or nothing."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.queue import Agent, QueueSettings, Waiting
from ari_app.queue.estimate import expected_wait, mean_handling, position
from ari_app.queue.match import Asking
from ari_app.queue.relax import Widening
from tests.ari_app.queue.people import agent, at, waiting

A, B = frozenset("12"), frozenset("34")
AGENTS = [agent("1", "a"), agent("2", "a"), agent("3", "b"), agent("4", "b")]
ALL = frozenset("1234")


def positions(line: list[frozenset[str]]) -> list[int]:
    return [position(servers, Counter(line[:i])) for i, servers in enumerate(line)]


def test_only_those_who_wait_for_the_same_agents_stand_before_a_caller() -> None:
    assert positions([A, A, B, A, B]) == [1, 2, 1, 3, 2]
    assert positions([A, A | B, B]) == [1, 2, 2]
    assert positions([]) == []


@given(st.lists(st.frozensets(st.sampled_from("1234"), min_size=1), max_size=30))
def test_positions_agree_with_counting_one_by_one(line: list[frozenset[str]]) -> None:
    slow = [1 + sum(not s.isdisjoint(o) for o in line[:i]) for i, s in enumerate(line)]
    assert positions(line) == slow


def wait(
    caller: Waiting,
    *,
    before: list[frozenset[str]] | None = None,
    later: list[frozenset[str]] | None = None,
    ready: str = "",
    there: str = "1234",
    handling: float | None = 120,
    now: float = 0,
    agents: list[Agent] = AGENTS,
) -> float | None:
    rule = QueueSettings().rule_for("")
    rivals = {0.0: Counter(before or []), 120.0: Counter(later or before or [])}
    asking = Asking(caller, Widening.of(caller.need, agents, rule))
    return expected_wait(asking, rivals, frozenset(ready), frozenset(there), handling, at(now))


def test_who_finds_an_idle_agent_waits_no_time_even_if_talk_times_are_unknown() -> None:
    assert wait(waiting("c", team="a"), ready="1", handling=None) == 0


def test_two_agents_of_two_minutes_free_one_a_minute() -> None:
    assert wait(waiting("c", extension="1")) == 120
    assert wait(waiting("c", team="a")) == 60
    assert wait(waiting("c")) == 30


def test_those_before_count_by_the_share_they_take_of_these_agents() -> None:
    assert wait(waiting("c", extension="1"), before=[frozenset("1")] * 3) == 4 * 120
    assert wait(waiting("c"), before=[ALL] * 3) == 4 * 30
    assert wait(waiting("c", extension="1"), before=[B]) == 120, "they want other agents"
    assert wait(waiting("c", extension="1"), before=[A]) == pytest.approx(1.5 * 120)


def test_an_idle_agent_whom_somebody_before_takes_is_not_promised() -> None:
    assert wait(waiting("c", team="a"), before=[A], ready="1") == 60


def test_a_wider_step_that_comes_sooner_is_what_is_told() -> None:
    strict = waiting("c", team="a")
    assert wait(strict, ready="3", handling=600) == 120, "at two minutes any team will do"
    assert wait(strict, ready="3", handling=600, now=100) == 20
    assert wait(strict, ready="3", handling=100) == 50, "but one of the team is free before"


def test_what_a_wider_step_brings_is_shared_with_those_before() -> None:
    strict = waiting("c", team="a")
    assert wait(strict, before=[A] * 20, ready="3") == 20 * 120 / 4


@pytest.mark.parametrize(("there", "handling"), [("", 120.0), ("1234", None), ("", None)])
def test_what_nobody_can_know_is_not_told(there: str, handling: float | None) -> None:
    assert wait(waiting("c"), there=there, handling=handling) is None


def test_a_caller_for_whom_there_is_nobody_is_told_nothing() -> None:
    assert wait(waiting("c", skills=["flying"])) is None


def test_two_talks_are_too_few_to_know_a_mean() -> None:
    assert mean_handling([60, 60], 10) is None
    assert mean_handling([30, 60, 90], 10) == 70
