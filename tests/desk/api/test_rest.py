"""What an integrator builds on: shapes, pages and errors that do not change."""

from datetime import timedelta

import pytest

from desk import utterances
from desk.access import TABLE
from desk.utterances import NewUtterance
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW, begin, call_with_ticket

FOR_EVERYBODY = {"GET /healthz", "GET /readyz", "GET /metrics", "POST /session"}


async def test_a_call_is_shown_with_region_ticket_recording_and_words(api: Api) -> None:
    call = (await api.get("/api/v1/calls/c1", "admin")).json()
    assert call["caller"]["city"] == "天津"
    assert (call["live"], call["cause"], call["ticket_number"]) == (False, "completed", "100014")
    [recording] = call["recordings"]
    assert recording["words"][0] == {"text": "请", "start": 0.0, "end": 0.2, "confidence": 1.0}
    assert recording["engine"] == "vosk small"


async def test_live_calls_are_told_from_past_ones(api: Api) -> None:
    await api.db.write(begin, "c2")
    headers = await api.token("calls:read")
    for live, expected in (("true", ["c2"]), ("false", ["c1"])):
        answer = await api.http.get(f"/api/v1/calls?live={live}", headers=headers)
        assert [call["id"] for call in answer.json()["items"]] == expected


async def test_lists_are_walked_page_by_page_to_the_end(api: Api) -> None:
    for n in range(2, 8):
        await api.db.write(call_with_ticket, f"c{n}")
    headers = await api.token("admin")
    for what, key in (("calls", "id"), ("tickets", "number")):
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await api.http.get(f"/api/v1/{what}?limit=3{cursor}", headers=headers)).json()
            seen += [item[key] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert len(seen) == len(set(seen)) == 7


async def test_customers_and_tickets_are_found_by_a_number_in_any_form(api: Api) -> None:
    headers = await api.token("admin")
    for number in ("02253456789", "%2B862253456789", "0086 22 5345 6789"):
        for what in ("customers", "tickets", "calls"):
            found = await api.http.get(f"/api/v1/{what}?number={number}", headers=headers)
            assert len(found.json()["items"]) == 1, (what, number)
    nobody = await api.http.get("/api/v1/customers?number=anonymous", headers=headers)
    assert nobody.json()["items"] == []


async def test_the_timeline_of_a_ticket_is_read_in_order_and_continued(api: Api) -> None:
    headers = await api.token("events:read")
    first = (await api.http.get("/api/v1/timeline?ticket=100014&limit=2", headers=headers)).json()
    assert [entry["kind"] for entry in first["items"]] == ["ticket.opened", "recording.added"]
    rest = await api.http.get(
        f"/api/v1/timeline?ticket=100014&after={first['last']}", headers=headers
    )
    assert [entry["kind"] for entry in rest.json()["items"]] == [
        "transcript.added",
        "ticket.described",
        "call.ended",
    ]


def said(number: int, party: str, text: str, *, live: bool) -> NewUtterance:
    words = [{"text": text, "start": 0.5, "end": 2.0, "confidence": 0.9}]
    return NewUtterance(
        "c1", f"leg-{party}", number, party, NOW + timedelta(seconds=number), 0.5, 2.0, text,
        words, 0.9, "vosk small", live,
    )  # fmt: skip


async def test_a_transcript_says_who_said_what_when_how_surely_and_whether_live(api: Api) -> None:
    await api.db.write(utterances.add, said(1, "agent:8001", "您好请讲", live=True), NOW)
    await api.db.write(utterances.add, said(2, "caller", "热线不通", live=False), NOW)
    transcript = (await api.get("/api/v1/calls/c1/transcript", "admin")).json()
    assert [(one["speaker"], one["text"], one["live"]) for one in transcript["utterances"]] == [
        ("agent:8001", "您好请讲", True),
        ("caller", "热线不通", False),
    ]
    first = transcript["utterances"][0]
    assert first["at"] == "2026-11-22T01:02:04.456789Z"
    assert (first["start"], first["end"], first["confidence"]) == (0.5, 2.0, 0.9)
    assert first["engine"] == "vosk small"
    assert first["words"][0]["text"] == "您好请讲"


async def test_a_call_without_words_has_an_empty_transcript_and_no_call_has_none(api: Api) -> None:
    empty = await api.get("/api/v1/calls/c1/transcript", "calls:read")
    assert empty.json() == {"call_id": "c1", "utterances": []}
    assert (await api.get("/api/v1/calls/none/transcript", "calls:read")).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "error_id"),
    [
        ("/api/v1/calls/none", 404, "not-found"),
        ("/api/v1/tickets/100015", 404, "not-found"),
        ("/api/v1/customers/99", 404, "not-found"),
        ("/api/v1/customers/0", 422, "invalid-request"),
        ("/api/v1/customers/99999999999999999999999", 422, "invalid-request"),
        ("/api/v1/timeline?ticket=1", 404, "not-found"),
        ("/api/v1/timeline?after=-1", 422, "invalid-request"),
        ("/api/v1/calls?limit=0", 422, "invalid-request"),
        ("/api/v1/calls?limit=101", 422, "invalid-request"),
        ("/api/v1/calls?cursor=%3F", 400, "bad-cursor"),
        ("/api/v1/calls?cursor=AA", 400, "bad-cursor"),
        ("/api/v1/calls?area_code=%00", 400, "bad-character"),
        ("/api/v1/calls/%00", 400, "bad-character"),
        ("/api/v1/tickets?cursor=eA", 400, "bad-cursor"),
        ("/api/v1/tickets?cursor=%C3%A9", 400, "bad-cursor"),
        ("/api/v1/nothing", 404, "not-found"),
        ("/nothing", 404, "not-found"),
        ("/static/nothing", 404, "not-found"),
        ("/static/..%2fapp.py", 404, "not-found"),
    ],
)
async def test_every_error_is_a_problem_with_a_stable_id_and_a_mend(
    api: Api, path: str, status: int, error_id: str
) -> None:
    answer = await api.get(path, "admin")
    assert (answer.status_code, answer.json()["error_id"]) == (status, error_id)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["mend"]
    assert answer.json()["type"] == f"urn:huisheng:problem:{error_id}"


