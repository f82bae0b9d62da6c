"""Who looks at the desk from outside sees what is due, and changes policies only after seeing what
that does."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from desk import house, sla
from desk.access import Principal, Reach, Role
from desk.access.within import tickets_within
from desk.chores import catch_up
from desk.house import House, Member
from desk.numbering import ticket_number
from desk.service import ServiceSettings, chores
from desk.sla.book import Book
from desk.sla.lists import due
from desk.sla.settings import Target
from desk.tickets import steps
from tests.desk.api.conftest import Api
from tests.desk.sla.books import book, minutes
from tests.desk.sla.cases import give, go, hand_over, open_case, seen
from tests.rig.samples import NOW

STEPS = [{"to": "agent", "share": 0.75}, {"to": "lead", "share": 1}]


def content(resolution: int = 60, **policy: Any) -> dict[str, Any]:
    target = {"due_minutes": resolution, "clock": "wall", "steps": STEPS}
    last = {"name": "all", "targets": {"resolution": target}}
    policies = [{"name": "first", "targets": {"resolution": target}, **policy}] if policy else []
    return {
        "policies": [*policies, last],
        "calendars": {"default": {"overrides": {"2026-11-23": "rest"}}},
    }


async def aged(api: Api, call_id: str, ago: float) -> int:
    """A ticket that was opened some minutes ago."""
    return await api.db.write(open_case, call_id, NOW - minutes(ago))


async def in_force(api: Api, levels: Book) -> None:
    await api.db.write(sla.apply, levels, NOW - timedelta(days=1))
    await keep(api)


async def keep(api: Api) -> None:
    await catch_up(api.db, chores(ServiceSettings()), lambda: NOW)


async def post(api: Api, path: str, body: object, *scopes: str) -> httpx.Response:
    return await api.send("POST", f"/api/v1/sla/{path}", *(scopes or ("sla:write",)), body=body)


async def test_a_tickets_clocks_tell_colour_and_steps(api: Api) -> None:
    await in_force(api, book(60, response=600))
    ticket_id = await aged(api, "c2", 50)
    await keep(api)
    number = ticket_number(ticket_id)
    answer = await api.get(f"/api/v1/tickets/{number}/sla", "tickets:read")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["ticket_number"], told["colour"]) == (number, "amber")
    clocks = {clock["target"]: clock for clock in told["clocks"]}
    resolution = clocks["resolution"]
    assert (resolution["policy"], resolution["state"], resolution["colour"]) == (
        "all", "running", "amber",
    )  # fmt: skip
    assert (resolution["elapsed_seconds"], resolution["due_seconds"]) == (3000, 3600)
    assert resolution["due_at"] == (NOW + minutes(10)).isoformat().replace("+00:00", "Z")
    assert [(step["to"], step["fired_at"] is not None) for step in resolution["steps"]] == [
        ("agent", True), ("lead", False), ("supervisor", False), ("manager", False),
    ]  # fmt: skip
    assert clocks["first_response"]["colour"] == "green"


async def test_without_policies_a_ticket_has_no_clocks(api: Api) -> None:
    told = (await api.get("/api/v1/tickets/100014/sla", "tickets:read")).json()
    assert (told["colour"], told["clocks"]) == (None, [])


async def test_lists_by_due_time_page_through_everything_once(api: Api) -> None:
    await in_force(api, book(60, response=600))
    late = [await aged(api, f"late{n}", 61 + n) for n in range(3)]
    amber = await aged(api, "amber", 50)
    waiting = await aged(api, "waiting", 100)
    await api.db.write(go, waiting, NOW - minutes(90), "waiting_customer")
    await keep(api)

    async def listed(query: str) -> list[tuple[str, str]]:
        found, cursor = [], ""
        while True:
            answer = await api.get(f"/api/v1/sla/due?limit=2{query}{cursor}", "tickets:read")
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += [(item["ticket_number"], item["colour"]) for item in page["items"]]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    only = "&target=resolution"
    assert await listed(f"{only}&colour=red") == [(ticket_number(i), "red") for i in reversed(late)]
    assert await listed(f"{only}&colour=amber") == [(ticket_number(amber), "amber")]
    everything = await listed(only)
    assert everything[:4] == [(ticket_number(i), "red") for i in reversed(late)] + [
        (ticket_number(amber), "amber")
    ]
    assert ticket_number(waiting) not in [number for number, _ in everything], "it is paused"
    assert len(everything) == 5, "and the case of the fixture"
    both = [number for number, _ in await listed("")]
    assert sorted(both) == sorted(2 * [number for number, _ in everything]), "two clocks of each"
    await api.db.write(give, amber, NOW, "天津")
    assert await listed(f"{only}&team=天津") == [(ticket_number(amber), "amber")]


@pytest.mark.parametrize("cursor", ["x", "MQ", "MjAyNi0xMS0yMlQwMSAxIHggMQ"])
async def test_a_cursor_that_no_page_gave_is_refused(api: Api, cursor: str) -> None:
    answer = await api.get(f"/api/v1/sla/due?cursor={cursor}", "tickets:read")
    assert (answer.status_code, answer.json()["error_id"]) == (400, "bad-cursor")


async def test_a_change_shows_its_effect_is_applied_and_rolled_back(api: Api) -> None:
    first = await post(api, "effect", {"content": content(60)})
    assert first.status_code == 200, first.text
    told = first.json()
    assert (told["in_force"], told["looked_at"], told["next"]) == (0, 1, None)
    [item] = told["items"]
    assert (item["before"], item["after"]["due_seconds"], item["fires"]) == (None, 3600, [])
    applied = await post(api, "editions", {"content": content(60), "expected": 0})
    assert applied.status_code == 200, applied.text
    assert (applied.json()["edition"], applied.json()["actor"]) == (1, "test")
    assert applied.json()["content"]["calendars"]["default"]["overrides"] == {"2026-11-23": "rest"}
    await keep(api)
    second = (await post(api, "effect", {"content": content(90)})).json()
    assert second["in_force"] == 1
    assert [i["after"]["due_seconds"] for i in second["items"]] == [5400]
    await post(api, "editions", {"content": content(90), "expected": 1})
    back = await post(api, "effect", {"edition": 1})
    assert [i["after"]["due_seconds"] for i in back.json()["items"]] == [3600]
    rolled = await post(api, "editions", {"edition": 1, "expected": 2})
    assert rolled.json()["edition"] == 3, "history is kept: going back is a new edition"
    assert rolled.json()["content"] == applied.json()["content"]
    await keep(api)
    clocks = (await api.get("/api/v1/tickets/100014/sla", "tickets:read")).json()["clocks"]
    assert [(c["edition"], c["due_seconds"]) for c in clocks] == [(3, 3600)]
    listed = (await api.get("/api/v1/sla/editions?limit=2", "tickets:read")).json()
    assert (listed["in_force"], [e["edition"] for e in listed["items"]]) == (3, [3, 2])
    rest = (await api.get(f"/api/v1/sla/editions?cursor={listed['next']}", "tickets:read")).json()
    assert (rest["in_force"], [e["edition"] for e in rest["items"]], rest["next"]) == (3, [1], None)
    one = await api.get("/api/v1/sla/editions/1", "tickets:read")
    assert one.json()["content"]["policies"][0]["name"] == "all"
    assert (await api.get("/api/v1/sla/editions/9", "tickets:read")).status_code == 404
    assert (await post(api, "effect", {"edition": 9})).status_code == 404


async def test_a_change_that_somebody_else_made_meanwhile_is_refused(api: Api) -> None:
    await post(api, "editions", {"content": content(60), "expected": 0})
    answer = await post(api, "editions", {"content": content(30), "expected": 0})
    assert answer.status_code == 412
    assert answer.json()["versions"] == {"expected": 0, "current": 1}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "either `content` or a former `edition`"),
        ({"content": content(60), "edition": 1}, "either `content` or a former `edition`"),
        ({"content": content(60, regions=["029x"])}, "no area code or province named '029x'"),
        ({"content": content(60, types=["nonsense"])}, "no ticket type named 'nonsense'"),
        ({"content": content(60, levels=[7])}, "less than or equal to 4"),
        ({"content": content(60) | {"calendars": {}}}, "the calendar `default` is missing"),
        (
            {"content": content(60) | {"calendars": {"default": {}, "nobody": {}}}},
            "no team named 'nobody'",
        ),
        (
            {"content": content(60) | {"calendars": {"default": {"file": "/etc/passwd"}}}},
            "Extra inputs are not permitted",
        ),
    ],
)
async def test_what_leads_nowhere_is_refused_with_a_sentence(
    api: Api, body: dict[str, Any], says: str
) -> None:
    known = House(types={"complaint": "投诉"}, members=(Member(name="agent:8001", team="天津"),))
    await api.db.write(house.declare, known, NOW)
    answer = await post(api, "effect", body)
    assert answer.status_code == 422, answer.text
    assert says in answer.text


async def test_an_agent_sees_what_is_due_of_his_own_and_his_team_alone(api: Api) -> None:
    await in_force(api, book(60))
    mine, teams, others = [await aged(api, f"c-{n}", 90) for n in range(3)]
    for ticket_id, team in ((teams, "天津"), (others, "北京"), (mine, "北京")):
        await api.db.write(give, ticket_id, NOW, team)
    await keep(api)

    async def seen_by(team: str, reach: Reach) -> set[int]:
        who = Principal("li", "account:2", Role.AGENT, team, None, names=("li", "8002"))
        within = tickets_within(who, reach)
        found = await api.db.read(due, NOW, target=Target.RESOLUTION, within=within)
        return {each.ticket_id for each in found}

    await api.db.write(_in_charge, mine, "8002")
    assert await seen_by("", Reach.OTHER) == {1, mine, teams, others}
    assert await seen_by("", Reach.OWN) == {mine}
    assert await seen_by("", Reach.TEAM) == {1, mine}, "what is nobody's is everybody's"
    assert await seen_by("天津", Reach.TEAM) == {1, mine, teams}
    await api.db.write(hand_over, others, NOW, "ask")
    assert await seen_by("night", Reach.TEAM) == {1, mine, others}, "offered to his team"


def _in_charge(db: Connection, ticket_id: int, assignee: str) -> None:
    steps.assign(db, ticket_id, NOW, team="北京", assignee=assignee, **seen(db, ticket_id))


async def test_changing_policies_needs_its_own_scope(api: Api) -> None:
    for path in ("effect", "editions"):
        body = {"content": content(60), "expected": 0}
        answer = await post(api, path, body, "tickets:read", "tickets:write")
        assert (answer.status_code, answer.json()["error_id"]) == (403, "scope-missing")
