"""Rules over the API: nobody puts in force what is wrong or unseen, and everybody can see what
rules did to a case and will do."""

from datetime import timedelta

import httpx

from desk import tickets
from desk.automation import AutomationSettings, Tools, automation_chores
from desk.chores import catch_up
from desk.tickets import By, Role
from tests.desk.api.conftest import Api
from tests.desk.automation.cases import rules
from tests.rig.samples import NOW

LABEL = (
    "name: label-it\non: [ticket.assigned]\nwhen: ticket.type == 'complaint'\ndo:\n"
    "  - label: {add: [a]}\n  - reopen: {reason: x}"
)
TIMER = "name: timer\nin_status: assigned\nafter: 4h\ndo:\n  - note: {text: x}"
ROOT = "/api/v1/automation"


async def post(api: Api, path: str, body: object) -> httpx.Response:
    return await api.send("POST", f"{ROOT}/{path}", "automation:write", body=body)


async def work(api: Api) -> None:
    await catch_up(api.db, automation_chores(Tools(), AutomationSettings()), lambda: NOW)


async def assigned(api: Api) -> None:
    """Rules come into force, and the case is given to somebody."""
    await post(api, "editions", {"content": rules(LABEL, TIMER)})
    await work(api)
    await api.db.write(
        lambda db: (
            tickets.steps.assign(
                db, 1, NOW, by=By("system", Role.SYSTEM), expected_version=None, team="天津"
            )
            and None
        )
    )
    await work(api)


async def test_rules_are_checked_put_in_force_and_taken_back(api: Api) -> None:
    wrong = rules(LABEL.replace("ticket.type", "ticket.tpye"))
    checked = (await post(api, "check", {"content": wrong})).json()
    assert not checked["usable"]
    assert checked["findings"][0]["line"] == 4
    assert (await post(api, "check", {"content": rules(LABEL)})).json() == {
        "usable": True,
        "findings": [],
    }
    refused = await post(api, "editions", {"content": wrong})
    assert (refused.status_code, refused.json()["error_id"]) == (422, "bad-rules")
    assert "did you mean ticket.type" in refused.json()["errors"][0]
    first = await post(api, "editions", {"content": rules(LABEL), "expected": 0, "note": "一"})
    assert (first.status_code, first.json()["edition"]) == (200, 1)
    late = await post(api, "editions", {"content": rules(TIMER), "expected": 0})
    assert (late.status_code, late.json()["versions"]) == (412, {"expected": 0, "current": 1})
    await post(api, "editions", {"content": rules(TIMER), "expected": 1})
    back = await post(api, "editions", {"restores": 1})
    assert (back.json()["edition"], back.json()["restores"]) == (3, 1)
    listed = (await api.get(f"{ROOT}/editions?limit=2", "tickets:read")).json()
    assert [each["edition"] for each in listed["items"]] == [3, 2]
    assert listed["next"]
    whole = (await api.get(f"{ROOT}/editions/1", "tickets:read")).json()
    assert whole["content"] == rules(LABEL)
    assert (await api.get(f"{ROOT}/editions/9", "tickets:read")).status_code == 404
    assert (await post(api, "editions", {"restores": 9})).status_code == 404
    assert (await post(api, "editions", {})).json()["error_id"] == "one-of-both"


async def test_the_run_log_is_read_by_case_rule_and_state(api: Api) -> None:
    await assigned(api)
    (run,) = (await api.get(f"{ROOT}/runs", "tickets:read")).json()["items"]
    assert (run["rule"], run["state"], run["ticket_number"]) == ("label-it", "failed", "100014")
    assert run["because"] == ["ticket.type == 'complaint'"]
    assert [action["outcome"] for action in run["actions"]] == ["done", "failed"]
    for which, there in (
        ("ticket=100014", 1), ("rule=label-it", 1), ("state=failed", 1), ("state=done", 0),
    ):  # fmt: skip
        found = await api.get(f"{ROOT}/runs?{which}", "tickets:read")
        assert len(found.json()["items"]) == there, which
    assert (await api.get(f"{ROOT}/runs?ticket=100099", "tickets:read")).status_code == 404


async def test_a_case_shows_what_rules_did_and_will_do(api: Api) -> None:
    await assigned(api)
    shown = (await api.get("/api/v1/tickets/100014/automation", "tickets:read")).json()
    assert [run["rule"] for run in shown["runs"]] == ["label-it"]
    (timer,) = shown["timers"]
    assert (timer["rule"], timer["in_status"], timer["nth"]) == ("timer", "assigned", 1)
    assert timer["due_at"].startswith((NOW + timedelta(hours=4)).strftime("%Y-%m-%dT%H:%M:%S"))


async def test_a_dry_run_tells_what_would_have_happened(api: Api) -> None:
    since = {"since": (NOW - timedelta(days=1)).isoformat()}
    none = await post(api, "dry-run", since)
    assert (none.status_code, none.json()["error_id"]) == (404, "no-rules-in-force")
    await assigned(api)
    for body in (since, {**since, "content": rules(LABEL)}):
        told = (await post(api, "dry-run", body)).json()
        assert told["by_rule"] == {"label-it": 1}
        assert told["whole"] is True
        assert told["items"][0]["actions"] == ["label", "reopen"]
    naive = await post(api, "dry-run", {"since": "2026-01-01T00:00:00"})
    assert naive.status_code == 422


async def test_who_may_not_change_rules_cannot(api: Api) -> None:
    for path, body in (
        ("check", {"content": "x"}), ("editions", {"content": "x"}),
        ("dry-run", {"since": NOW.isoformat()}),
    ):  # fmt: skip
        refused = await api.send("POST", f"{ROOT}/{path}", "tickets:write", body=body)
        assert refused.status_code == 403