async def test_hostile_queries_find_nothing_and_break_nothing(api: Api) -> None:
    headers = await api.token("admin")
    for hostile in ("' OR 1=1 --", "\0", "%", "\udcff", "💥" * 20, "<script>"):
        for what, name in (("tickets", "text"), ("customers", "text"), ("calls", "area_code"),
                           ("tickets", "region"), ("calls", "number")):  # fmt: skip
            value = hostile.encode("utf-8", "surrogateescape")[:80]
            answer = await api.http.get(f"/api/v1/{what}", params={name: value}, headers=headers)
            assert answer.status_code in (200, 422), (what, name, hostile)
            if answer.status_code == 200:
                assert answer.json()["items"] == []


async def test_other_methods_are_refused(api: Api) -> None:
    answer = await api.http.post("/api/v1/calls", headers=await api.token("admin"), json={})
    assert (answer.status_code, answer.json()["error_id"]) == (405, "method-not-allowed")


async def test_the_description_names_every_path_its_scope_and_its_errors(api: Api) -> None:
    schema = (await api.http.get("/api/v1/openapi.json")).json()
    operations = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in schema["paths"].items()
        for method in methods
    }
    assert operations - {*FOR_EVERYBODY} == set(TABLE)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["description"]
            told = set(operation["responses"])
            if "/calls/" in path and method in ("post", "put"):
                assert {"404", "409", "504"} <= told
            if any(given["name"] == "If-Match" for given in operation.get("parameters", ())):
                assert {"404", "409", "412", "428"} <= told
            if path.startswith("/api/") and not path.startswith("/api/v1/session"):
                assert "Scope `" in operation["description"].replace("\n", " ")
                assert operation["security"]
                assert {"401", "403", "422", "503"} <= set(operation["responses"])
    assert schema["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


async def test_using_a_token_is_noted(api: Api) -> None:
    from desk import tokens

    await api.get("/api/v1/calls", "admin")
    [token] = await api.db.read(tokens.listing)
    assert token.last_used_at == NOW
