"""Nobody sees, hears or follows another's case, and who sees a number in full is on the record."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from desk import accounts, customers, timeline, tokens, utterances
from desk.access import Role
from desk.tickets import By, handovers, notes
from desk.tickets import Role as Acting
from desk.utterances import NewUtterance
from tests.desk.api.conftest import Api
from tests.desk.api.people import TEAM, Person, person, ticket_of
from tests.rig.samples import NOW, begin

BY = By("test", Acting.SUPERVISOR)


@pytest.fixture
async def numbers(api: Api) -> dict[str, str]:
    """Tickets with zhang in charge, with his team, and with another team; c9 has none yet."""
    found = {
        "own": await api.db.write(lambda c: ticket_of(c, "own", team=TEAM, assignee="zhang")),
        "team": await api.db.write(lambda c: ticket_of(c, "team", team=TEAM, assignee="li")),
        "other": await api.db.write(lambda c: ticket_of(c, "other", team="北京", assignee="wu")),
    }
    await api.db.write(begin, "c9")
    return found


async def _found(who: Person, path: str, key: str) -> set[str]:
    answer = await who.get(path)
    assert answer.status_code == 200, answer.text
    return {item[key] for item in answer.json()["items"]}


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.TECHNICIAN, {"own"}),
        (Role.AGENT, {"own", "team", "c1"}),
        (Role.LEAD, {"own", "team", "c1"}),
        (Role.SUPERVISOR, {"own", "team", "other", "c1"}),
    ],
)
async def test_lists_search_calls_and_history_hold_what_the_role_reaches(
    api: Api, numbers: dict[str, str], role: Role, sees: set[str]
) -> None:
    zhang = await person(api, "zhang", role)
    everything = {**numbers, "c1": "100014"}
    expected = {everything[name] for name in sees}
    assert await _found(zhang, "/tickets", "number") == expected
    searched = await _found(zhang, "/tickets?text=of", "number")
    assert searched == expected - {"100014"}
    calls = await _found(zhang, "/calls", "id")
    assert calls - {"c9"} == sees
    assert ("c9" in calls) is (role is not Role.TECHNICIAN), "nobody's yet"
    history = (await zhang.get("/timeline?limit=100")).json()["items"]
    assert {entry["ticket_number"] for entry in history} - {None} == expected
    pages: list[str] = []
    path = "/tickets?limit=1"
    while True:
        page = (await zhang.get(path)).json()
        pages += [item["number"] for item in page["items"]]
        if page["next"] is None:
            break
        path = f"/tickets?limit=1&cursor={page['next']}"
    assert set(pages) == expected, "pages are filtered before they are cut"


@pytest.mark.parametrize("role", [Role.AGENT, Role.LEAD, Role.TECHNICIAN])
async def test_what_belongs_to_anothers_case_is_refused(
    api: Api, numbers: dict[str, str], role: Role
) -> None:
    zhang = await person(api, "zhang", role)
    for path in ("", "/history", "/notes", "/links", "/handovers", "/confirmations"):
        refused = await zhang.get(f"/tickets/{numbers['other']}{path}")
        assert (refused.status_code, refused.json()["error_id"]) == (403, "ticket-of-others"), path
        assert (await zhang.get(f"/tickets/{numbers['own']}{path}")).status_code == 200, path
    for path in ("", "/transcript", "/recordings"):
        refused = await zhang.get(f"/calls/other{path}")
        assert (refused.status_code, refused.json()["error_id"]) == (403, "call-of-others"), path
        assert (await zhang.get(f"/calls/own{path}")).status_code == 200, path
    note = await zhang.send("POST", f"/tickets/{numbers['other']}/notes", json={"text": "x"})
    assert note.status_code == 403
    assert (await zhang.get("/tickets/100015")).status_code == 404


async def test_a_case_on_its_way_to_a_team_can_be_read_and_taken_there(
    api: Api, numbers: dict[str, str]
) -> None:
    zhang = await person(api, "zhang", Role.AGENT)
    path = f"/tickets/{numbers['other']}"
    assert (await zhang.get(path)).status_code == 403
    await api.db.write(lambda c: handovers.ask(c, 4, TEAM, "x", NOW, by=BY, expected_version=2))
    seen = await zhang.get(path)
    assert seen.status_code == 200
    headers = {"If-Match": seen.headers["etag"]}
    taken = await zhang.send("POST", f"{path}/handover/take", json={}, headers=headers)
    assert (taken.status_code, taken.json()["assignee"]) == (200, "zhang")


async def test_a_supervisor_overrides_in_his_own_name(api: Api, numbers: dict[str, str]) -> None:
    wang = await person(api, "wang", Role.SUPERVISOR, "")
    path = f"/tickets/{numbers['own']}"

    async def step(name: str, body: object) -> httpx.Response:
        headers = {"If-Match": (await wang.get(path)).headers["etag"]}
        return await wang.send("POST", f"{path}/{name}", json=body, headers=headers)

    await step("start", None)
    await step("resolve", {"solution": "x"})
    done = await step("override", {"supervisor": "somebody else", "reason": "三次无人接听"})
    assert done.status_code == 200, done.text
    [answer] = (await wang.get(f"{path}/confirmations")).json()["items"]
    assert (answer["supervisor"], answer["actor"]) == ("全名 wang", "wang")


async def test_numbers_in_full_are_for_own_cases_and_are_put_on_the_record_once_an_hour(
    api: Api, numbers: dict[str, str]
) -> None:
    zhang = await person(api, "zhang", Role.AGENT, unmasked=True)
    li = await person(api, "li", Role.AGENT)
    for _ in range(2):
        own = (await zhang.get(f"/tickets/{numbers['own']}")).json()
    assert own["caller"]["e164"] == "+862253456789"
    assert "*" in (await zhang.get(f"/tickets/{numbers['team']}")).json()["caller"]["e164"]
    assert "*" in (await li.get(f"/tickets/{numbers['team']}")).json()["caller"]["e164"]
    listed = (await zhang.get("/tickets")).json()["items"]
    shown = {item["number"] for item in listed if "*" not in item["caller"]["e164"]}
    assert shown == {numbers["own"]}
    said = NewUtterance("own", "leg", 0, "caller", NOW, 0.0, 1.0, "13812345678", [], 0.9, "v", True)
    await api.db.write(utterances.add, said, NOW)
    transcript = (await zhang.get("/calls/own/transcript")).json()["utterances"]
    assert transcript[0]["text"] == "13812345678"
    readings = [
        (entry.actor, entry.body["path"], entry.body["records"])
        for entry in await api.db.read(timeline.entries_after, 0, 200)
        if entry.kind == "unmasked.read" and entry.body is not None
    ]
    assert readings == [
        ("zhang", f"/api/v1/tickets/{numbers['own']}", []),
        ("zhang", "/api/v1/tickets", [numbers["own"]]),
        ("zhang", "/api/v1/calls/own/transcript", []),
    ]


async def test_a_customer_is_shown_in_full_only_with_a_case_of_ones_own(
    api: Api, numbers: dict[str, str]
) -> None:
    zhang = await person(api, "zhang", Role.AGENT, unmasked=True)
    technician = await person(api, "tech", Role.TECHNICIAN)
    assert "*" in (await zhang.get("/customers/1")).json()["numbers"][0]
    assert (await technician.get("/customers/1")).json()["error_id"] == "customer-of-others"
    assert (await technician.get("/customers")).json()["items"] == []
    assert (await technician.get("/customers?number=02253456789")).json()["items"] == []
    path = f"/tickets/{numbers['own']}"
    headers = {"If-Match": (await zhang.get(path)).headers["etag"]}
    await zhang.send("PATCH", path, json={"customer_id": 1}, headers=headers)
    assert (await zhang.get("/customers/1")).json()["numbers"] == ["+862253456789"]
    assert (await zhang.get("/customers?text=张三")).json()["items"][0]["name"] == "张三"
    customer = await api.db.read(customers.get, 1)
    assert customer is not None


async def test_an_agent_acts_on_the_own_talk_and_state_and_on_nobody_elses(
    api: Api, numbers: dict[str, str]
) -> None:
    zhang = await person(api, "zhang", Role.AGENT, "tianjin", extension="8001")
    li = await person(api, "li", Role.AGENT, "tianjin", extension="8002")
    lead = await person(api, "lead", Role.LEAD, "tianjin")
    stranger = await person(api, "stranger", Role.LEAD, "北京")
    assert (await zhang.send("POST", "/calls/c9/hold")).status_code == 200
    refused = await li.send("POST", "/calls/c9/hangup")
    assert (refused.status_code, refused.json()["error_id"]) == (403, "call-of-others")
    away = {"state": "away", "reason": "午休"}
    for who, expected in ((zhang, 200), (li, 403), (lead, 200), (stranger, 403)):
        answer = await who.send("PUT", "/agents/8001/state", json=away)
        assert answer.status_code == expected
    assert answer.json()["error_id"] == "agent-of-others"


@asynccontextmanager
async def following(
    api: Api, headers: dict[str, str], path: str = "events"
) -> AsyncIterator[AsyncIterator[Any]]:
    async def events(answer: httpx.Response) -> AsyncIterator[Any]:
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
                continue
            if "id" in event or "event" in event:
                yield event
            event = {}

    async with (
        asyncio.timeout(20),
        httpx.AsyncClient(base_url=api.server.url) as http,
        http.stream("GET", f"/api/v1/{path}?after=0", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        yield events(answer)


def _cookie(who: Person) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in who.cookies.items())}


async def test_the_stream_shows_what_one_may_read_and_no_more(
    api: Api, numbers: dict[str, str]
) -> None:
    zhang = await person(api, "zhang", Role.TECHNICIAN)
    async with following(api, _cookie(zhang)) as events:
        await api.db.write(lambda c: notes.add(c, 4, "another's secret", NOW, by=BY))
        await api.db.write(lambda c: notes.add(c, 2, "for zhang", NOW, by=BY))
        api.feed.publish("utterance.partial", "other", {"leg": "l", "text": "another's words"})
        api.feed.publish("utterance.partial", "own", {"leg": "l", "text": "his words"})
        api.feed.publish("queue.changed", None, {})
        seen = []
        async for event in events:
            seen.append(event)
            told = str(seen)
            if "for zhang" in told and "his words" in told and "queue.changed" in told:
                break
    assert "another's" not in str(seen)
    entries = [orjson.loads(event["data"]) for event in seen if "id" in event and "data" in event]
    assert {entry["ticket_number"] for entry in entries} == {numbers["own"], None}
    assert {entry["call_id"] for entry in entries} <= {"own", None}
    last = await api.db.read(timeline.last_seq)
    assert max(int(event["id"]) for event in seen if "id" in event) <= last


async def test_a_stream_moves_past_what_it_does_not_show(api: Api, numbers: dict[str, str]) -> None:
    zhang = await person(api, "zhang", Role.TECHNICIAN)
    async with following(api, _cookie(zhang)) as events:
        await api.db.write(lambda c: notes.add(c, 4, "another's secret", NOW, by=BY))
        last = await api.db.read(timeline.last_seq)
        async for event in events:
            if event.get("id") == str(last):
                assert "data" not in event, "only the place, so that a reconnect begins there"
                break


@pytest.mark.parametrize("path", ["events", "notices/events"])
async def test_a_stream_ends_when_its_token_does(
    api: Api, numbers: dict[str, str], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("desk.api.events.ASKED_EVERY", timedelta(0))
    monkeypatch.setattr("desk.api.events.HEARTBEAT_SECONDS", 0.05)
    scopes = ["events:read", "tickets:read"]
    token, secret = await api.db.write(tokens.create, "wallboard", scopes, NOW)
    zhang = await person(api, "zhang", Role.AGENT)
    for headers, end in (
        ({"Authorization": f"Bearer {secret}"}, lambda c: tokens.revoke(c, token.id, NOW)),
        (_cookie(zhang), lambda c: accounts.change(c, "zhang", {"disabled": True}, NOW, actor="x")),
    ):
        async with following(api, headers, path) as events:
            await api.db.write(end)
            async for _ in events:
                pass


async def test_following_in_full_is_on_the_record(api: Api) -> None:
    headers = await api.token("events:read", "unmasked")
    async with following(api, headers) as events:
        seen = [await anext(events)]
        while seen[-1].get("event") != "unmasked.read":
            seen.append(await anext(events))
    body = orjson.loads(seen[-1]["data"])["body"]
    assert (body["operation"], body["path"]) == ("GET /events", "/api/v1/events")
