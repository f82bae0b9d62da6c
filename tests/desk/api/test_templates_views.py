"""Answers that are written often, and lists that are looked at often."""

from typing import Any

import pytest
from sqlalchemy import Connection

from desk import customers, tickets
from desk.teamwork import watching
from desk.tickets import SYSTEM
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW, call_with_ticket

READ, WRITE, OVER = "tickets:read", "tickets:write", "tickets:override"
TEMPLATES, VIEWS = "/api/v1/templates", "/api/v1/views"


async def put(api: Api, path: str, body: object, version: int, *scopes: str) -> Any:
    headers = {**await api.token(*scopes), "If-Match": f'"{version}"'}
    return await api.http.put(path, json=body, headers=headers)


async def test_a_template_is_filled_with_the_tickets_own_words(api: Api) -> None:
    await api.db.write(customers.import_csv, "name,numbers\n{{agent}}某某,13900000000\n", NOW)
    await api.db.write(
        tickets.edit, 1, NOW, by=SYSTEM, expected_version=None, customer_id=2,
        subject="回电 13812345678",
    )  # fmt: skip
    text = (
        "{{customer.name}},您好:工单 {{ ticket.number }}「{{ticket.subject}}」{{ticket.status}},"
        "负责人 {{ticket.assignee}}。{{date}}"
    )
    made = await api.send("POST", TEMPLATES, WRITE, OVER, body={"name": "进展", "text": text})
    assert made.status_code == 201, made.text
    path = f"/api/v1/tickets/100014/templates/{made.json()['id']}"
    full = await api.send("POST", path, READ, "unmasked")
    assert full.json()["text"] == (
        "{{agent}}某某,您好:工单 100014「回电 13812345678」受理,负责人 —。2026-11-22"
    ), "what is put in is not filled again"
    masked = (await api.send("POST", path, READ)).json()["text"]
    assert "138****5678" in masked
    assert "某某" not in masked


async def test_a_template_with_places_that_nothing_fills_is_not_kept(api: Api) -> None:
    body = {"name": "x", "text": "{{customer.password}} {{ticket.number.__class__}} {{}}"}
    refused = await api.send("POST", TEMPLATES, WRITE, OVER, body=body)
    assert (refused.status_code, refused.json()["error_id"]) == (422, "bad-template")
    assert (await api.get(TEMPLATES, READ)).json() == {"items": []}


async def test_templates_are_changed_and_deleted_without_overwriting_anybody(api: Api) -> None:
    body = {"name": "问候", "text": "您好"}
    made = await api.send("POST", TEMPLATES, WRITE, OVER, body=body)
    twice = await api.send("POST", TEMPLATES, WRITE, OVER, body=body)
    assert (twice.status_code, twice.json()["error_id"]) == (409, "template-there")
    path = f"{TEMPLATES}/{made.json()['id']}"
    changed = await put(api, path, {"name": "问候", "text": "您好!"}, 1, WRITE, OVER)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    stale = await put(api, path, body, 1, WRITE, OVER)
    assert (stale.status_code, stale.json()["versions"]["current"]) == (412, 2)
    headers = {**await api.token(WRITE, OVER), "If-Match": '"2"'}
    assert (await api.http.delete(path, headers=headers)).status_code == 204
    assert (await api.get(path, READ)).status_code == 404


