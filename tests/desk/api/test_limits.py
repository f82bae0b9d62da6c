"""Who asks too often waits, and does not make others wait."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import pytest
from pydantic import ValidationError

from desk import tokens
from desk.api import create_app
from desk.db.engine import Database
from desk.settings import ApiSettings, LimitSettings
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW


@dataclass
class Clock:
    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Served:
    http: httpx.AsyncClient
    clock: Clock
    db: Database

    async def token(self) -> dict[str, str]:
        _, secret = await self.db.write(tokens.create, "x", ["tickets:read"], NOW)
        return {"Authorization": f"Bearer {secret}"}

    async def statuses(self, count: int, headers: dict[str, str]) -> list[int]:
        return [
            (await self.http.get("/api/v1/tickets", headers=headers)).status_code
            for _ in range(count)
        ]

    async def log_in(self, name: str) -> httpx.Response:
        body = {"name": name, "password": "wrong"}
        return await self.http.post("/api/v1/session", json=body)


@pytest.fixture
async def served(db: Database) -> AsyncIterator[Served]:
    clock = Clock()
    few = LimitSettings(requests=3, failures=2, logins=2)
    app = create_app(db, settings=ApiSettings(limits=few), now=clock)
    transport = httpx.ASGITransport(app, client=("10.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield Served(http, clock, db)


async def test_a_token_that_asks_too_often_is_told_when_to_come_again(served: Served) -> None:
    mine, other = await served.token(), await served.token()
    assert await served.statuses(4, mine) == [200, 200, 200, 429]
    assert await served.statuses(1, other) == [200]
    refused = await served.http.get("/api/v1/tickets", headers=mine)
    assert refused.json()["error_id"] == "too-many-requests"
    served.clock.moment += timedelta(seconds=int(refused.headers["retry-after"]))
    assert await served.statuses(2, mine) == [200, 429]


async def test_an_address_that_guesses_tokens_is_slowed_and_those_beside_it_are_not(
    served: Served,
) -> None:
    valid = await served.token()
    wrong = {"Authorization": "Bearer hs_guess"}
    assert await served.statuses(4, wrong) == [401, 401, 429, 429]
    assert await served.statuses(1, valid) == [200], "the same office, another program"


async def test_log_ins_are_counted_by_name_and_by_address(served: Served) -> None:
    assert [(await served.log_in("a")).status_code for _ in range(3)] == [401, 401, 429]
    refused = await served.log_in("b")
    assert (refused.status_code, refused.json()["error_id"]) == (429, "too-many-requests")
    served.clock.moment += timedelta(minutes=1)
    assert (await served.log_in("b")).status_code == 401


async def test_behind_a_trusted_proxy_each_address_counts_for_itself(db: Database) -> None:
    few = LimitSettings(requests=3, failures=1, logins=1)
    trusted = ApiSettings(limits=few, proxies=["10.0.0.0/8"])
    app = create_app(db, settings=trusted, now=Clock())

    async def guessed(peer: str, forwarded: str) -> int:
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            headers = {"X-Forwarded-For": forwarded}
            return (await http.get("/api/v1/tickets", headers=headers)).status_code

    assert [await guessed("10.0.0.1", "203.0.113.5") for _ in range(2)] == [401, 429]
    assert await guessed("10.0.0.1", "203.0.113.5, 203.0.113.6") == 401, "the last one is believed"
    assert [await guessed("192.0.2.1", f"203.0.113.{n}") for n in (7, 8)] == [401, 429]


def test_a_proxy_that_is_no_network_is_refused() -> None:
    with pytest.raises(ValidationError, match="does not appear to be"):
        ApiSettings(proxies=["proxy.example.cn"])


async def test_what_has_not_changed_is_not_sent_again(api: Api) -> None:
    headers = await api.token("admin")
    for path in ("/api/v1/tickets/100014", "/api/v1/tickets", "/api/v1/calls", "/api/v1/agents",
                 "/api/v1/customers/1"):  # fmt: skip
        first = await api.http.get(path, headers=headers)
        etag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache"
        for known in (etag, f'"x", {etag}', "*"):
            again = await api.http.get(path, headers={**headers, "If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), (path, known)
            assert again.headers["etag"] == etag
        other = await api.http.get(path, headers={**headers, "If-None-Match": '"x"'})
        assert other.content == first.content
    ticket = await api.http.get("/api/v1/tickets/100014", headers=headers)
    change = {**headers, "If-Match": ticket.headers["etag"]}
    await api.http.post("/api/v1/tickets/100014/start", headers=change)
    known = {**headers, "If-None-Match": ticket.headers["etag"]}
    assert (await api.http.get("/api/v1/tickets/100014", headers=known)).status_code == 200
