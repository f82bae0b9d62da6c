"""Tasks over the API."""

from datetime import timedelta

from tests.desk.api.conftest import Api
from tests.rig.samples import NOW


async def test_a_task_about_a_ticket_is_given_found_and_done(api: Api) -> None:
    body = {"title": "回电", "to": "team:天津", "due_at": (NOW + timedelta(hours=1)).isoformat()}
    made = await api.send("POST", "/api/v1/tickets/100014/tasks", "tickets:write", body=body)
    assert (made.status_code, made.json()["ticket_number"]) == (201, "100014")
    path = f"/api/v1/tasks/{made.json()['id']}"
    listed = await api.get("/api/v1/tasks?everybodys=true", "tickets:read")
    assert [task["title"] for task in listed.json()["items"]] == ["回电"]
    assert (await api.get("/api/v1/tasks", "tickets:read")).json()["items"] == []
    done = await api.send("POST", f"{path}/done", "tickets:write", body={"result": "已回电"})
    assert (done.json()["state"], done.json()["result"]) == ("done", "已回电")
    again = await api.send("POST", f"{path}/drop", "tickets:write", body={"reason": "x"})
    assert (again.status_code, again.json()["error_id"]) == (409, "task-ended")
    of_ticket = await api.get("/api/v1/tickets/100014/tasks", "tickets:read")
    assert [task["state"] for task in of_ticket.json()["items"]] == ["done"]


async def test_a_task_of_no_ticket_and_a_page_of_them(api: Api) -> None:
    for number in range(3):
        body = {"title": f"第{number}", "to": "test"}
        made = await api.send("POST", "/api/v1/tasks", "tickets:write", body=body)
        assert made.status_code == 201
    first = (await api.get("/api/v1/tasks?limit=2", "tickets:read")).json()
    assert [task["title"] for task in first["items"]] == ["第0", "第1"]
    rest = await api.get(f"/api/v1/tasks?cursor={first['next']}", "tickets:read")
    assert [task["title"] for task in rest.json()["items"]] == ["第2"]
    assert (await api.get("/api/v1/tasks?late=true", "tickets:read")).json()["items"] == []


async def test_what_is_no_task_is_refused(api: Api) -> None:
    for body in ({"title": " ", "to": "x"}, {"title": "x", "to": "role:"}, {"title": "x"}):
        refused = await api.send("POST", "/api/v1/tasks", "tickets:write", body=body)
        assert refused.status_code == 422, body
    missing = await api.send("POST", "/api/v1/tasks/9/done", "tickets:write", body={})
    assert missing.status_code == 404