async def test_a_view_shows_its_tickets_in_its_order_page_by_page(api: Api) -> None:
    for call in ("c2", "c3"):
        await api.db.write(call_with_ticket, call)
    for ticket_id in (3, 1):
        await api.db.write(
            tickets.steps.assign, ticket_id, NOW, by=SYSTEM, expected_version=None, team="天津",
            assignee="test",
        )  # fmt: skip
    headers = await api.token(READ)
    body = {"name": "我的", "filters": {"assignee": "@me", "going_on": True}, "sort": "oldest"}
    made = await api.http.post(VIEWS, json=body, headers=headers)
    assert made.status_code == 201, made.text
    path = f"{made.headers['location']}/tickets"
    first = (await api.http.get(f"{path}?limit=1", headers=headers)).json()
    assert [one["number"] for one in first["items"]] == ["100014"]
    rest = await api.http.get(f"{path}?limit=1&cursor={first['next']}", headers=headers)
    assert ([one["number"] for one in rest.json()["items"]], rest.json()["next"]) == (
        [tickets.ticket_number(3)],
        None,
    )
    for sort in ("newest", "updated", "due"):
        same = await api.http.get(f"/api/v1/tickets?sort={sort}&limit=1", headers=headers)
        following = await api.http.get(
            f"/api/v1/tickets?sort={sort}&limit=2&cursor={same.json()['next']}", headers=headers
        )
        numbers = [one["number"] for one in same.json()["items"] + following.json()["items"]]
        assert sorted(numbers) == sorted(tickets.ticket_number(each) for each in (1, 2, 3)), sort
    wrong = await api.http.get(
        f"/api/v1/tickets?sort=newest&cursor={same.json()['next']}", headers=headers
    )
    assert wrong.json()["error_id"] == "bad-cursor"


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"status": ["void", "assigned"]}, [3, 2]),
        ({"type": "consult"}, [2]),
        ({"level": 0}, [3, 2, 1]),
        ({"region": "022"}, [3, 1]),
        ({"label": "停电"}, [2]),
        ({"team": "天津"}, [2]),
        ({"assignee": "@me"}, [2]),
        ({"text": "发票"}, [2]),
        ({"going_on": False}, [3]),
        ({"void_check": "wanted"}, [3]),
        ({"void_check": "passed"}, []),
        ({"watched": True}, [1]),
    ],
)
async def test_each_filter_of_a_view_chooses(
    api: Api, filters: dict[str, Any], shown: list[int]
) -> None:
    def given(db: Connection) -> None:
        new = tickets.NewTicket("consult", "发票", labels=("停电",))
        made = tickets.open_ticket(db, new, NOW)
        void = call_with_ticket(db, "c3")
        how: dict[str, Any] = {"by": SYSTEM, "expected_version": None}
        tickets.steps.assign(db, made.id, NOW, **how, team="天津", assignee="test")
        tickets.voiding.void(db, void.id, "test", NOW, **how, sample=1.0)
        watching.watch(db, 1, "test", NOW, by=SYSTEM)

    await api.db.write(given)
    headers = await api.token(READ)
    made = await api.http.post(VIEWS, json={"name": "x", "filters": filters}, headers=headers)
    assert made.status_code == 201, made.text
    found = await api.http.get(f"{made.headers['location']}/tickets", headers=headers)
    numbers = [one["number"] for one in found.json()["items"]]
    assert numbers == [tickets.ticket_number(each) for each in shown]


async def test_a_view_is_its_owners_and_its_filters_are_checked(api: Api) -> None:
    headers = await api.token(READ)
    for filters in ({"status": ["done"]}, {"level": 5}, {"colour": "red"}, {"type": "A B"}):
        bad = await api.http.post(VIEWS, json={"name": "x", "filters": filters}, headers=headers)
        assert bad.status_code == 422, filters
    made = await api.http.post(VIEWS, json={"name": "全部", "sort": "due"}, headers=headers)
    again = await api.http.post(VIEWS, json={"name": "全部"}, headers=headers)
    assert (again.status_code, again.json()["error_id"]) == (409, "view-refused")
    path = made.headers["location"]
    change = {**headers, "If-Match": '"1"'}
    changed = await api.http.put(path, json={"name": "紧急", "sort": "due"}, headers=change)
    assert changed.json()["version"] == 2
    assert (await api.http.put(path, json={"name": "x"}, headers=change)).status_code == 412
    assert (await api.http.delete(path, headers=change)).status_code == 412
    gone = await api.http.delete(path, headers={**headers, "If-Match": '"2"'})
    assert gone.status_code == 204
    assert (await api.http.get(f"{path}/tickets", headers=headers)).status_code == 404
