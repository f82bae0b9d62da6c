"""What a supervisor and a monitoring system look at."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from desk import outbox
from desk.api import Finding
from desk.tickets import progress_calls
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW, begin


async def test_a_line_that_can_serve_calls_is_ready(api: Api) -> None:
    assert (await api.http.get("/healthz")).json() == {"alive": True}
    answer = await api.http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"]
    assert [finding["name"] for finding in answer.json()["findings"]] == ["database", "ari"]


async def test_a_line_that_cannot_says_why_and_the_mend(api: Api) -> None:
    api.line.trouble = "connection refused"
    answer = await api.http.get("/readyz")
    assert answer.status_code == 503
    [_, finding] = answer.json()["findings"]
    assert finding == {
        "name": "ari", "ok": False, "detail": "connection refused", "mend": "start Asterisk",
        "needed": True,
    }  # fmt: skip
    assert (await api.http.get("/healthz")).status_code == 200


async def test_a_line_that_hangs_does_not_hang_the_supervisor(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> Sequence[Finding]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr("desk.api.health.SECONDS", 0.1)
    monkeypatch.setattr(api.line, "findings", hang)
    answer = await api.http.get("/readyz")
    assert answer.status_code == 503
    assert "no answer" in answer.json()["findings"][1]["detail"]
    assert (await api.http.get("/")).status_code == 200


async def test_a_lost_database_is_noticed(api: Api) -> None:
    await api.db.aclose()
    answer = await api.http.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["findings"][0]["ok"]


async def test_trouble_that_callers_do_not_notice_is_told_of_a_line_that_is_ready(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def findings() -> Sequence[Finding]:
        return [Finding("bridge", False, "demo: HTTP 500", "see", needed=False)]

    monkeypatch.setattr(api.line, "findings", findings)
    answer = await api.http.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert not answer.json()["findings"][1]["ok"]
    assert "demo: HTTP 500" in (await api.http.get("/")).text


async def test_figures_of_a_lost_database_are_left_out_and_the_others_told(api: Api) -> None:
    assert "huisheng_desk_up 1.0" in (await api.http.get("/metrics")).text
    await api.db.aclose()
    answer = await api.http.get("/metrics")
    assert answer.status_code == 200
    for line in ("huisheng_desk_up 0.0", "huisheng_calls_live NaN", "huisheng_stream_clients 0.0"):
        assert line in answer.text
    assert "huisheng_tickets{" not in answer.text


async def test_metrics_count_calls_tickets_deliveries_and_requests(api: Api) -> None:
    await api.db.write(progress_calls.told, "c1", 1, "in_progress", NOW - timedelta(hours=1))
    await api.db.write(outbox.fan_out, ["demo"], NOW)
    await api.db.write(begin, "c2")
    await api.get("/api/v1/calls/c1", "calls:read")
    text = (await api.http.get("/metrics")).text
    for line in (
        "huisheng_calls_live 1.0",
        'huisheng_tickets{status="accepted"} 1.0',
        'huisheng_outbox_pending{target="demo"} 1.0',
        'huisheng_http_requests_total{method="GET",route="/api/v1/calls/{call_id}",status="200"}',
        "huisheng_stream_clients 0.0",
        "huisheng_transcripts_waiting 0.0",
        'huisheng_recordings_kept{kind="message"} 1.0',
        'huisheng_progress_calls{outcome="told"} 1.0',
        "huisheng_progress_calls_without_agent 1.0",
    ):
        assert line in text, line
    assert "53456789" not in text
