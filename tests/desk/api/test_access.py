"""Nobody reads without a token that allows it, and nobody sees more than it allows."""

from datetime import timedelta

import pytest

from desk import tokens, utterances
from desk.utterances import NewUtterance
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW

PATHS = {
    "/api/v1/calls": "calls:read",
    "/api/v1/calls/c1": "calls:read",
    "/api/v1/calls/c1/transcript": "calls:read",
    "/api/v1/calls/c9/talk": "calls:read",
    "/api/v1/calls/c1/recordings": "calls:read",
    "/api/v1/recordings/1": "calls:read",
    "/api/v1/agents": "agents:read",
    "/api/v1/queue": "agents:read",
    "/api/v1/tickets": "tickets:read",
    "/api/v1/tickets/100014": "tickets:read",
    "/api/v1/tickets/100014/history": "tickets:read",
    "/api/v1/tickets/100014/confirmations": "tickets:read",
    "/api/v1/tickets/100014/handovers": "tickets:read",
    "/api/v1/tickets/100014/links": "tickets:read",
    "/api/v1/tickets/100014/notes": "tickets:read",
    "/api/v1/handovers": "tickets:read",
    "/api/v1/lifecycle": "tickets:read",
    "/api/v1/customers": "customers:read",
    "/api/v1/customers/1": "customers:read",
    "/api/v1/timeline": "events:read",
}
SPOKEN = NewUtterance(
    "c1", "1763774523.17", 0, "caller", NOW, 0.0, 4.0, "我的号码是13812345678",
    [{"text": digit, "start": 0.0, "end": 0.1, "confidence": 1.0} for digit in "13812345678"],
    0.9, "vosk small", True,
)  # fmt: skip


async def test_every_path_needs_a_token_and_exactly_its_own_scope(api: Api) -> None:
    others = {scope: await api.token(scope) for scope in tokens.SCOPES}
    for path, needed in PATHS.items():
        missing = await api.http.get(path)
        assert missing.status_code == 401, path
        assert missing.headers["www-authenticate"].startswith("Bearer")
        assert missing.json()["error_id"] == "token-missing"
        for scope, headers in others.items():
            answer = await api.http.get(path, headers=headers)
            allowed = scope in (needed, "admin")
            assert answer.status_code == (200 if allowed else 403), (path, scope)
    stream = await api.get("/api/v1/events", "calls:read")
    assert stream.json()["error_id"] == "scope-missing"
    assert "events:read" in stream.json()["mend"]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer hs_wrong",
        "Bearer",
        "Basic aHM6aHM=",
        "hs_",
        "Bearer \udcff",
        "Bearer " + "x" * 5000,
    ],
)
async def test_a_wrong_token_is_refused_politely(api: Api, header: str) -> None:
    headers = [(b"authorization", header.encode("utf-8", "surrogateescape"))]
    answer = await api.http.get("/api/v1/calls", headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_expired_and_revoked_tokens_are_refused(api: Api) -> None:
    token, secret = await api.db.write(
        lambda c: tokens.create(
            c, "x", ["admin"], NOW - timedelta(days=2), expires_at=NOW - timedelta(days=1)
        )
    )
    answer = await api.http.get("/api/v1/calls", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["error_id"] == "token-invalid"
    token, secret = await api.db.write(tokens.create, "y", ["admin"], NOW)
    headers = {"Authorization": f"Bearer {secret}"}
    assert (await api.http.get("/api/v1/calls", headers=headers)).status_code == 200
    await api.db.write(tokens.revoke, token.id, NOW)
    assert (await api.http.get("/api/v1/calls", headers=headers)).status_code == 401


async def test_numbers_names_and_words_are_masked_without_the_right_to_see_them(api: Api) -> None:
    await api.db.write(utterances.add, SPOKEN, NOW)
    everything = list(tokens.SCOPES)
    for path in PATHS:
        masked = (
            await api.get(path, *(s for s in everything if s not in ("unmasked", "admin")))
        ).text
        plain = (await api.get(path, *everything)).text
        for secret in ("53456789", "13812345678", "张三", "zhang@example.com"):
            assert secret not in masked, (path, secret)
        for alone in ('"text":"8"', '"text": "8"'):
            assert alone not in masked, "single words would give the digits away"
    assert "+862253456789" in plain
    entries = (await api.get("/api/v1/timeline?call_id=c1", "events:read")).json()["items"]
    [entry] = [entry for entry in entries if entry["kind"] == "utterance.added"]
    assert entry["body"]["text"] == "我的号码是138****5678"
    assert entry["body"]["at"].startswith("2026-11-22T01:02:03")
    assert entry["body"]["leg"] == "1763774523.17"
    recordings = (await api.get("/api/v1/calls/c1", "calls:read")).json()["recordings"]
    assert recordings[0]["text"] == "请打 138****5678"
    assert recordings[0]["words"] == [], "single words would give the digits away"


@pytest.mark.parametrize(
    ("host", "header"),
    [("evil.example", {}), ("127.0.0.1", {"X-Forwarded-For": "10.0.0.1"}),
     ("127.0.0.1", {"Forwarded": "for=10.0.0.1"})],
)  # fmt: skip
async def test_the_page_is_for_this_machine_and_not_for_a_rebound_name_or_a_proxys_guest(
    api: Api, host: str, header: dict[str, str]
) -> None:
    for path in ("/", "/changes", "/docs"):
        answer = await api.http.get(path, headers={"Host": host, **header})
        assert answer.status_code == 403
        assert answer.json()["error_id"] == "only-on-this-machine"
    assert (await api.http.get("/", headers={"Host": "localhost:8280"})).status_code == 200
