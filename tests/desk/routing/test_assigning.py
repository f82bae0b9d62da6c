"""Who gets a ticket: nobody is overlooked, nobody is given what he cannot do."""

from hypothesis import given
from hypothesis import strategies as st

from desk.house import Member
from desk.routing.assign import Wanted, choose, lacks
from desk.routing.roster import joined

MEMBERS = (
    Member(name="a", names=("a",), team="tj", skills=("repair",)),
    Member(name="b", names=("b", "agent:8002"), team="tj"),
    Member(name="c", names=("c",), team="tj", skills=("repair",), regions=("022",)),
    Member(name="d", names=("d",), team="bj", skills=("repair",)),
    Member(name="lead", names=("lead",), team="tj", role="lead", skills=("repair",)),
)


def test_the_one_with_the_fewest_open_tickets_gets_it() -> None:
    loads = {"a": 3, "b": 1, "lead": 9}
    assert choose(Wanted(team="tj"), MEMBERS[:2], loads).assignee == "b"


def test_where_several_have_as_few_the_name_decides_so_it_can_be_foretold() -> None:
    assert choose(Wanted(team="tj"), MEMBERS[::-1], {}).assignee == "a"


def test_the_skill_is_asked_for() -> None:
    found = choose(Wanted(team="tj", skill="repair"), MEMBERS, {"a": 5})
    assert found.assignee == "a"
    assert ("b", "has not the skill repair") in found.passed
    assert ("c", "serves 022 only") in found.passed


def test_who_serves_a_region_gets_its_tickets() -> None:
    wanted = Wanted(team="tj", skill="repair", regions=("022", "天津"))
    assert choose(wanted, MEMBERS, {"a": 1}).assignee == "c"


def test_a_grave_ticket_goes_to_a_lead() -> None:
    assert choose(Wanted(team="tj", role="lead"), MEMBERS, {"lead": 50}).assignee == "lead"


def test_an_ordinary_one_is_given_to_no_lead_and_to_nobody_who_administers() -> None:
    boss = Member(name="admin", names=("admin",), team="tj", role="administrator")
    found = choose(Wanted(team="tj"), (MEMBERS[4], boss), {})
    assert found.assignee == ""
    assert found.passed == (("lead", "is no agent"), ("admin", "is administrator"))


def test_a_lead_goes_before_a_supervisor() -> None:
    boss = Member(name="boss", names=("boss",), team="tj", role="supervisor")
    found = choose(Wanted(team="tj", role="lead"), (boss, MEMBERS[4]), {"lead": 9})
    assert found.assignee == "lead"


def test_who_knows_the_customer_gets_it_even_with_more_to_do() -> None:
    found = choose(Wanted(team="tj"), MEMBERS, {"b": 50}, known=["gone", "agent:8002", "a"])
    assert found.assignee == "b"
    assert "knows the customer" in found.why


def test_who_is_away_gets_nothing_even_if_known() -> None:
    away = ["agent:8002"]
    assert choose(Wanted(team="tj"), MEMBERS, {}, away=away, known=["b"]).assignee == "a"


def test_who_knows_the_customer_but_has_not_the_skill_does_not_get_it() -> None:
    wanted = Wanted(team="tj", skill="repair")
    assert choose(wanted, MEMBERS, {}, known=["b"]).assignee == "a"


def test_with_nobody_to_give_it_to_it_stays_with_the_team() -> None:
    found = choose(Wanted(team="bj", role="supervisor"), MEMBERS, {})
    assert found.assignee == ""
    assert found.passed == (("d", "is no supervisor"),)


def test_an_account_with_an_extension_is_the_agent_who_has_it() -> None:
    agents = [Member(name="agent:8001", full_name="张敏", team="tj", skills=("repair",))]
    accounts = [
        Member(name="zhang", names=("zhang", "agent:8001", "8001"), role="lead", team=""),
        Member(name="boss", names=("boss",), role="supervisor", team="tj"),
    ]
    found = {member.name: member for member in joined(agents, accounts)}
    assert set(found) == {"boss", "zhang"}
    assert found["zhang"].skills == ("repair",)
    assert found["zhang"].team == "tj"
    assert found["zhang"].role == "lead"


NAMES = st.sampled_from([member.name for member in MEMBERS])


@given(
    st.builds(
        Wanted,
        team=st.sampled_from(["", "tj", "bj", "gone"]),
        skill=st.sampled_from(["", "repair", "magic"]),
        role=st.sampled_from(["agent", "lead", "supervisor"]),
        regions=st.sampled_from([(), ("022",), ("010",)]),
    ),
    st.dictionaries(NAMES, st.integers(0, 20)),
    st.sets(NAMES),
    st.lists(NAMES, max_size=3),
)
def test_whoever_gets_it_can_do_it_and_nobody_able_has_less(
    wanted: Wanted, loads: dict[str, int], away: set[str], known: list[str]
) -> None:
    able = {
        member.name
        for member in MEMBERS
        if wanted.team in ("", member.team)
        and not lacks(member, wanted)
        and member.name not in away
    }
    found = choose(wanted, MEMBERS, loads, away=away, known=known)
    assert bool(found.assignee) is bool(able)
    if not able:
        return
    assert found.assignee in able
    nearest = next((name for name in known if name in able), None)
    if nearest is not None:
        assert found.assignee == nearest
    else:
        assert loads.get(found.assignee, 0) == min(loads.get(name, 0) for name in able)
