"""People with accounts: each has the inbox, the files, the templates and the views that are his."""

from typing import Any

import httpx

from desk import notices
from desk.access import Role
from desk.notices import NewNotice
from desk.teamwork import attachments
from desk.teamwork.attachments import NewAttachment
from desk.teamwork.settings import AttachmentSettings
from desk.tickets import SYSTEM, id_of
from tests.desk.api.conftest import Api
from tests.desk.api.people import Person, person, ticket_of
from tests.desk.teamwork import files
from tests.rig.samples import NOW


async def inbox(who: Person) -> list[str]:
    answer = await who.get("/notices")
    assert answer.status_code == 200, answer.text
    return [one["to"] for one in answer.json()["items"]]


async def test_each_finds_what_was_sent_to_him_his_telephone_team_and_role(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT, extension="8011")
    lead = await person(api, "li", Role.LEAD)
    boss = await person(api, "wang", Role.SUPERVISOR, team="")
    other = await person(api, "zhao", Role.AGENT, team="北京")
    for to in ("zhang", "agent:8011", "全名 zhang", "team:天津", "role:lead@天津",
               "role:supervisor@北京", "role:supervisor"):  # fmt: skip
        await api.db.write(notices.notify, NewNotice(to, "rule", "x", "k"), NOW)
    assert await inbox(zhang) == ["team:天津", "全名 zhang", "agent:8011", "zhang"]
    assert await inbox(lead) == ["role:lead@天津", "team:天津"]
    assert await inbox(boss) == ["role:supervisor", "role:supervisor@北京"]
    assert await inbox(other) == []
    [newest, *_] = (await zhang.get("/notices")).json()["items"]
    read = await zhang.send("POST", f"/notices/{newest['id']}/read")
    assert read.json() == {"unread": 3}
    assert (await lead.get("/notices")).json()["unread"] == 2, "his reading is not theirs"
    stolen = await other.send("POST", f"/notices/{newest['id']}/read")
    assert stolen.status_code == 404


async def test_a_mention_by_account_reaches_who_logs_in(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT, extension="8011")
    lead = await person(api, "li", Role.LEAD)
    number = await api.db.write(ticket_of, "c5", team="天津")
    for text in ("@zhang", "请@全名 zhang看", "@8011"):
        note = await lead.send("POST", f"/tickets/{number}/notes", json={"text": text})
        assert (note.status_code, note.json()["mentions"]) == (201, ["zhang"]), note.text
    assert await inbox(zhang) == ["zhang"] * 3
    assert (await zhang.get("/watched")).json() == {"items": [number]}


async def test_files_of_other_teams_tickets_are_not_given(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT)
    other = await person(api, "zhao", Role.AGENT, team="北京")
    technician = await person(api, "sun", Role.TECHNICIAN)
    number = await api.db.write(ticket_of, "c5", team="天津", assignee="zhang")

    async def attach(who: Person) -> httpx.Response:
        return await who.send(
            "POST", f"/tickets/{number}/attachments?name=a.png", content=files.PNG,
            headers={"Content-Type": "image/png"},
        )  # fmt: skip

    made = await attach(zhang)
    assert made.status_code == 201, made.text
    path = made.json()["content"].removeprefix("/api/v1")
    assert (await zhang.get(path)).content == files.PNG
    for stranger in (other, technician):
        assert (await attach(stranger)).status_code == 403
        assert (await stranger.get(path)).status_code == 403
        assert (await stranger.get(f"/tickets/{number}/attachments")).status_code == 403
    gone = path.removesuffix("/content")
    assert (await zhang.send("DELETE", gone)).status_code == 403, "leads delete"
    lead = await person(api, "li", Role.LEAD)
    assert (await lead.send("DELETE", gone)).status_code == 200


