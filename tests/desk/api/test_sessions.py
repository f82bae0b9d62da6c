"""Who logs in is known until he logs out; a foreign page can do nothing in his name."""

from datetime import timedelta

import httpx
import pytest

from desk import accounts, timeline
from desk.access import Role
from tests.desk.api.conftest import Api
from tests.desk.api.people import PASSWORD, Person, log_in, make, person
from tests.rig.samples import NOW

NEW = {"type": "complaint", "subject": "空调不制冷"}


async def test_a_session_is_a_cookie_that_no_script_and_no_foreign_site_gets(api: Api) -> None:
    await api.db.write(make, "zhang", Role.AGENT)
    answer = await log_in(api, "zhang")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Max-Age=43200" in cookie
    assert "Secure" not in cookie, "this machine has no TLS"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["name"], told["role"], told["team"]) == ("zhang", "agent", "天津")
    body = {"name": "zhang", "password": PASSWORD}
    public = {"Host": "desk.example.com"}
    from_afar = await api.http.post("/api/v1/session", json=body, headers=public)
    assert "Secure" in from_afar.headers["set-cookie"].split("; ")


async def test_everything_that_writes_needs_the_pages_token(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT)
    assert (await zhang.send("POST", "/tickets", json=NEW)).status_code == 201
    zhang.csrf, right = "x" * 64, zhang.csrf
    assert (await zhang.get("/tickets")).status_code == 200, "reading needs none"
    refused = await zhang.send("POST", "/tickets", json=NEW)
    assert (refused.status_code, refused.json()["error_id"]) == (403, "csrf-token-wrong")
    zhang.csrf = right
    for header in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"},
                   {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}):  # fmt: skip
        refused = await zhang.send("POST", "/tickets", json=NEW, headers=header)
        assert refused.json()["error_id"] == "csrf-token-wrong", header
    own = {"Sec-Fetch-Site": "same-origin", "Origin": api.server.url}
    assert (await zhang.send("POST", "/tickets", json=NEW, headers=own)).status_code == 201


