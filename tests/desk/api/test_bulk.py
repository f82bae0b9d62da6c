"""One request for many tickets: each is done by itself, once, and answered by itself."""

from typing import Any

import pytest
from sqlalchemy import Connection

from desk import tickets, timeline
from desk.access import Role
from desk.tickets import By, notes, steps
from desk.tickets import Role as Acting
from tests.desk.api.conftest import Api
from tests.desk.api.people import person
from tests.rig.samples import NOW, call_with_ticket

PATH = "/api/v1/tickets/bulk"
WRITE = "tickets:write"
IDS = (2, 3, 4)


async def three(api: Api) -> list[str]:
    """Numbers of three tickets, none of them changed yet."""
    made = [await api.db.write(call_with_ticket, call) for call in ("c2", "c3", "c4")]
    return [each.number for each in made]


async def run(
    api: Api, action: dict[str, Any], items: list[dict[str, Any]], key: str = "run-00001",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    body = {"key": key, "action": action, "items": items}
    headers = headers if headers is not None else await api.token(WRITE)
    answer = await api.http.post(PATH, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def seen(numbers: list[str], version: int = 1) -> list[dict[str, Any]]:
    return [{"number": number, "version": version} for number in numbers]


async def test_one_that_is_refused_stops_no_other(api: Api) -> None:
    numbers = await three(api)
    items = [*seen(numbers[:1]), *seen(numbers[1:2], 7), *seen(numbers[2:]), *seen(["100099"])]
    told = await run(api, {"do": "assign", "team": "天津", "assignee": "张敏"}, items)
    assert [one["result"] for one in told["items"]] == ["done", "refused", "done", "refused"]
    assert (told["done"], told["refused"]) == (2, 2)
    conflict = told["items"][1]
    assert conflict["error_id"] == "version-conflict"
    assert conflict["versions"] == {"expected": 7, "current": 1}
    assert told["items"][0]["version"] == 2
    found = [await api.db.read(tickets.get, each) for each in IDS]
    assert [one.team for one in found if one is not None] == ["天津", "", "天津"]


async def test_a_run_that_is_asked_for_again_touches_nothing_twice(api: Api) -> None:
    numbers, headers = await three(api), await api.token(WRITE)
    items = [{"number": number} for number in numbers]
    first = await run(api, {"do": "note", "text": "停机维护"}, items[:2], headers=headers)
    again = await run(api, {"do": "note", "text": "停机维护"}, items, headers=headers)
    assert [one["result"] for one in first["items"]] == ["done", "done"]
    assert [one["result"] for one in again["items"]] == ["done_before", "done_before", "done"]
    for ticket_id in IDS:
        assert len(await api.db.read(notes.of_ticket, ticket_id)) == 1
    other = await run(api, {"do": "note", "text": "别的"}, items, headers=headers)
    assert {one["error_id"] for one in other["items"]} == {"bulk-key-taken"}
    fresh = await run(
        api, {"do": "note", "text": "停机维护"}, items, key="run-00002", headers=headers
    )
    assert fresh["done"] == 3


async def test_a_repeated_step_answers_with_the_version_that_it_made(api: Api) -> None:
    [number, *_], headers = await three(api), await api.token(WRITE)
    first = await run(api, {"do": "start"}, seen([number]), headers=headers)
    again = await run(api, {"do": "start"}, seen([number]), headers=headers)
    assert first["items"][0]["version"] == again["items"][0]["version"] == 2
    entries = await api.db.read(timeline.entries_after, 0, 999, ticket_id=IDS[0])
    assert [entry.kind for entry in entries].count("ticket.started") == 1


def elsewhere(db: Connection, ticket_id: int) -> None:
    """It is another team's."""
    by = By("boss", Acting.SUPERVISOR)
    steps.assign(db, ticket_id, NOW, by=by, expected_version=1, team="北京", assignee="张敏")


def changes(kind: str) -> bool:
    """Whether it raises a ticket's version; what only adds does not."""
    return kind not in ("note.added", "watcher.added", "ticket.linked")


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ({"do": "assign", "team": "天津"}, "ticket.assigned"),
        ({"do": "label", "add": ["停电"], "remove": ["x"]}, "ticket.edited"),
        ({"do": "note", "text": "x"}, "note.added"),
        ({"do": "start"}, "ticket.started"),
        ({"do": "escalate", "reason": "急"}, "ticket.escalated"),
        ({"do": "hand_over", "team": "北京", "reason": "上门"}, "handover.asked"),
        ({"do": "void", "reason": "test"}, "ticket.voided"),
        ({"do": "watch"}, "watcher.added"),
        ({"do": "merge", "survivor": "100014"}, "ticket.merged"),
        ({"do": "link", "kind": "caused_by", "other": "100014"}, "ticket.linked"),
    ],
)
async def test_every_action_does_to_each_what_its_own_path_does(
    api: Api, action: dict[str, Any], kind: str
) -> None:
    numbers = await three(api)
    told = await run(api, action, seen(numbers))
    assert told["refused"] == 0, told
    assert {one["version"] for one in told["items"]} == {2 if changes(kind) else 1}
    for ticket_id in IDS:
        entries = await api.db.read(timeline.entries_after, 0, 999, ticket_id=ticket_id)
        assert [entry.kind for entry in entries].count(kind) == 1


async def test_a_merger_with_what_is_not_there_is_refused_for_each(api: Api) -> None:
    numbers = await three(api)
    merged = await run(api, {"do": "merge", "survivor": numbers[0]}, seen(numbers))
    assert [one.get("error_id") for one in merged["items"]] == ["not-linkable", None, None]
    gone = await run(api, {"do": "merge", "survivor": "100099"}, seen(numbers), key="run-00002")
    assert {one["error_id"] for one in gone["items"]} == {"not-found"}
    wrong = {"do": "link", "kind": "related", "other": "100015"}
    told = await run(api, wrong, seen(numbers), key="run-00003")
    assert {one["error_id"] for one in told["items"]} == {"not-linkable"}


async def test_a_merger_goes_no_further_than_whoever_asks_may(api: Api) -> None:
    numbers = await three(api)
    await api.db.write(elsewhere, IDS[0])
    agent = await person(api, "li", Role.AGENT)
    body = {
        "key": "run-00001", "action": {"do": "merge", "survivor": numbers[0]},
        "items": seen(numbers[1:]),
    }  # fmt: skip
    told = (await agent.send("POST", "/tickets/bulk", json=body)).json()
    assert {one["error_id"] for one in told["items"]} == {"ticket-of-others"}


async def test_what_is_asked_wrongly_is_told_for_each_ticket(api: Api) -> None:
    numbers = await three(api)
    told = await run(api, {"do": "start"}, [{"number": numbers[0]}, *seen([numbers[1]] * 2)])
    assert [one.get("error_id") for one in told["items"]] == ["version-missing", None, "twice"]
    many = {"key": "run-00003", "action": {"do": "watch"}, "items": seen(["100014"] * 201)}
    assert (await api.send("POST", PATH, WRITE, body=many)).status_code == 422
    unknown = {"key": "run-00003", "action": {"do": "delete"}, "items": seen(numbers)}
    assert (await api.send("POST", PATH, WRITE, body=unknown)).status_code == 422
