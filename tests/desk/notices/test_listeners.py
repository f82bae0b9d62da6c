"""What is for a role reaches somebody, however few there are; and nobody is told of his own deed,
whatever he was called when he did it."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from desk import accounts, notices
from desk.access import Role as Office
from desk.accounts import NewAccount
from desk.chores import catch_up
from desk.db.engine import Database
from desk.notices import Inbox, NewNotice
from desk.notices.following import notice_chores
from desk.notices.listeners import Listener, heard_at
from desk.notices.settings import NoticeSettings
from desk.teamwork import watching
from desk.tickets import By, Role, handovers, overdue, steps, voiding
from tests.desk.lifecycle.cases import AGENT, LATER, LEAD, begun, opened
from tests.rig.samples import NOW

CHORES = notice_chores(NoticeSettings())
ROLES = ["agent", "technician", "lead", "supervisor", "administrator"]
TEAMS = ["天津", "北京", ""]


def person(name: str, role: str, team: str = "", extension: str = "") -> Listener:
    return Listener(name, f"{name}先生", role, team, extension)


AGENT_LI = person("li", "agent", "天津", "8001")
LEAD_WANG = person("wang", "lead", "天津")
SUPERVISOR_ZHAO = person("zhao", "supervisor")
OF_BEIJING = person("qian", "supervisor", "北京")
ADMINISTRATOR = person("root", "administrator")


@pytest.mark.parametrize(
    ("to", "people", "heard"),
    [
        ("role:lead@天津", [LEAD_WANG, SUPERVISOR_ZHAO], "role:lead@天津"),
        ("role:lead@天津", [person("sun", "lead"), SUPERVISOR_ZHAO], "role:lead@天津"),
        ("role:lead@北京", [LEAD_WANG, SUPERVISOR_ZHAO], "role:supervisor@北京"),
        ("role:lead@天津", [AGENT_LI, OF_BEIJING, ADMINISTRATOR], "role:supervisor"),
        ("role:lead@天津", [AGENT_LI, ADMINISTRATOR], "role:administrator@天津"),
        ("role:supervisor", [LEAD_WANG, ADMINISTRATOR], "role:administrator"),
        ("role:technician@天津", [LEAD_WANG], "role:lead@天津"),
        ("role:lead@天津", [AGENT_LI], "role:lead@天津"),
        ("role:integration", [ADMINISTRATOR], "role:integration"),
        ("team:天津", [AGENT_LI, SUPERVISOR_ZHAO], "team:天津"),
        ("team:天津", [SUPERVISOR_ZHAO], "role:supervisor@天津"),
        ("agent:8009", [SUPERVISOR_ZHAO], "agent:8009"),
    ],
)
def test_a_role_that_nobody_holds_is_heard_by_the_next_upward(
    to: str, people: list[Listener], heard: str
) -> None:
    assert heard_at(to, "system", people) == heard


def test_who_alone_holds_the_role_is_no_one_to_tell_of_his_own_deed() -> None:
    people = [LEAD_WANG, SUPERVISOR_ZHAO]
    assert heard_at("role:lead@天津", "wang", people) == "role:supervisor@天津"
    assert heard_at("role:supervisor", "zhao", people) == "role:supervisor"


@given(
    st.sampled_from(ROLES),
    st.sampled_from(TEAMS),
    st.lists(st.tuples(st.sampled_from(ROLES), st.sampled_from(TEAMS)), min_size=1, max_size=6),
)
def test_as_long_as_somebody_is_above_somebody_hears(
    role: str, team: str, house: list[tuple[str, str]]
) -> None:
    people = [person(f"p{number}", *each) for number, each in enumerate(house)]
    to = f"role:{role}@{team}" if team else f"role:{role}"
    place = heard_at(to, "system", people)
    readers = [one for one in people if Inbox.of("x", one.names, one.role, one.team).holds(place)]
    rank = {"agent": 0, "technician": 0, "lead": 1, "supervisor": 2, "administrator": 3}
    above = [one for one in people if rank[one.role] > max(rank[role], 1)]
    assert readers or not above, "what is told is read by somebody"


async def account(db: Database, who: Listener) -> Inbox:
    new = NewAccount(who.name, who.full_name, Office(who.role), who.team, who.extension, False)
    await db.write(accounts.create, new, "no password", NOW, actor="cli")
    return Inbox.of(who.name, who.names, who.role, who.team)


@pytest.fixture
async def following(db: Database) -> Database:
    await catch_up(db, CHORES, lambda: NOW)
    return db


async def told(db: Database, inbox: Inbox) -> list[tuple[str, str]]:
    await catch_up(db, CHORES, lambda: LATER)
    return [(one.kind, one.to) for one in reversed(await db.read(notices.of_inbox, inbox))]


async def test_a_hand_over_that_nobody_takes_is_heard_where_no_team_has_a_lead(
    following: Database,
) -> None:
    db = following
    zhao = await account(db, SUPERVISOR_ZHAO)
    ticket = await db.write(begun)
    await db.write(handovers.ask, ticket.id, "天津", "上门", NOW, by=AGENT, expected_version=2)
    assert await told(db, zhao) == [("handover", "role:supervisor@天津")], "the team is empty"
    await db.write(overdue.mark_overdue, LATER)
    assert await told(db, zhao) == [("handover", "role:supervisor@天津")] * 2
    [late, _] = await db.read(notices.of_inbox, zhao)
    assert "role:lead@天津" in late.text
    assert "逾期" in late.text


async def test_who_held_a_role_and_left_is_not_waited_for(following: Database) -> None:
    db = following
    await account(db, LEAD_WANG)
    zhao = await account(db, SUPERVISOR_ZHAO)
    await db.write(accounts.change, "wang", {"disabled": True}, NOW, actor="cli")
    await db.write(notices.notify, NewNotice("role:lead@天津", "x", "看一下", "k"), NOW)
    assert await told(db, zhao) == [("x", "role:supervisor@天津")]


async def test_nobody_is_told_of_his_own_deed_under_another_of_his_names(
    following: Database,
) -> None:
    db = following
    li, wang = await account(db, AGENT_LI), await account(db, LEAD_WANG)
    ticket = await db.write(opened)
    by_page = By("li", Role.AGENT)
    await db.write(
        steps.assign, ticket.id, NOW, by=by_page, expected_version=1, assignee="agent:8001"
    )
    await db.write(steps.assign, ticket.id, NOW, by=by_page, expected_version=2, assignee="li先生")
    await db.write(steps.assign, ticket.id, NOW, by=by_page, expected_version=3, team="天津")
    assert await told(db, li) == []
    assert await told(db, wang) == [("assigned", "team:天津")], "colleagues are told"
    assert await db.read(notices.unread, li) == 0
    assert li.holds("team:天津", "wang")
    assert not li.holds("team:天津", "agent:8001")


async def test_one_who_is_in_charge_and_watches_under_another_name_is_told_once(
    following: Database,
) -> None:
    db = following
    li = await account(db, AGENT_LI)
    ticket = await db.write(opened)
    await db.write(watching.watch, ticket.id, "li", NOW, by=By("li", Role.AGENT))
    await db.write(steps.assign, ticket.id, NOW, by=LEAD, expected_version=1, assignee="agent:8001")
    assert await told(db, li) == [("assigned", "agent:8001")]


async def test_a_drawn_wrong_number_is_put_before_a_supervisor(following: Database) -> None:
    db = following
    zhao = await account(db, SUPERVISOR_ZHAO)
    for call_id, lot in (("c1", 0.0), ("c2", 0.99)):
        ticket = await db.write(opened, call_id)
        await db.write(
            voiding.void, ticket.id, "test", NOW, by=AGENT, expected_version=1,
            draw=partial(float, lot),
        )  # fmt: skip
    assert await told(db, zhao) == [("void_check", "role:supervisor")]


async def test_escalation_that_nobody_can_hear_is_said_aloud(db: Database) -> None:
    async def said(to: str, key: str) -> list[str]:
        with capture_logs() as lines:
            await db.write(notices.notify, NewNotice(to, "sla", "超时", key), NOW)
        return [line["to"] for line in lines if "nobody" in line["event"]]

    assert await said("role:lead@天津", "1") == ["role:lead@天津"]
    assert await said("agent:8001", "2") == ["agent:8001"], "who has no account has no inbox"
    await account(db, AGENT_LI)
    assert await said("agent:8001", "3") == []
    assert await said("role:lead@天津", "4") == ["role:lead@天津"]
    await account(db, ADMINISTRATOR)
    assert await said("role:lead@天津", "5") == [], "the next upward hears it"
