"""Acting on calls and agents: who may, what comes of it, and what is said when it cannot be."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from desk import tokens
from desk.api import create_app
from desk.api.control import CallControl, NoControl
from desk.db.engine import Database
from desk.errors import NotPossibleNow
from tests.desk.api.conftest import Api, FakeControl
from tests.rig.samples import NOW

CONTROL = "calls:control"
SUPERVISE = "calls:supervise"
ACTIONS: list[tuple[str, str, dict[str, str] | None, tuple[str, ...]]] = [
    ("hold", CONTROL, None, ("hold", "c9")),
    ("resume", CONTROL, None, ("resume", "c9")),
    ("transfer", CONTROL, {"to": "8002"}, ("transfer", "c9", "8002", "blind")),
    ("transfer", CONTROL, {"to": "8002", "kind": "attended"},
     ("transfer", "c9", "8002", "attended")),
    ("transfer/complete", CONTROL, None, ("complete_transfer", "c9")),
    ("transfer/cancel", CONTROL, None, ("cancel_transfer", "c9")),
    ("conference", CONTROL, {"to": "8002"}, ("conference", "c9", "8002")),
    ("drop", CONTROL, {"extension": "8001"}, ("drop", "c9", "8001")),
    ("hangup", CONTROL, None, ("hang_up", "c9")),
    ("recording/pause", CONTROL, None, ("pause_recording", "c9")),
    ("recording/resume", CONTROL, None, ("resume_recording", "c9")),
    ("supervise", SUPERVISE, {"supervisor": "8009"}, ("supervise", "c9", "8009", "listen")),
    ("supervise", SUPERVISE, {"supervisor": "8009", "mode": "barge"},
     ("supervise", "c9", "8009", "barge")),
    ("supervise/stop", SUPERVISE, {"supervisor": "8009"}, ("stop_supervising", "c9", "8009")),
]  # fmt: skip


@pytest.mark.parametrize(("path", "scope", "body", "told"), ACTIONS)
async def test_the_line_does_what_is_asked_in_the_name_of_the_token(
    api: Api, path: str, scope: str, body: dict[str, str] | None, told: tuple[str, ...]
) -> None:
    answer = await api.send("POST", f"/api/v1/calls/c9/{path}", scope, body=body)
    assert answer.status_code == 200, answer.text
    assert api.control.told == [(*told, "test")]
    assert answer.json()["call_id"] == "c9"
    assert (answer.json()["talk"] is None) == (path == "hangup")


async def test_every_answer_says_what_the_talk_is_afterwards(api: Api) -> None:
    async def after(path: str, body: Any = None) -> dict[str, Any]:
        answer = await api.send("POST", f"/api/v1/calls/c9/{path}", "admin", body=body)
        talk: dict[str, Any] = answer.json()["talk"]
        assert talk == (await api.get("/api/v1/calls/c9/talk", "calls:read")).json()
        return talk

    assert (await after("hold"))["held"]
    assert not (await after("resume"))["held"]
    assert (await after("transfer", {"to": "8002", "kind": "attended"}))["consult"] == "8002"
    assert (await after("transfer/cancel"))["consult"] == ""
    assert (await after("recording/pause"))["recording"] == "paused"
    assert (await after("recording/resume"))["recording"] == "on"
    assert (await after("supervise", {"supervisor": "8009"}))["parties"][-1] == {
        "kind": "supervisor",
        "extension": "8009",
        "since": "2026-11-22T01:02:03.456789Z",
        "held": False,
        "mode": "listen",
    }


@pytest.mark.parametrize(("path", "scope", "body", "told"), ACTIONS)
async def test_a_call_that_is_not_here_is_404_and_no_token_suffices_but_the_right_one(
    api: Api, path: str, scope: str, body: dict[str, str] | None, told: tuple[str, ...]
) -> None:
    gone = await api.send("POST", f"/api/v1/calls/gone/{path}", scope, body=body)
    assert (gone.status_code, gone.json()["error_id"]) == (404, "no-such-live-call")
    other = SUPERVISE if scope == CONTROL else CONTROL
    for scopes in ((), ("calls:read", "agents:write", "events:read", "unmasked", other)):
        refused = await api.send("POST", f"/api/v1/calls/c9/{path}", *scopes, body=body)
        assert refused.status_code == (403 if scopes else 401)
    assert api.control.told == []


async def test_what_is_not_possible_now_is_said_with_its_mend(api: Api) -> None:
    api.control.refuses = NotPossibleNow("agent 8002 is in a call", "Choose another agent.")
    answer = await api.send(
        "POST", "/api/v1/calls/c9/transfer", CONTROL, body={"to": "8002", "kind": "blind"}
    )
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["error_id"] == "not-possible-now"
    assert problem["detail"] == "agent 8002 is in a call"
    assert problem["mend"] == "Choose another agent."


async def test_a_line_that_does_not_answer_keeps_nobody_waiting(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.api.call_control.SECONDS", 0.05)
    api.control.stuck = True
    for method, path, body in (
        ("POST", "/api/v1/calls/c9/hold", None),
        ("PUT", "/api/v1/agents/8001/state", {"state": "away"}),
    ):
        answer = await api.send(method, path, "admin", body=body)
        assert (answer.status_code, answer.json()["error_id"]) == (504, "line-timeout")
        assert "may still have happened" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("transfer", None),
        ("transfer", {}),
        ("transfer", {"to": "PJSIP/8001&Local/1"}),
        ("transfer", {"to": "80 01"}),
        ("transfer", {"to": "8001\n"}),
        ("transfer", {"to": "8001", "kind": "sideways"}),
        ("transfer", {"to": "8001", "note": "?"}),
        ("transfer", ["8001"]),
        ("conference", {"to": "1" * 9}),
        ("conference", {"to": "８００１"}),
        ("drop", {"extension": ""}),
        ("supervise", {"supervisor": "8009", "mode": "shout"}),
        ("supervise", {"supervisor": 8009}),
    ],
)
async def test_a_body_that_makes_no_sense_reaches_no_telephone(
    api: Api, path: str, body: Any
) -> None:
    answer = await api.send("POST", f"/api/v1/calls/c9/{path}", "admin", body=body)
    assert (answer.status_code, answer.json()["error_id"]) == (422, "invalid-request")
    assert answer.json()["errors"]
    assert api.control.told == []


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'{"to": "\\ud800"}', b'{"to": "800\\u0000"}', b"[" * 60_000, b"null", b""],
    ids=["cut", "no utf-8", "surrogate", "nul", "deep", "null", "empty"],
)
async def test_a_body_that_is_no_json_is_refused_politely(api: Api, body: bytes) -> None:
    headers = {**await api.token("admin"), "Content-Type": "application/json"}
    answer = await api.http.post("/api/v1/calls/c9/transfer", headers=headers, content=body)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_huge_body_is_refused_before_it_is_whole_and_before_the_token(api: Api) -> None:
    host, port = api.server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /api/v1/calls/c9/hold HTTP/1.1\r\nHost: localhost\r\n")
    writer.write(b"Content-Length: 10000000000\r\n\r\n" + b" " * 70_000)
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 413")
    assert orjson.loads(body)["error_id"] == "body-too-large"


async def test_a_body_that_does_not_come_ends_the_request(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.api.bodies.SECONDS", 0.05)
    answer = await api.http.post(
        "/api/v1/calls/c9/hold", headers={"Content-Length": "10"}, content=_nothing()
    )
    assert (answer.status_code, answer.json()["error_id"]) == (408, "body-too-slow")


async def _nothing() -> Any:
    yield b" "
    await asyncio.sleep(1)
    yield b" " * 9


async def test_a_call_in_which_nobody_talks_says_so_and_one_that_is_gone_too(api: Api) -> None:
    api.line.serving = ["c7"]
    waits = await api.get("/api/v1/calls/c7/talk", "calls:read")
    assert (waits.status_code, waits.json()["error_id"]) == (404, "not-found")
    gone = await api.get("/api/v1/calls/c1/talk", "calls:read")
    assert (gone.status_code, gone.json()["error_id"]) == (404, "no-such-live-call")


async def test_agents_are_listed_with_state_and_call_and_set_by_name(api: Api) -> None:
    agents = (await api.get("/api/v1/agents", "agents:read")).json()["items"]
    assert agents[0] == {
        "extension": "8001",
        "name": "张敏",
        "team": "tianjin",
        "skills": ["tj"],
        "state": "busy",
        "reason": "",
        "since": "2026-11-22T01:02:03.456789Z",
        "call_id": "c9",
    }
    new = {"state": "away", "reason": "午休"}
    answer = await api.send("PUT", "/api/v1/agents/8002/state", "agents:write", body=new)
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["reason"]) == ("away", "午休")
    assert api.control.told == [("set_agent_state", "8002", "away", "午休", "test")]
    nobody = await api.send("PUT", "/api/v1/agents/9999/state", "agents:write", body=new)
    assert (nobody.status_code, nobody.json()["error_id"]) == (404, "no-such-agent")
    for wrong in ({"state": "busy"}, {"state": "ready", "reason": "a\nb"}, {"reason": "x"}):
        refused = await api.send("PUT", "/api/v1/agents/8002/state", "agents:write", body=wrong)
        assert refused.status_code == 422


async def test_a_number_in_an_agents_reason_is_masked(api: Api) -> None:
    new = {"state": "away", "reason": "回拨 13812345678"}
    await api.send("PUT", "/api/v1/agents/8002/state", "agents:write", body=new)
    for scopes, shown in ((("agents:read",), False), (("agents:read", "unmasked"), True)):
        assert ("13812345678" in (await api.get("/api/v1/agents", *scopes)).text) == shown


async def test_who_waits_is_listed_by_position(api: Api) -> None:
    items = (await api.get("/api/v1/queue", "agents:read")).json()["items"]
    assert [(item["call_id"], item["position"]) for item in items] == [("c7", 1), ("c8", 2)]
    assert (items[0]["team"], items[0]["priority"], items[0]["expected_wait"]) == (
        "tianjin", 2, 41.5,
    )  # fmt: skip
    assert items[1]["expected_wait"] is None


async def test_a_process_without_calls_says_so_to_everything(db: Database) -> None:
    control: CallControl = NoControl()
    assert (*control.agents(), *control.queue(), control.talk("c1")) == (None,)
    app = create_app(db)
    transport = httpx.ASGITransport(app)
    _, secret = await db.write(tokens.create, "test", ["admin"], NOW)
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
        for path, _, body, _ in ACTIONS:
            answer = await http.post(f"/api/v1/calls/c9/{path}", json=body, headers=headers)
            assert (answer.status_code, answer.json()["error_id"]) == (409, "not-possible-now")
            assert answer.json()["detail"] == "this process serves no calls"
        answer = await http.put(
            "/api/v1/agents/8001/state", json={"state": "ready"}, headers=headers
        )
        assert answer.status_code == 409


def test_the_fake_is_what_the_line_has_to_be() -> None:
    control: CallControl = FakeControl()
    assert control.talk("c9") is not None
