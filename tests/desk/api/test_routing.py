"""Whoever routes over the API sees why, breaks nothing that is in force, and takes what is his."""

import asyncio
from typing import Any

import pytest

from desk import house, routing, tickets
from desk.access import Role
from desk.house import House, Member
from desk.tickets import NewTicket
from tests.desk.api.conftest import Api
from tests.desk.api.people import TEAM, person, ticket_of
from tests.desk.api.test_tickets import ONE, post, version
from tests.desk.routing.cases import RULES
from tests.desk.routing.houses import FIELDS, MEMBERS, TYPES, declare
from tests.rig.samples import NOW

ROUTING = "/api/v1/routing"
WRITE = ("routing:write",)


async def begin(api: Api) -> None:
    await api.db.write(declare)
    await api.db.write(lambda c: routing.activate(c, RULES, NOW, actor="boss") and None)


async def send(
    api: Api, method: str, path: str, body: object = None, *scopes: str
) -> tuple[int, Any]:
    answer = await api.send(method, f"{ROUTING}{path}", *(scopes or WRITE), body=body)
    return answer.status_code, answer.json()


async def test_a_wrong_set_is_told_whole_and_does_not_become_active(api: Api) -> None:
    await begin(api)
    wrong = RULES.replace("skill: repair", "skill: magic").replace("ticket.type", "ticket.typ")
    code, found = await send(api, "POST", "/check", {"content": wrong})
    assert code == 200
    assert found["usable"] is False
    assert {each["line"] for each in found["findings"]} == {20, 24, 25}
    code, problem = await send(api, "POST", "/editions", {"content": wrong})
    assert (code, problem["error_id"]) == (422, "bad-rules")
    assert len(problem["errors"]) == 3
    code, listed = await send(api, "GET", "/editions", None, "tickets:read")
    assert [each["edition"] for each in listed["items"]] == [1]


async def test_sets_are_activated_listed_read_and_brought_back(api: Api) -> None:
    await begin(api)
    other = RULES.replace("level: 4", "level: 3")
    code, made = await send(api, "POST", "/editions", {"content": other, "note": "更严"})
    assert (code, made["edition"], made["note"], made["actor"]) == (200, 2, "更严", "test")
    code, problem = await send(api, "POST", "/editions", {"content": RULES, "expected": 1})
    assert (code, problem["versions"]) == (412, {"expected": 1, "current": 2})
    code, back = await send(api, "POST", "/editions", {"restores": 1, "expected": 2})
    assert (code, back["edition"], back["restores"], back["content"]) == (200, 3, 1, RULES)
    code, listed = await send(api, "GET", "/editions?limit=2", None, "tickets:read")
    assert [each["edition"] for each in listed["items"]] == [3, 2]
    code, rest = await send(
        api, "GET", f"/editions?limit=2&cursor={listed['next']}", None, "tickets:read"
    )
    assert [each["edition"] for each in rest["items"]] == [1]
    assert (await send(api, "GET", "/editions/2", None, "tickets:read"))[1]["content"] == other
    assert (await send(api, "GET", "/editions/9", None, "tickets:read"))[0] == 404
    assert (await send(api, "POST", "/editions", {}))[0] == 422
    assert (await send(api, "POST", "/editions", {"restores": 1, "content": "x"}))[0] == 422


async def test_a_sample_shows_which_rule_holds_and_where_the_others_fail(api: Api) -> None:
    await begin(api)
    sample = {"ticket": {"type": "repair", "area_code": "022"}}
    code, found = await send(api, "POST", "/test", {"sample": sample})
    assert code == 200
    assert found["decision"]["rules"] == ["repair"]
    assert found["decision"]["place"] == "region 022"
    assert found["chosen"]["assignee"] == "agent:8001"
    law = found["rules"][0]
    assert (law["name"], law["holds"]) == ("law", False)
    assert law["clauses"][0]["text"].startswith("$mentions")
    assert found["rules"][-1]["asked"] is False
    code, problem = await send(api, "POST", "/test", {"sample": {"ticket": {"typ": "x"}}})
    assert (code, problem["error_id"]) == (422, "bad-sample")
    moment = {"ticket": {"opened_at": "2026-01-01T00:00:00+00:00"}}
    assert (await send(api, "POST", "/test", {"sample": moment}))[0] == 200


async def test_without_rules_in_force_it_says_so(api: Api) -> None:
    code, problem = await send(api, "POST", "/test", {"sample": {}})
    assert (code, problem["error_id"]) == (404, "no-rules-in-force")
    answer = await api.get(f"{ONE}/routing", "tickets:read")
    assert answer.json() == {"last": None, "now": None}


async def test_a_ticket_tells_how_it_was_routed_and_would_be_now(api: Api) -> None:
    await begin(api)
    await api.db.write(routing.route, 1, NOW)
    found = (await api.get(f"{ONE}/routing", "tickets:read")).json()
    assert found["last"]["team"] == "tianjin"
    assert found["now"]["decision"] == found["last"]["decision"]
    proposed = RULES.replace('"022": tianjin', '"022": national')
    answer = await api.send(
        "POST", f"{ONE}/routing/test", "tickets:read", body={"content": proposed}
    )
    assert answer.json()["decision"]["team"] == "national"
    assert answer.json()["edition"] == 0


