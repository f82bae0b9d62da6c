"""An inbox over the API shows what its owner was told, masked where it must be, and streams it."""

import httpx
import pytest

from desk import house, notices, tickets
from desk.house import House, Member
from desk.notices import NewNotice
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW

ONE = "/api/v1/tickets/100014"
WRITE, READ = "tickets:write", "tickets:read"
HOUSE = House(members=(Member(name="agent:8001", full_name="张敏", team="天津"),))


@pytest.fixture
async def desk(api: Api) -> Api:
    await api.db.write(house.declare, HOUSE, NOW)
    return api


async def tell(api: Api, to: str, key: str, text: str = "请回 13812345678") -> None:
    await api.db.write(notices.notify, NewNotice(to, "rule", text, key, 1), NOW)


async def test_an_inbox_is_read_page_by_page_and_emptied(desk: Api) -> None:
    for number in range(3):
        await tell(desk, "test", f"k{number}")
    await tell(desk, "agent:8001", "k9")
    page = (await desk.get("/api/v1/notices?limit=2", READ)).json()
    assert [one["to"] for one in page["items"]] == ["test", "test"]
    assert page["unread"] == 3
    rest = (await desk.get(f"/api/v1/notices?limit=2&cursor={page['next']}", READ)).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    headers = await desk.token(READ)
    newest, oldest = page["items"][0]["id"], rest["items"][0]["id"]
    one = await desk.http.post(f"/api/v1/notices/{oldest}/read", headers=headers)
    assert one.json() == {"unread": 2}
    left = await desk.http.get("/api/v1/notices?unread=true", headers=headers)
    assert oldest not in [each["id"] for each in left.json()["items"]]
    gone = await desk.http.post("/api/v1/notices/999/read", headers=headers)
    assert (gone.status_code, gone.json()["error_id"]) == (404, "no-such-notice")
    body = {"up_to": newest}
    everything = await desk.http.post("/api/v1/notices/read", headers=headers, json=body)
    assert everything.json() == {"unread": 0}
    of_ticket = await desk.http.get("/api/v1/notices?ticket=100014", headers=headers)
    assert len(of_ticket.json()["items"]) == 3
    assert (await desk.get("/api/v1/notices?ticket=100015", READ)).status_code == 404


async def test_numbers_in_notices_are_masked_for_those_who_need_not_see_them(desk: Api) -> None:
    await tell(desk, "test", "k")
    masked = (await desk.get("/api/v1/notices", READ)).json()["items"][0]
    assert masked["text"] == "请回 138****5678"
    plain = (await desk.get("/api/v1/notices", READ, "unmasked")).json()["items"][0]
    assert plain["text"] == "请回 13812345678"


async def test_the_stream_carries_the_askers_notices_and_nobody_elses(desk: Api) -> None:
    headers = await desk.token(READ)
    async with desk.http.stream("GET", "/api/v1/notices/events?after=0", headers=headers) as stream:
        await tell(desk, "agent:8001", "other")
        await tell(desk, "test", "mine")
        lines = await events(stream)
    assert lines[1] == "event: notice"
    assert '"to":"test"' in lines[2]
    assert "138****5678" in lines[2]
    again = {**headers, "Last-Event-ID": lines[0].removeprefix("id: ")}
    async with desk.http.stream("GET", "/api/v1/notices/events", headers=again) as stream:
        await tell(desk, "test", "next", "第二条")
        assert "第二条" in (await events(stream))[2], "and nothing is repeated"
    bad = await desk.http.get("/api/v1/notices/events", headers={**headers, "Last-Event-ID": "x"})
    assert bad.json()["error_id"] == "bad-event-id"


async def events(stream: httpx.Response) -> list[str]:
    """The lines of the next event."""
    found: list[str] = []
    async for line in stream.aiter_lines():
        if line.startswith("id: ") or found:
            found.append(line)
        if len(found) == 3:
            break
    return found


async def test_a_mention_in_a_note_reaches_the_colleague(desk: Api) -> None:
    note = await desk.send("POST", f"{ONE}/notes", WRITE, body={"text": "请@张敏看一下"})
    assert note.status_code == 201, note.text
    assert note.json()["mentions"] == ["agent:8001"]
    watchers = (await desk.get(f"{ONE}/watchers", READ)).json()["items"]
    assert [(one["watcher"], one["cause"]) for one in watchers] == [("agent:8001", "mention")]
    refused = await desk.send("POST", f"{ONE}/notes", WRITE, body={"text": "@王五 @team:上海"})
    assert (refused.status_code, refused.json()["error_id"]) == (422, "unknown-mention")
    assert len(refused.json()["errors"]) == 2


async def test_a_note_for_the_customer_says_how_it_went_or_why_it_cannot(desk: Api) -> None:
    body = {"text": "师傅明天到", "public": True, "send": "sms"}
    refused = await desk.send("POST", f"{ONE}/notes", WRITE, body=body)
    assert (refused.status_code, refused.json()["error_id"]) == (422, "no-way-to-reach")
    await desk.db.write(
        tickets.edit, 1, NOW, by=tickets.SYSTEM, expected_version=None, customer_id=1
    )
    sent = await desk.send("POST", f"{ONE}/notes", WRITE, body={**body, "send": "email"})
    assert (sent.status_code, sent.json()["sent_by"]) == (201, "email")


async def test_colleagues_watch_by_any_of_their_names(desk: Api) -> None:
    path = f"{ONE}/watchers"
    for name in ("张敏", "8001", "agent:8001", ""):
        added = await desk.send("POST", path, WRITE, body={"watcher": name})
        assert added.status_code == 200, added.text
    assert [one["watcher"] for one in added.json()["items"]] == ["agent:8001", "test"]
    assert (await desk.get("/api/v1/watched", READ)).json() == {"items": ["100014"]}
    nobody = await desk.send("POST", path, WRITE, body={"watcher": "王五"})
    assert (nobody.status_code, nobody.json()["error_id"]) == (422, "not-a-colleague")
    left = await desk.send("DELETE", f"{path}/agent:8001", WRITE)
    assert [one["watcher"] for one in left.json()["items"]] == ["test"]
