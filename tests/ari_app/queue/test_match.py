"""Who gets whom: held against a slow oracle, and against what callers would call fair."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ari_app.queue import Agent, Need, QueueSettings, Waiting, priority_of
from ari_app.queue.match import Asking, match
from ari_app.queue.priority import turn
from ari_app.queue.relax import Widening, fits
from tests.ari_app.queue.people import agent, at, settings, waiting

RULES = QueueSettings()
NOW = at(300)


def asking(caller: Waiting, agents: list[Agent], avoid: frozenset[str] = frozenset()) -> Asking:
    rule = RULES.rule_for(caller.need.team)
    return Asking(caller, Widening.of(caller.need, agents, rule), avoid)


def pairs(
    callers: list[Waiting], agents: list[Agent], *, ready: str = "", seconds: float = 60
) -> dict[str, str]:
    """Who gets whom at 300 s; `ready`: extensions, the longest idle first (all if empty)."""
    line = sorted(callers, key=lambda w: turn(w, seconds))
    everybody = [a.extension for a in agents]
    found = match(
        [asking(w, agents) for w in line],
        list(ready) or everybody,
        frozenset(everybody),
        NOW,
    )
    return dict(found)


def test_the_longest_idle_agent_takes_the_longest_waiting_caller() -> None:
    agents = [agent("1"), agent("2"), agent("3")]
    callers = [waiting("late", 20), waiting("early", 10)]
    assert pairs(callers, agents, ready="312") == {"early": "3", "late": "1"}


def test_a_customer_gets_the_last_agent_back_if_that_one_is_ready() -> None:
    agents = [agent("1"), agent("2"), agent("3")]
    assert pairs([waiting("c", last="2")], agents, ready="312") == {"c": "2"}
    assert pairs([waiting("c", last="2")], agents, ready="31") == {"c": "3"}


def test_the_last_agent_is_passed_over_where_another_team_is_asked_for() -> None:
    agents = [agent("1", "a"), agent("2", "b")]
    assert pairs([waiting("c", 299, last="2", team="a")], agents) == {"c": "1"}


def test_a_gold_customer_goes_first_and_an_urgent_one_before_the_rest() -> None:
    gold = priority_of(["", "金牌"], False, RULES)
    urgent = priority_of([], True, RULES)
    both = priority_of(["金牌"], True, RULES)
    assert (gold, urgent, both, priority_of(["银牌"], False, RULES)) == (10, 5, 15, 0)
    callers = [
        waiting("plain", 0),
        waiting("urgent", 100, urgent),
        waiting("gold", 200, gold),
        waiting("both", 290, both),
    ]
    agents = [agent(e) for e in "1234"]
    assert list(pairs(callers, agents)) == ["both", "gold", "urgent", "plain"]


def test_a_plain_caller_is_passed_only_by_those_who_come_within_the_head_start() -> None:
    plain = waiting("plain", 0)
    gold = [waiting(f"gold-{t}", t, 10) for t in range(0, 1200, 60)]
    order = sorted([*gold, plain], key=lambda w: turn(w, 60))
    passed_by = order[: order.index(plain)]
    assert all(w.since < at(10 * 60) for w in passed_by)
    assert len(passed_by) == 10, "an endless row of gold customers does not starve anybody"


def test_without_a_head_start_priority_counts_for_nothing() -> None:
    line = sorted([waiting("gold", 5, 10), waiting("plain", 0)], key=lambda w: turn(w, 0))
    assert [w.id for w in line] == ["plain", "gold"]


def test_who_just_did_not_answer_this_caller_is_offered_to_the_next_one() -> None:
    agents = [agent("1")]
    line = [
        asking(waiting("first", 0), agents, frozenset({"1"})),
        asking(waiting("second", 1), agents),
    ]
    assert match(line, ["1"], frozenset("1"), NOW) == [("second", "1")]


def test_a_caller_whose_team_did_not_answer_goes_to_the_next_team_at_once() -> None:
    agents = [agent("1", "a"), agent("2", "b")]
    line = [asking(waiting("c", 299, team="a"), agents, frozenset({"1"}))]
    assert match(line, ["1", "2"], frozenset("12"), NOW) == [("c", "2")]


def test_a_caller_for_whom_nobody_is_fit_does_not_hold_up_those_behind() -> None:
    agents = [agent("1", skills=["repair"])]
    callers = [waiting("first", 0, skills=["tax"]), waiting("second", 1)]
    assert pairs(callers, agents) == {"second": "1"}


TEAMS, SKILLS, REGIONS = "abc", ["repair", "tax"], ["022", "010", "0311"]
NEED = st.builds(
    Need,
    team=st.sampled_from(["", *TEAMS]),
    extension=st.sampled_from(["", "", "", "1", "2"]),
    area_code=st.sampled_from(["", *REGIONS]),
    skills=st.frozensets(st.sampled_from(SKILLS)),
    language=st.sampled_from(["", "", "天津话"]),
)
CALLERS = st.lists(
    st.builds(
        Waiting,
        id=st.uuids().map(str),
        since=st.integers(0, 300).map(at),
        need=NEED,
        priority=st.integers(0, 15),
        last_agent=st.sampled_from(["", "1", "2", "3"]),
    ),
    max_size=12,
    unique_by=lambda w: w.id,
)
AGENTS = st.lists(
    st.builds(
        Agent,
        extension=st.sampled_from("123456789"),
        team=st.sampled_from(TEAMS),
        skills=st.frozensets(st.sampled_from(SKILLS)),
        regions=st.frozensets(st.sampled_from(["022", "河北"])),
        languages=st.frozensets(st.sampled_from(["天津话"])),
    ),
    max_size=8,
    unique_by=lambda a: a.extension,
)


def may_serve(caller: Waiting, agents: list[Agent], there: frozenset[str]) -> set[str]:
    """The slow reading of the rule, straight from the settings."""
    waited = (NOW - caller.since).total_seconds()
    found: set[str] = set()
    for step in RULES.rule_for(caller.need.team):
        if step.after > waited and found:
            break
        found = {
            a.extension for a in agents if a.extension in there and fits(caller.need, a, step.need)
        }
    return found


@given(CALLERS, AGENTS, st.randoms(use_true_random=False), st.data())
def test_the_matcher_agrees_with_a_slow_oracle_and_is_fair(
    callers: list[Waiting], agents: list[Agent], chance: random.Random, data: st.DataObject
) -> None:
    ready = [a.extension for a in agents if chance.random() < 0.7]
    chance.shuffle(ready)
    on_duty = frozenset(ready) | {a.extension for a in agents if chance.random() < 0.5}
    avoid = {
        w.id: data.draw(st.frozensets(st.sampled_from("123"), max_size=2), label=f"avoid {w.id}")
        for w in callers
    }
    line = sorted(callers, key=lambda w: turn(w, 60))
    found = match([asking(w, agents, avoid[w.id]) for w in line], ready, on_duty, NOW)

    left, expected = list(ready), []
    for caller in line:
        fit = [e for e in left if e in may_serve(caller, agents, on_duty - avoid[caller.id])]
        if fit:
            chosen = caller.last_agent if caller.last_agent in fit else fit[0]
            left.remove(chosen)
            expected.append((caller.id, chosen))
    assert found == expected

    served = dict(found)
    assert len(set(served.values())) == len(served), "no agent twice"
    for position, caller in enumerate(line):
        mine = may_serve(caller, agents, on_duty - avoid[caller.id])
        if caller.id not in served:
            assert not mine & set(left), "an agent idles whom somebody waits for"
            behind = {served[w.id] for w in line[position + 1 :] if w.id in served}
            assert not mine & behind, "a later caller got an agent whom this one waits for"


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 15)), max_size=10), st.integers(0, 900)
)
def test_the_order_of_two_callers_never_changes_while_they_wait(
    came: list[tuple[int, int]], later: int
) -> None:
    callers = [waiting(f"{n}", since, priority) for n, (since, priority) in enumerate(came)]
    before = sorted(callers, key=lambda w: turn(w, 60))
    one_more = waiting("new", later)
    after = sorted([*callers, one_more], key=lambda w: turn(w, 60))
    after.remove(one_more)
    assert [w.id for w in after] == [w.id for w in before]


def test_levels_and_points_are_the_companys_own() -> None:
    own = settings(vip_levels={"VIP": 3, "股东": 20}, urgent_priority=1)
    assert priority_of(["VIP", "股东"], True, own) == 21
