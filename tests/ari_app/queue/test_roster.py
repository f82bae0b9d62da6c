"""The agents' states: what each sees of what happens to calls and telephones."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.queue import AgentStanding, AgentState, NoSuchAgent, StateRefused
from ari_app.queue.roster import DECLINED, TALKS_KEPT, Roster
from tests.ari_app.queue.people import agent, at, settings

S = AgentState


class Told(list[tuple[str, str, str]]):
    """(extension, state, reason) of each change."""

    def __call__(self, standing: AgentStanding) -> None:
        self.append((standing.agent.extension, standing.state, standing.reason))


def roster(*extensions: str, told: Told | None = None, **values: object) -> Roster:
    agents = [agent(e) for e in extensions or ("1", "2")]
    return Roster(agents, settings(**values), at(0), Told() if told is None else told)


def states(team: Roster) -> dict[str, str]:
    return {s.agent.extension: s.state.value for s in team.standings()}


def test_a_day_in_the_life_of_an_agent() -> None:
    told = Told()
    team = roster("1", told=told, wrap_up_seconds=10)
    assert team.ring("1", "c1", at(5))
    team.busy("1", "c1", at(8))
    team.free("1", "c1", at(68))
    team.tick(at(77.9))
    assert states(team) == {"1": "wrap_up"}
    team.tick(at(78))
    team.set_state("1", S.AWAY, "lunch", at(80))
    team.set_state("1", S.READY, "", at(90))
    assert told == [
        ("1", "ringing", ""),
        ("1", "busy", ""),
        ("1", "wrap_up", ""),
        ("1", "ready", ""),
        ("1", "away", "lunch"),
        ("1", "ready", ""),
    ]
    assert list(team.talk_seconds) == [63], "the ring keeps the agent too"


def test_only_a_ready_agent_rings_and_only_for_one_call() -> None:
    team = roster("1")
    assert team.ring("1", "c1", at(1))
    assert not team.ring("1", "c2", at(1))
    team.busy("1", "c1", at(2))
    assert not team.ring("1", "c2", at(2))
    team.free("1", "c1", at(3))
    assert not team.ring("1", "c2", at(3)), "the wrap-up is the agent's own time"


def test_longest_idle_is_who_has_had_no_call_for_longest() -> None:
    team = roster("1", "2", "3", wrap_up_seconds=0)
    for second, extension in enumerate(["2", "1", "3"]):
        team.busy(extension, "c", at(second))
        team.free(extension, "c", at(10 + second))
    assert team.ready() == ["2", "1", "3"]


def test_a_caller_who_hangs_up_does_not_cost_the_agent_the_turn() -> None:
    team = roster("1", "2")
    team.ring("1", "c1", at(5))
    team.release("1", "c1", at(20))
    assert team.ready() == ["1", "2"]


def test_who_did_not_answer_goes_to_the_end_of_the_idle_ones() -> None:
    team = roster("1", "2")
    team.ring("1", "c1", at(5))
    team.declined("1", "c1", "no_answer", at(25))
    assert team.ready() == ["2", "1"]
    assert team.standing("1").reason == "no_answer"


def missed(team: Roster, second: float, why: str = "no_answer") -> None:
    assert team.ring("1", "c", at(second))
    team.declined("1", "c", why, at(second + 20))


def test_who_misses_two_rings_is_left_in_peace_and_one_more_suffices_afterwards() -> None:
    team = roster("1", unanswered_rings=2, unanswered_pause_seconds=300)
    missed(team, 0)
    missed(team, 30, "rejected")
    assert (team.standing("1").state, team.standing("1").reason) == (S.UNREACHABLE, "rejected")
    assert team.due() == at(350)
    team.tick(at(350))
    missed(team, 400)
    assert states(team) == {"1": "unreachable"}


@pytest.mark.parametrize("mend", ["answers", "says ready"])
def test_misses_are_forgotten_when_the_agent_shows_up(mend: str) -> None:
    team = roster("1", unanswered_rings=2, wrap_up_seconds=0)
    missed(team, 0)
    if mend == "answers":
        team.busy("1", "c", at(30))
        team.free("1", "c", at(40))
    else:
        team.set_state("1", S.READY, "phone", at(30))
    missed(team, 50)
    assert states(team) == {"1": "ready"}


def test_a_limit_of_zero_never_pauses_anybody() -> None:
    team = roster("1", unanswered_rings=0)
    for second in range(0, 300, 30):
        missed(team, second)
    assert states(team) == {"1": "ready"}


@pytest.mark.parametrize("why", ["busy", "unreachable"])
def test_a_telephone_that_cannot_ring_is_tried_again_after_a_pause(why: str) -> None:
    team = roster("1", unreachable_pause_seconds=60)
    missed(team, 0, why)
    assert (team.standing("1").state, team.standing("1").reason) == (S.UNREACHABLE, why)
    team.tick(at(79.9))
    assert team.ready() == []
    team.tick(at(80))
    assert team.ready() == ["1"]


def test_a_telephone_that_is_never_there_rests_longer_and_is_not_hoped_for() -> None:
    team = roster("1", unanswered_rings=2, unreachable_pause_seconds=60)
    missed(team, 0, "unreachable")
    assert team.hoped_for() == {"1"}, "a telephone that registers anew is back in a moment"
    team.tick(at(80))
    missed(team, 80, "unreachable")
    assert team.hoped_for() == frozenset()
    assert team.due() == at(100 + 300)


def test_a_busy_telephone_never_counts_as_missing() -> None:
    team = roster("1", unanswered_rings=2, unreachable_pause_seconds=60)
    for second in range(0, 1000, 100):
        missed(team, second, "busy")
        assert team.hoped_for() == {"1"}
        team.tick(at(second + 80))


def test_an_unknown_outcome_is_a_fault_of_ours_not_of_the_agent() -> None:
    team = roster("1")
    team.ring("1", "c", at(0))
    with pytest.raises(ValueError, match="no_answer, rejected, busy, unreachable"):
        team.declined("1", "c", "tired", at(1))


def test_away_during_a_call_takes_force_at_its_end() -> None:
    team = roster("1")
    team.busy("1", "c", at(0))
    team.set_state("1", S.AWAY, "lunch", at(1))
    assert team.standing("1").leaving
    assert states(team) == {"1": "busy"}
    team.free("1", "c", at(60))
    standing = team.standing("1")
    assert (standing.state, standing.reason, standing.leaving) == (S.AWAY, "lunch", False)


def test_away_while_the_phone_rings_takes_force_when_it_stops() -> None:
    for end in ("declined", "release", "free"):
        team = roster("1")
        team.ring("1", "c", at(0))
        team.set_state("1", S.AWAY, "", at(1))
        if end == "declined":
            team.declined("1", "c", "no_answer", at(2))
        elif end == "release":
            team.release("1", "c", at(2))
        else:
            team.free("1", "c", at(2))
        assert states(team) == {"1": "away"}, end


def test_ready_during_a_call_takes_the_wish_to_leave_back() -> None:
    team = roster("1", wrap_up_seconds=0)
    team.busy("1", "c", at(0))
    team.set_state("1", S.AWAY, "", at(1))
    team.set_state("1", S.READY, "", at(2))
    team.free("1", "c", at(3))
    assert states(team) == {"1": "ready"}


def test_a_call_of_his_own_does_not_end_an_agents_break() -> None:
    team = roster("1")
    team.set_state("1", S.AWAY, "lunch", at(0))
    team.busy("1", "c", at(10))
    team.free("1", "c", at(20))
    assert (team.standing("1").state, team.standing("1").reason) == (S.AWAY, "lunch")


def test_a_telephone_that_goes_offline_does_not_end_a_break_or_a_talk() -> None:
    team = roster("1", "2", "3")
    team.set_state("1", S.AWAY, "lunch", at(0))
    team.busy("2", "c", at(0))
    for extension in "123":
        team.set_state(extension, S.UNREACHABLE, "", at(1))
    assert states(team) == {"1": "away", "2": "busy", "3": "unreachable"}
    assert team.standing("3").reason == "unreachable"


@pytest.mark.parametrize("state", [S.BUSY, S.RINGING])
def test_states_that_follow_from_calls_cannot_be_set(state: AgentState) -> None:
    with pytest.raises(
        StateRefused, match=r"agent 1 cannot be set .*; set ready, away, wrap_up or"
    ):
        roster("1").set_state("1", state, "", at(0))


def test_an_agent_who_needs_more_time_to_write_up_gets_it_and_is_ready_by_himself() -> None:
    team = roster("1")
    team.set_state("1", S.WRAP_UP, "", at(0))
    assert team.standing("1").state is S.WRAP_UP
    team.tick(at(3600))
    assert team.standing("1").state is S.READY


def test_an_extension_of_nobody_is_named() -> None:
    with pytest.raises(NoSuchAgent, match=r"no agent has extension 9; see pbx.agents"):
        roster("1").set_state("9", S.READY, "", at(0))


def test_the_end_of_another_call_changes_nothing() -> None:
    team = roster("1")
    team.busy("1", "c2", at(0))
    team.free("1", "c1", at(1))
    team.declined("1", "c1", "no_answer", at(1))
    team.release("1", "c1", at(1))
    assert (team.standing("1").state, team.standing("1").call_id) == (S.BUSY, "c2")


# restart


@dataclass(frozen=True)
class Kept:
    extension: str
    state: str
    reason: str
    since: datetime


def test_a_restart_keeps_what_agents_said_and_whose_turn_it_is() -> None:
    team = roster("1", "2", "3", "4", "5", "6", wrap_up_seconds=10)
    rows = [
        Kept("1", "ready", "", at(-50)),
        Kept("2", "ready", "", at(-90)),
        Kept("3", "away", "lunch", at(-70)),
        Kept("4", "wrap_up", "", at(-4)),
        Kept("5", "unreachable", "busy", at(-61)),
        Kept("6", "busy", "", at(-30)),
        Kept("9", "ready", "", at(-30)),
        Kept("1000", "dancing", "", at(-30)),
    ]
    team.restore(rows, at(0))
    assert team.ready() == ["2", "1", "5", "6"], "who was in a call comes last"
    assert (team.standing("3").state, team.standing("3").since) == (S.AWAY, at(-70))
    assert team.due() == at(6)
    team.busy("6", "c", at(0))
    assert team.ready() == ["2", "1", "5"]


def test_a_state_of_another_version_leaves_the_agent_ready() -> None:
    team = roster("1")
    team.restore([Kept("1", "dancing", "", at(-30))], at(0))
    assert states(team) == {"1": "ready"}


def test_a_wrap_up_that_ended_while_we_were_down_is_over() -> None:
    team = roster("1", wrap_up_seconds=10)
    team.restore([Kept("1", "wrap_up", "", at(-100))], at(0))
    assert states(team) == {"1": "ready"}


# whatever happens

OPERATIONS = st.tuples(
    st.sampled_from(["ring", "release", "declined", "busy", "free", "set", "tick", "wait"]),
    st.sampled_from("12"),
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(DECLINED),
    st.sampled_from([S.READY, S.AWAY, S.UNREACHABLE]),
    st.integers(0, 400),
)


@given(st.lists(OPERATIONS, max_size=60), st.integers(0, 3), st.sampled_from([0, 10]))
def test_no_order_of_events_leaves_an_agent_in_an_impossible_state(
    operations: list[tuple[str, str, str, str, AgentState, int]], rings: int, wrap_up: int
) -> None:
    heard: dict[str, AgentStanding] = {}

    def changed(standing: AgentStanding) -> None:
        heard[standing.agent.extension] = standing

    team = Roster(
        [agent("1"), agent("2")],
        settings(unanswered_rings=rings, wrap_up_seconds=wrap_up),
        at(0),
        changed,
    )
    second = 0
    for what, extension, call_id, why, state, wait in operations:
        now = at(second)
        match what:
            case "ring":
                was = team.standing(extension).state
                assert team.ring(extension, call_id, now) is (was is S.READY)
            case "release":
                team.release(extension, call_id, now)
            case "declined":
                team.declined(extension, call_id, why, now)
            case "busy":
                team.busy(extension, call_id, now)
            case "free":
                team.free(extension, call_id, now)
            case "set":
                team.set_state(extension, state, "", now)
            case "tick":
                team.tick(now)
            case "wait":
                second += wait
        for standing in team.standings():
            in_call = standing.state in (S.RINGING, S.BUSY)
            assert bool(standing.call_id) is in_call
            assert not standing.leaving or in_call
            ext = standing.agent.extension
            assert (ext in team.ready()) is (standing.state is S.READY)
            assert (ext in team.on_duty()) is (standing.state not in (S.AWAY, S.UNREACHABLE))
            assert heard.get(ext, standing) == standing, "every change was told"
    team.tick(at(second + 1000))
    assert {s.state for s in team.standings()} <= {S.READY, S.RINGING, S.BUSY, S.AWAY}
    assert team.due() is None
    assert len(team.talk_seconds) <= TALKS_KEPT