async def test_a_foreign_page_cannot_log_somebody_in(api: Api) -> None:
    await api.db.write(make, "zhang", Role.AGENT)
    body = {"name": "zhang", "password": PASSWORD}
    headers = {"Origin": "https://evil.example"}
    answer = await api.http.post("/api/v1/session", json=body, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_a_refused_log_in_does_not_tell_why(api: Api) -> None:
    await api.db.write(make, "zhang", Role.AGENT)
    await api.db.write(make, "gone", Role.AGENT)
    await api.db.write(accounts.change, "gone", {"disabled": True}, NOW, actor="cli")
    await api.db.write(make, "locked", Role.AGENT)
    for _ in range(5):
        await api.db.write(accounts.failed, "locked", NOW)
    answers = [
        await log_in(api, "zhang", "wrong"),
        await log_in(api, "nobody"),
        await log_in(api, "gone"),
        await log_in(api, "locked"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


async def test_guessing_locks_the_account_and_then_even_the_right_password_waits(
    api: Api,
) -> None:
    await api.db.write(make, "zhang", Role.AGENT)
    for _ in range(5):
        assert (await log_in(api, "zhang", "wrong")).status_code == 401
    assert (await log_in(api, "zhang")).status_code == 401
    account = await api.db.read(accounts.get, "zhang")
    assert account.locked_until == NOW + timedelta(minutes=1)


async def test_who_logs_out_is_out(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT)
    told = (await zhang.get("/session")).json()
    assert (told["name"], told["csrf"]) == ("zhang", zhang.csrf)
    gone = await zhang.send("DELETE", "/session")
    assert gone.status_code == 204
    assert 'huisheng_session=""' in gone.headers["set-cookie"]
    again = await zhang.get("/tickets")
    assert (again.status_code, again.json()["error_id"]) == (401, "session-over")
    kinds = [entry.kind for entry in await api.db.read(timeline.entries_after, 0, 100)]
    assert kinds[-2:] == ["session.opened", "session.closed"]


async def test_a_password_is_changed_by_who_knows_the_old_one(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT)
    other = await log_in(api, "zhang")
    change = {"old": PASSWORD, "new": "another long password"}
    wrong = await zhang.send("PUT", "/session/password", json={**change, "old": "x"})
    assert (wrong.status_code, wrong.json()["error_id"]) == (403, "password-wrong")
    weak = await zhang.send("PUT", "/session/password", json={**change, "new": "short"})
    assert (weak.status_code, weak.json()["error_id"]) == (422, "bad-password")
    assert (await zhang.send("PUT", "/session/password", json=change)).status_code == 204
    assert (await zhang.get("/session")).status_code == 200
    elsewhere = await api.http.get(
        "/api/v1/session",
        headers={"Cookie": f"huisheng_session={other.cookies['huisheng_session']}"},
    )
    assert elsewhere.status_code == 401
    assert (await log_in(api, "zhang")).status_code == 401
    assert (await log_in(api, "zhang", "another long password")).status_code == 200
    token = await api.send("PUT", "/api/v1/session/password", "admin", body=change)
    assert token.json()["error_id"] == "not-a-session"


async def test_a_token_learns_what_it_may(api: Api) -> None:
    told = (await api.get("/api/v1/session", "tickets:read", "unmasked")).json()
    assert (told["name"], told["role"], told["csrf"]) == ("test", "integration", None)
    assert (told["scopes"], told["unmasked"]) == (["tickets:read", "unmasked"], True)


async def _patch(root: Person, name: str, changes: object, seen: str) -> httpx.Response:
    return await root.send("PATCH", f"/accounts/{name}", json=changes, headers={"If-Match": seen})


async def test_of_two_administrators_the_slower_one_does_not_undo_what_the_other_did(
    api: Api,
) -> None:
    root = await person(api, "root", Role.ADMINISTRATOR, "")
    await person(api, "li", Role.AGENT)
    seen = (await root.get("/accounts/li")).headers["etag"]
    blind = await root.send("PATCH", "/accounts/li", json={"team": "北京"})
    assert (blind.status_code, blind.json()["error_id"]) == (428, "if-match-missing")
    first = await _patch(root, "li", {"role": "lead"}, seen)
    assert (first.json()["version"], first.headers["etag"]) == (2, '"2"')
    late = await _patch(root, "li", {"team": "北京"}, seen)
    assert (late.status_code, late.json()["versions"]) == (412, {"expected": 1, "current": 2})
    await log_in(api, "li", "wrong")
    again = await root.send("GET", "/accounts/li", headers={"If-None-Match": '"2"'})
    assert again.status_code == 200, "a log-in is seen although it leaves the version"
    assert again.json()["team"] == "天津"


async def test_administrators_keep_accounts_and_tokens(api: Api) -> None:
    root = await person(api, "root", Role.ADMINISTRATOR, "")
    new = {"name": "li", "full_name": "李强", "role": "technician", "team": "天津",
           "password": "a long enough one"}  # fmt: skip
    made = await root.send("POST", "/accounts", json=new)
    assert (made.status_code, made.headers["location"]) == (201, "/api/v1/accounts/li")
    assert "password" not in made.json()
    assert (await root.send("POST", "/accounts", json=new)).json()["error_id"] == "account-exists"
    weak = await root.send("POST", "/accounts", json={**new, "name": "w", "password": "short"})
    assert weak.json()["error_id"] == "bad-password"
    gone = {"role": "lead", "disabled": True}
    changed = await _patch(root, "li", gone, made.headers["etag"])
    assert (changed.json()["role"], changed.json()["disabled"]) == ("lead", True)
    await _patch(root, "li", {"disabled": False}, changed.headers["etag"])
    first = (await root.get("/accounts?limit=1")).json()
    rest = (await root.get(f"/accounts?limit=1&cursor={first['next']}")).json()
    assert [one["name"] for one in (*first["items"], *rest["items"])] == ["li", "root"]
    reset = await root.send("PUT", "/accounts/li/password", json={"password": "forgotten it is"})
    assert reset.status_code == 204
    assert (await log_in(api, "li", "forgotten it is")).status_code == 200
    last = await _patch(root, "root", {"disabled": True}, '"1"')
    assert (last.status_code, last.json()["error_id"]) == (409, "last-administrator")
    token = await root.send(
        "POST", "/tokens", json={"name": "x", "scopes": ["tickets:read"], "account": "li"}
    )
    headers = {"Authorization": f"Bearer {token.json()['token']}"}
    assert (await api.http.get("/api/v1/session", headers=headers)).json()["role"] == "lead"
    bad = await root.send("POST", "/tokens", json={"name": "x", "scopes": ["everything"]})
    assert bad.json()["error_id"] == "bad-token"
    listed = (await root.get("/tokens")).json()["items"]
    assert listed[0]["name"] == "x"
    assert "token" not in listed[0]
    assert (await root.send("DELETE", f"/tokens/{listed[0]['id']}")).status_code == 204
    assert (await api.http.get("/api/v1/session", headers=headers)).status_code == 401


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
async def test_nobody_else_does(api: Api, role: Role) -> None:
    somebody = await person(api, "somebody", role)
    for path in ("/accounts", "/accounts/somebody", "/tokens"):
        refused = await somebody.get(path)
        assert (refused.status_code, refused.json()["error_id"]) == (403, "operation-not-allowed")
    promoted = await somebody.send("PATCH", "/accounts/somebody", json={"role": "administrator"})
    assert promoted.status_code == 403


async def test_who_may_see_less_now_is_not_given_the_answer_that_he_had(api: Api) -> None:
    root = await person(api, "root", Role.SUPERVISOR, "", unmasked=True)
    new = {**NEW, "number": "13812345678"}
    key = {"Idempotency-Key": "k1"}
    first = await root.send("POST", "/tickets", json=new, headers=key)
    assert first.json()["caller"]["e164"] == "+8613812345678"
    await api.db.write(accounts.change, "root", {"unmasked": False}, NOW, actor="cli")
    answer = await log_in(api, "root")
    masked = Person(api.http, answer.json()["csrf"], dict(answer.cookies))
    again = await masked.send("POST", "/tickets", json=new, headers=key)
    assert (again.status_code, again.json()["error_id"]) == (422, "idempotency-key-reused")


async def test_a_note_by_a_program_is_no_persons_answer_to_a_customer(api: Api) -> None:
    """Its token acts as an agent, but no customer is answered by it in the sense of the times."""
    note = {"text": "我们已收到", "public": True}
    zhang = await person(api, "zhang", Role.AGENT)
    crm = await api.send("POST", "/api/v1/tickets/100014/notes", "tickets:write", body=note)
    wrote = await zhang.send("POST", "/tickets/100014/notes", json=note)
    assert (crm.status_code, wrote.status_code) == (201, 201)
    entries = await api.db.read(timeline.entries_after, 0, 99, ticket_id=1)
    told = [entry.body["program"] for entry in entries if entry.kind == "note.added" and entry.body]
    assert told == [True, False]