async def test_level_priority_and_fields_are_set_over_what_was_seen(api: Api) -> None:
    await begin(api)
    for path, body, shown in (
        ("level", {"level": 2, "reason": "很急"}, ("level", 2)),
        ("priority", {"priority": 70, "reason": "急"}, ("priority", 70)),
    ):
        assert (await post(api, f"{ONE}/{path}", body, method="PUT")).status_code == 428
        answer = await post(api, f"{ONE}/{path}", body, seen=await version(api), method="PUT")
        assert answer.status_code == 200, answer.text
        assert answer.json()[shown[0]] == shown[1]
    fields = {"fields": {"product": "打 13812345678"}}
    path = f"{ONE}/fields"
    answer = await post(api, path, fields, seen=await version(api), method="PATCH")
    assert answer.json()["fields"] == {"product": "打 138****5678"}
    stale = await post(api, path, fields, seen=1, method="PATCH")
    assert stale.status_code == 412
    wrong = {"fields": {"colour": "红"}}
    answer = await post(api, path, wrong, seen=await version(api), method="PATCH")
    assert (answer.status_code, answer.json()["error_id"]) == (422, "bad-fields")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("level", {"level": 0, "reason": "x"}),
        ("level", {"level": 2}),
        ("priority", {"priority": 101, "reason": "x"}),
        ("priority", {"priority": 1, "reason": " "}),
    ],
)
async def test_what_is_no_level_and_no_reason_is_refused(
    api: Api, path: str, body: dict[str, Any]
) -> None:
    answer = await post(api, f"{ONE}/{path}", body, seen=1, method="PUT")
    assert answer.status_code == 422


async def test_the_types_with_their_fields_are_told_in_their_order(api: Api) -> None:
    await begin(api)
    found = (await api.get("/api/v1/ticket-types", "tickets:read")).json()["items"]
    repair = next(each for each in found if each["type"] == "repair")
    assert [each["name"] for each in repair["fields"]] == list(FIELDS["repair"])
    assert repair["fields"][1]["choices"] == ["不制冷", "漏水"]
    facts = (await api.get(f"{ROUTING}/facts", "tickets:read")).json()["items"]
    assert {"ticket.fields.pieces", "ticket.text", "customer.level"} <= {f["name"] for f in facts}


async def test_each_takes_his_teams_most_urgent_and_no_two_the_same(api: Api) -> None:
    def work(c: Any) -> None:
        members = (*MEMBERS, Member(name="agent:8009", team=TEAM))
        house.declare(c, House(types=TYPES, members=members), NOW)
        for call in ("t1", "t2", "t3"):
            ticket_of(c, call, team=TEAM)
        ticket_of(c, "b1", team="北京")

    await api.db.write(work)
    one = await person(api, "zhang", Role.AGENT, extension="8009")
    other = await person(api, "li", Role.AGENT)
    path = "/tickets/take-next"
    answers = await asyncio.gather(*(who.send("POST", path) for who in (one, other, one)))
    taken = [answer.json() for answer in answers]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({ticket["number"] for ticket in taken}) == 3
    assert sorted(ticket["assignee"] for ticket in taken) == ["li", "zhang", "zhang"]
    assert answers[0].headers["etag"] == f'"{taken[0]["version"]}"'


async def test_a_request_to_take_that_is_repeated_takes_no_second_ticket(api: Api) -> None:
    def work(c: Any) -> None:
        for _ in range(2):
            tickets.open_ticket(c, NewTicket("consult", "问"), NOW)

    await api.db.write(work)
    one = await person(api, "zhang", Role.AGENT)
    again = {"headers": {"Idempotency-Key": "k1"}}
    first = await one.send("POST", "/tickets/take-next", **again)
    second = await one.send("POST", "/tickets/take-next", **again)
    assert first.json()["number"] == second.json()["number"]


async def test_nothing_to_take_is_told_as_such(api: Api) -> None:
    lonely = await person(api, "wang", Role.AGENT, team="上海")
    await lonely.send("POST", "/tickets/take-next")  # the one that is nobody's
    answer = await lonely.send("POST", "/tickets/take-next")
    assert (answer.status_code, answer.json()["error_id"]) == (404, "nothing-to-take")


async def test_rules_are_not_for_agents_and_a_lead_tries_them_on_his_tickets(api: Api) -> None:
    agent = await person(api, "zhang", Role.AGENT)
    answer = await agent.send("POST", "/routing/editions", json={"content": RULES})
    assert answer.status_code == 403
    lead = await person(api, "zhao", Role.LEAD, team="tianjin")
    await begin(api)
    answer = await lead.send("POST", "/tickets/100014/routing/test", json={})
    assert answer.status_code == 200, answer.text
    seen = {"If-Match": f'"{await version(api)}"'}
    answer = await lead.send("POST", "/tickets/100014/route", headers=seen)
    assert answer.json()["assignee"] == "agent:8001"


async def test_the_roll_out_tells_switches_and_use(api: Api) -> None:
    await begin(api)
    await api.db.write(routing.route, 1, NOW)
    answer = await api.get("/api/v1/rollout?until=2026-11-23T00:00:00Z", "tickets:read")
    found = answer.json()
    assert found["switches"]["routing.rules"] is True
    assert found["opened"] == {"call": 1}
    assert found["assigned"] == {"rules": 1}
    assert found["shares"]["assigned_by_rules"] == found["shares"]["rules_kept"] == 1.0
    other = await api.get("/api/v1/rollout?until=2026-11-23T00:00:00Z&team=北京", "tickets:read")
    assert (other.json()["opened"], other.json()["shares"]["delivered"]) == ({}, None)
    assert found["shares"]["closed_confirmed"] is None
    query = "since=2026-11-22T00:00:00Z&until=2026-11-21T00:00:00Z"
    assert (await api.get(f"/api/v1/rollout?{query}", "tickets:read")).status_code == 422
