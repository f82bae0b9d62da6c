"""A list a page at a time misses nobody, and its cursors tell nothing that the list masks."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from desk import messages
from desk.db.schema.outbound import revisit_visits
from desk.messages import Channel
from desk.outbound import attempts, marks, revisits
from desk.tickets import By, Given, Identity, Role, Source, closing
from tests.desk.api.conftest import Api
from tests.desk.outbound.samples import case
from tests.rig.samples import NOW

SYSTEM = By("system", Role.SYSTEM)

NUMBERS = [f"+86138123456{n}{n}" for n in range(7)]


def _marked(db: Connection) -> None:
    for place, number in enumerate(NUMBERS):
        at = NOW + timedelta(minutes=place // 4)  # four were imported together, then three
        marks.put(db, number, "do_not_call", f"第{place}个", at, actor="import")
        messages.opt_out(db, Channel.SMS, number, at, actor="import", reason=f"第{place}个")


def _called(db: Connection) -> None:
    for place, number in enumerate(NUMBERS):
        at = NOW + timedelta(minutes=place // 4)
        attempts.add(db, attempts.NewAttempt(f"out-{place}", "confirm", number, number, "400"), at)


def _due(db: Connection) -> None:
    ticket = case(db, now=NOW)
    said = Given(Source.SMS, Identity.SENDER, evidence="1")
    closing.confirm(db, ticket.id, said, NOW, by=SYSTEM, expected_version=None)
    for _ in NUMBERS:
        revisits.plan(db, ticket.id, 30, 1, NOW, actor="agent:8001")
    db.execute(revisit_visits.update().values(state="due"))


@pytest.mark.parametrize(("path", "scope"), [
    ("/api/v1/outbound/marks", "calls:place"), ("/api/v1/opt-outs", "tickets:read"),
])  # fmt: skip
async def test_pages_by_moment_show_each_once_and_their_cursors_name_nobody(
    api: Api, path: str, scope: str
) -> None:
    await api.db.write(_marked)
    headers = await api.token(scope)
    seen = [each["reason"] for each in await _all(api, path, headers)]
    assert seen == [f"第{place}个" for place in (4, 5, 6, 0, 1, 2, 3)]
    bad = await api.http.get(f"{path}?cursor=MQ", headers=headers)
    assert (bad.status_code, bad.json()["error_id"]) == (400, "bad-cursor")


async def test_pages_of_placed_calls_show_each_once_and_no_number(api: Api) -> None:
    await api.db.write(_called)
    headers = await api.token("calls:place")
    seen = [each["call_id"] for each in await _all(api, "/api/v1/outbound/attempts", headers)]
    assert sorted(seen[:3]) == ["out-4", "out-5", "out-6"], "the newest first"
    assert sorted(seen[3:]) == ["out-0", "out-1", "out-2", "out-3"]


async def test_a_long_list_of_re_visits_is_seen_to_its_end(api: Api) -> None:
    await api.db.write(_due)
    headers = await api.token("tickets:read")
    seen = [each["id"] for each in await _all(api, "/api/v1/revisits", headers)]
    assert len(seen) == len(NUMBERS)
    assert seen == sorted(set(seen))


async def _all(api: Api, path: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """Every item, two to a page."""
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await api.http.get(f"{path}?limit=2{cursor}", headers=headers)).json()
        seen += page["items"]
        if page["next"] is None:
            return seen
        told = base64.urlsafe_b64decode(page["next"] + "==").decode()
        assert not any(number[3:] in told for number in NUMBERS)
        cursor = f"&cursor={page['next']}"
