"""Who may serve a caller, and who from when on, by the rules of config.yaml."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.queue import Agent, Need
from ari_app.queue.relax import Widening, fits
from ari_app.queue.settings import QueueSettings, Requirement
from desk.region import locate
from tests.ari_app.queue.people import agent, settings

ALL = list(Requirement)
DEFAULT = QueueSettings().rule_for("")
OFFICE = [
    agent("1", "a", skills=["repair"], regions=["022"]),
    agent("2", "a", skills=["repair"]),
    agent("3", "b", skills=["repair", "tax"], languages=["天津话"]),
    agent("4", "b"),
]
EVERYBODY = frozenset("1234")


@pytest.mark.parametrize(
    ("need", "served_by"),
    [
        (Need(), "1234"),
        (Need(team="a"), "12"),
        (Need(team="a", area_code="010"), "2"),
        (Need(area_code="022"), "1234"),
        (Need(area_code="010"), "234"),
        (Need(skills=frozenset({"repair"})), "123"),
        (Need(skills=frozenset({"repair", "tax"})), "3"),
        (Need(skills=frozenset({"flying"})), ""),
        (Need(language="天津话"), "3"),
        (Need(team="a", language="天津话"), ""),
        (Need(extension="1", team="b", area_code="010", language="x"), "1"),
        (Need(extension="9"), ""),
    ],
)
def test_a_strict_need_is_served_by_those_who_fulfil_all_of_it(need: Need, served_by: str) -> None:
    assert "".join(a.extension for a in OFFICE if fits(need, a, ALL)) == served_by


@pytest.mark.parametrize(
    ("regions", "caller_id", "served"),
    [
        (["河北"], "031181234567", True),  # 石家庄, by its province
        (["0311"], "031181234567", True),
        (["天津"], "031181234567", False),
        (["香港"], "+85221234567", True),  # no area code, but a province
        (["022"], "+85221234567", False),
        (["022"], "anonymous", True),  # nothing is known that speaks against it
        ([], "031181234567", True),
    ],
)
def test_regions_are_area_codes_or_provinces(
    regions: list[str], caller_id: str, served: bool
) -> None:
    need = Need.of(locate(caller_id, "022"))
    assert fits(need, agent("1", regions=regions), ALL) is served


def test_the_province_follows_from_an_area_code_alone() -> None:
    assert fits(Need(area_code="0311"), agent("1", regions=["河北"]), ALL)


def test_a_caller_waits_a_minute_for_his_region_two_for_his_team_then_for_anybody_able() -> None:
    need = Need(team="a", area_code="010", skills=frozenset({"repair"}))
    widening = Widening.of(need, OFFICE, DEFAULT)
    assert widening.servers(0, EVERYBODY) == {"2"}
    assert widening.servers(59.9, EVERYBODY) == {"2"}
    assert widening.servers(60, EVERYBODY) == {"1", "2"}
    assert widening.servers(120, EVERYBODY) == {"1", "2", "3"}
    assert widening.servers(9999, EVERYBODY) == {"1", "2", "3"}, "a skill is never waived"
    assert [widening.next_step(t) for t in (0, 60, 120)] == [60, 120, None]


def test_nobody_waits_for_an_agent_who_is_away_while_another_one_could_help() -> None:
    widening = Widening.of(Need(team="a", area_code="010"), OFFICE, DEFAULT)
    assert widening.servers(0, frozenset("134")) == {"1"}
    assert widening.servers(0, frozenset("34")) == {"3", "4"}
    assert widening.servers(0, frozenset()) == frozenset()


def test_a_dialled_extension_is_never_replaced_by_a_colleague() -> None:
    widening = Widening.of(Need(extension="1"), OFFICE, DEFAULT)
    assert widening.servers(9999, EVERYBODY) == {"1"}
    assert widening.servers(9999, frozenset("234")) == frozenset()


def test_steps_that_add_nobody_set_no_timer() -> None:
    widening = Widening.of(Need(), OFFICE, DEFAULT)
    assert widening.next_step(0) is None


def test_a_team_may_have_steps_of_its_own() -> None:
    strict = [{"after": 0, "need": ["team"]}]
    rules = settings(rules={"default": [{"after": 0, "need": []}], "a": strict})
    assert Widening.of(Need(team="a"), OFFICE, rules.rule_for("a")).widest == {"1", "2"}
    assert Widening.of(Need(team="b"), OFFICE, rules.rule_for("b")).widest == EVERYBODY


WORDS = st.sampled_from(["", "a", "b", "022", "010", "河北", "天津话", "repair", "tax"])
NEEDS = st.builds(
    Need,
    team=WORDS,
    extension=st.sampled_from(["", "", "1"]),
    area_code=WORDS,
    skills=st.frozensets(WORDS.filter(bool), max_size=3),
    language=WORDS,
    province=WORDS,
)


@given(NEEDS)
def test_a_need_survives_the_journal(need: Need) -> None:
    assert Need.from_dict(json.loads(json.dumps(need.as_dict()))) == need


def test_a_need_of_another_version_is_read_as_far_as_it_goes() -> None:
    assert Need.from_dict({"team": "a", "mood": "bad"}) == Need(team="a")
    assert Need.from_dict({}) == Need()


AGENTS = st.lists(
    st.builds(
        Agent,
        extension=st.sampled_from("123456"),
        team=st.sampled_from("ab"),
        skills=st.frozensets(st.sampled_from(["repair", "tax"])),
        regions=st.frozensets(st.sampled_from(["022", "010", "河北"])),
        languages=st.frozensets(st.sampled_from(["天津话"])),
    ),
    unique_by=lambda a: a.extension,
    max_size=6,
)
STEPS = st.lists(st.sampled_from(Requirement), unique=True).flatmap(
    lambda names: st.just([names[: len(names) - n] for n in range(len(names) + 1)])
)


@given(NEEDS, AGENTS, STEPS, st.floats(-5, 300), st.frozensets(st.sampled_from("123456")))
def test_the_compiled_rule_says_what_the_written_one_says(
    need: Need,
    agents: list[Agent],
    steps: list[list[Requirement]],
    waited: float,
    there: frozenset[str],
) -> None:
    rule = settings(
        rules={"default": [{"after": 30 * i, "need": n} for i, n in enumerate(steps)]}
    ).rule_for("")
    expected: set[str] = set()
    for number, step in enumerate(rule):
        if number and step.after > waited and expected:
            break
        expected = {
            a.extension for a in agents if a.extension in there and fits(need, a, step.need)
        }
    assert Widening.of(need, agents, rule).servers(waited, there) == expected