async def test_a_file_with_an_idempotency_key_is_compared_by_its_content(api: Api) -> None:
    """It is never in memory whole, so the key is looked up when the file is here."""
    headers = {**await api.token("tickets:write"), "Idempotency-Key": "k1"}
    sent = {**headers, "Content-Type": "image/png"}
    one = "/api/v1/tickets/100014/attachments?name=a.png"
    first, again = [await api.http.post(one, content=files.PNG, headers=sent) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    renamed = await api.http.post(one.replace("a.png", "b.png"), content=files.PNG, headers=sent)
    jpeg = {**sent, "Content-Type": "image/jpeg"}
    another = await api.http.post(one.replace("a.png", "a.jpg"), content=files.JPG, headers=jpeg)
    for other in (renamed, another):
        assert (other.status_code, other.json()["error_id"]) == (422, "idempotency-key-reused")
    plain = await api.http.post(one, content=files.PNG, headers={**sent, "Idempotency-Key": "k2"})
    assert plain.status_code == 200, "without the key, one file is still told by its content"


async def test_leads_write_their_teams_templates_and_agents_none(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT)
    lead = await person(api, "li", Role.LEAD)
    boss = await person(api, "wang", Role.SUPERVISOR, team="")
    other = await person(api, "zhao", Role.LEAD, team="北京")
    body = {"name": "问候", "text": "您好,{{customer.name}}"}

    async def keep(who: Person, **more: str) -> httpx.Response:
        return await who.send("POST", "/templates", json={**body, **more})

    assert (await keep(zhang)).status_code == 403
    assert (await keep(lead)).json()["error_id"] == "template-of-others"
    assert (await keep(lead, team="北京")).json()["error_id"] == "template-of-others"
    ours = (await keep(lead, team="天津")).json()
    everybodys = (await keep(boss)).json()
    assert (await keep(other, team="北京")).status_code == 201
    seen = (await zhang.get("/templates")).json()["items"]
    assert [one["id"] for one in seen] == [ours["id"], everybodys["id"]]
    assert (await other.get(f"/templates/{ours['id']}")).status_code == 404
    change = {"json": {"name": "x", "text": "y"}, "headers": {"If-Match": '"1"'}}
    refused = await lead.send("PUT", f"/templates/{everybodys['id']}", **change)
    assert refused.status_code == 403


async def test_a_shared_view_shows_each_only_what_is_his(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT)
    sun = await person(api, "sun", Role.TECHNICIAN)
    other = await person(api, "zhao", Role.AGENT, team="北京")
    mine = await api.db.write(ticket_of, "c5", team="天津", assignee="zhang")
    suns = await api.db.write(ticket_of, "c6", team="天津", assignee="sun")
    await api.db.write(ticket_of, "c7", team="北京", assignee="zhao")
    body = {"name": "我的", "filters": {"assignee": "@me"}, "team": "天津"}
    made = (await zhang.send("POST", "/views", json=body)).json()
    path = f"/views/{made['id']}"

    async def shown(who: Person) -> list[str]:
        found: dict[str, Any] = (await who.get(f"{path}/tickets")).json()
        return [one["number"] for one in found["items"]]

    assert await shown(zhang) == [mine]
    assert await shown(sun) == [suns]
    assert (await other.get(path)).status_code == 404
    change = {"json": {"name": "x"}, "headers": {"If-Match": '"1"'}}
    assert (await sun.send("PUT", path, **change)).status_code == 404, "its owner changes it"
    team = {"name": "组", "filters": {"team": "@mine"}, "sort": "oldest"}
    whole = (await zhang.send("POST", "/views", json=team)).json()
    found = (await zhang.get(f"/views/{whole['id']}/tickets")).json()["items"]
    assert [one["number"] for one in found] == [mine, suns]
    foreign = await zhang.send("POST", "/views", json={"name": "y", "team": "北京"})
    assert foreign.json()["error_id"] == "team-of-others"


async def test_a_bulk_run_changes_only_what_the_asker_may_change(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT)
    sun = await person(api, "sun", Role.TECHNICIAN)
    ours = await api.db.write(ticket_of, "c5", team="天津")
    theirs = await api.db.write(ticket_of, "c6", team="北京")
    items = [{"number": number, "version": 2} for number in (ours, theirs)]
    run = {"key": "run-00001", "action": {"do": "escalate", "reason": "急"}, "items": items}
    told = (await zhang.send("POST", "/tickets/bulk", json=run)).json()
    assert [one.get("error_id") for one in told["items"]] == [None, "ticket-of-others"]
    void = {**run, "action": {"do": "void", "reason": "test"}}
    told = (await sun.send("POST", "/tickets/bulk", json=void)).json()
    assert {one["error_id"] for one in told["items"]} == {"operation-not-allowed"}


async def test_an_agent_cannot_search_for_digits_that_are_hidden_from_him(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT, unmasked=True)
    boss = await person(api, "wang", Role.SUPERVISOR, team="", unmasked=True)
    number = await api.db.write(ticket_of, "c5", team="天津")
    for query in ("number=3456789", "text=3456789", "number=02253456789", "text=6789"):
        for who in (zhang, boss):
            found = (await who.get(f"/tickets?{query}")).json()["items"]
            shown = [one["number"] for one in found]
            assert number in shown, query
    probe = "number=00006789"
    assert number in [o["number"] for o in (await zhang.get(f"/tickets?{probe}")).json()["items"]]
    assert (await boss.get(f"/tickets?{probe}")).json()["items"] == []


def made(size: int) -> NewAttachment:
    return NewAttachment(f"{size}.file", "a", "image/png", size, "0" * 64, False)


async def test_a_full_ticket_takes_no_more_over_the_api(api: Api) -> None:
    ticket_id = id_of("100014")
    assert ticket_id is not None
    await api.db.write(
        attachments.add, ticket_id, made(200 << 20), NOW, by=SYSTEM, settings=AttachmentSettings()
    )
    headers = {**await api.token("tickets:write"), "Content-Type": "image/png"}
    path = "/api/v1/tickets/100014/attachments?name=b.png"
    full = await api.http.post(path, content=files.PNG, headers=headers)
    assert (full.status_code, full.json()["error_id"]) == (409, "attachments-full")
