"""The pages behind links: a customer answers once, a mail scanner does nothing, a guesser learns
nothing."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import Connection

from desk import links, messages, surveys, tickets
from desk.api import create_app
from desk.api.public import HEADERS, PublicPages
from desk.chores import catch_up
from desk.db.engine import Database
from desk.errors import DatabaseUnavailable
from desk.links import LinkSettings
from desk.surveys import SurveyPolicy, survey_chores
from desk.tickets import Status, closing, confirmations, steps
from tests.desk.lifecycle.cases import AGENT, LATER, SYSTEM
from tests.desk.surveys.policies import POLICY, linked, policy, resolved

DAYS = timedelta(days=14)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Clock:
    at: datetime = LATER


@dataclass
class Public:
    db: Database
    http: httpx.AsyncClient
    clock: Clock

    async def confirm_link(self, call_id: str = "c1") -> tuple[int, str]:
        ticket = await self.db.write(resolved, call_id)
        token = await self.db.write(links.make, "confirm", ticket.id, LATER + DAYS, LATER)
        return ticket.id, token

    async def post(self, token: str, form: str, **headers: str) -> httpx.Response:
        sent = FORM | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(f"/l/{token}", content=form, headers=sent)

    async def status(self, ticket_id: int) -> str:
        found = await self.db.read(tickets.get, ticket_id)
        assert found is not None
        return found.status


@pytest.fixture
async def public(db: Database) -> AsyncIterator[Public]:
    clock = Clock()
    app = create_app(db, public_pages=PublicPages(POLICY, "示例公司"), now=lambda: clock.at)
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://hui.example.cn") as http:
        yield Public(db, http, clock)


async def test_opening_a_link_shows_the_question_and_changes_nothing(public: Public) -> None:
    ticket_id, token = await public.confirm_link()
    for _ in range(3):
        shown = await public.http.get(f"/l/{token}")
        assert shown.status_code == 200
        assert (await public.http.head(f"/l/{token}")).status_code == 200
    assert shown.text.index("您的问题解决了吗") < shown.text.index("Is your problem solved")
    assert await public.status(ticket_id) == Status.RESOLVED
    assert "<script" not in shown.text
    assert "1382022" not in shown.text


async def test_solved_closes_the_ticket_by_the_customers_word(public: Public) -> None:
    ticket_id, token = await public.confirm_link()
    done = await public.post(token, "answer=solved")
    assert (done.status_code, "谢谢" in done.text) == (200, True)
    assert await public.status(ticket_id) == Status.CLOSED
    (said,) = await public.db.read(confirmations.of_ticket, ticket_id)
    assert (said.source, said.identity, said.actor) == ("link", "token", "system")
    assert (await public.post(token, "answer=not_solved")).status_code == 404
    assert await public.status(ticket_id) == Status.CLOSED


async def test_who_says_solved_rates_us_on_the_same_page_and_gets_no_sms(public: Public) -> None:
    chores = survey_chores(POLICY)
    await catch_up(public.db, chores, lambda: LATER)
    ticket_id, token = await public.confirm_link()
    page = await public.post(token, "answer=solved")
    (action,) = re.findall(r'<form method="post" action="([^"]+)">', page.text)
    assert "非常满意" in page.text
    await catch_up(public.db, chores, lambda: LATER)
    assert await public.db.read(messages.of_ticket, ticket_id) == []
    beside = httpx.URL(f"https://hui.example.cn/400/l/{token}").join(action)
    assert beside.path == f"/400/l/{action}", "also behind a proxy that serves a part of its site"
    assert (await public.post(action, "words=x")).status_code == 422
    assert (await public.post(action, "answer=4&words=%E5%BF%AB")).status_code == 200
    (rated,) = await public.db.read(surveys.of_ticket, ticket_id)
    assert (rated.channel, rated.points, rated.comment) == ("link", 4, "快")
    assert (await public.post(action, "answer=1")).status_code == 404


async def test_who_is_not_to_be_asked_is_thanked_without_a_survey(db: Database) -> None:
    for off in ({"after_close": False}, {"most_per_month": 1}):
        settings = PublicPages(policy(**off), "示例公司")
        app = create_app(db, public_pages=settings, now=lambda: LATER)
        transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url="https://hui.example.cn"
        ) as http:
            one = Public(db, http, Clock())
            ticket_id, token = await one.confirm_link("-".join(off))
            if "most_per_month" in off:
                await db.write(resolved, "before")
                assert await db.write(surveys.ask_by_key, "before", policy(**off), LATER)
            page = await one.post(token, "answer=solved")
            assert "谢谢" in page.text
            assert "<form" not in page.text
            assert await one.status(ticket_id) == Status.CLOSED


async def test_not_solved_reopens_it_with_the_customers_words(public: Public) -> None:
    ticket_id, token = await public.confirm_link()
    done = await public.post(token, "answer=not_solved&words=%E8%BF%98%E6%98%AF%E7%83%AD%00")
    assert "优先" in done.text
    assert await public.status(ticket_id) == Status.REOPENED
    (said,) = await public.db.read(confirmations.of_ticket, ticket_id)
    assert said.answer == "not_solved"


async def test_a_link_about_an_earlier_solution_says_nothing_of_the_later_one(
    public: Public,
) -> None:
    ticket_id, token = await public.confirm_link()

    def solved_again(c: Connection) -> None:
        closing.reopen(c, ticket_id, "又坏了", LATER, by=SYSTEM, expected_version=None)
        steps.start(c, ticket_id, LATER, by=AGENT, expected_version=4)
        closing.resolve(c, ticket_id, "再修", LATER, by=AGENT, expected_version=5)

    await public.db.write(solved_again)
    assert (await public.http.get(f"/l/{token}")).status_code == 404
    assert (await public.post(token, "answer=solved")).status_code == 404
    assert await public.status(ticket_id) == Status.RESOLVED


async def test_a_survey_is_answered_once_with_a_comment(public: Public) -> None:
    ticket, token = await public.db.write(linked)
    shown = await public.http.get(f"/l/{token}")
    assert "非常满意" in shown.text
    assert (await public.post(token, "words=x")).status_code == 422, "nothing chosen: asked again"
    assert (await public.post(token, "answer=9")).status_code == 422
    assert (await public.post(token, "answer=5&words=%3Cb%3E")).status_code == 200
    (found,) = await public.db.read(surveys.of_ticket, ticket.id)
    assert (found.points, found.comment) == (5, "<b>")
    assert (await public.post(token, "answer=1")).status_code == 404


async def test_a_survey_link_confirms_nothing_and_the_other_way_round(public: Public) -> None:
    ticket_id, token = await public.confirm_link()
    assert (await public.post(token, "answer=5")).status_code == 422
    assert await public.status(ticket_id) == Status.RESOLVED
    assert not await public.db.write(surveys.answer_by_link, token, 5, "", POLICY.settings, LATER)
    assert await public.status(ticket_id) == Status.RESOLVED


async def test_unknown_used_and_expired_links_look_alike(public: Public) -> None:
    _, used = await public.confirm_link()
    await public.post(used, "answer=solved")
    _, expired = await public.db.write(linked, "c2")
    public.clock.at = LATER + DAYS
    pages = [await public.http.get(f"/l/{token}") for token in (used, expired, "x" * 24, "%00")]
    pages += [await public.post(token, "answer=5") for token in (used, expired, "x" * 24)]
    assert {page.status_code for page in pages} == {404}
    assert len({page.content for page in pages}) == 1
    assert len({str(sorted(page.headers.items())) for page in pages}) == 1


async def test_every_page_forbids_scripts_frames_referrers_and_caches(public: Public) -> None:
    _, token = await public.confirm_link()
    for page in (
        await public.http.get(f"/l/{token}"),
        await public.http.get("/l/x"),
        await public.post(token, "answer=solved"),
    ):
        shown = {name: page.headers[name] for name in HEADERS}
        assert shown == HEADERS
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"(src|href)=", page.text), "loads nothing"


async def test_a_foreign_page_cannot_send_the_form(public: Public) -> None:
    ticket_id, token = await public.confirm_link()
    for site in ("cross-site", "same-site"):
        done = await public.post(token, "answer=solved", Sec_Fetch_Site=site)
        assert done.status_code == 404
    assert await public.status(ticket_id) == Status.RESOLVED
    done = await public.post(token, "answer=solved", Sec_Fetch_Site="same-origin")
    assert done.status_code == 200


@pytest.mark.parametrize("form", ["", "answer", "answer=%ff", "\u00ff", "a=1&" * 50, "answer=²"])
async def test_rubbish_in_a_form_asks_again(public: Public, form: str) -> None:
    ticket_id, token = await public.confirm_link()
    assert (await public.post(token, form)).status_code == 422
    assert await public.status(ticket_id) == Status.RESOLVED


async def test_too_many_requests_are_told_to_wait(db: Database) -> None:
    few = SurveyPolicy(
        POLICY.settings, LinkSettings(most_per_minute=2), POLICY.templates, POLICY.timezone
    )
    app = create_app(db, public_pages=PublicPages(few, "示例公司"), now=lambda: LATER)
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://x") as http:
        answers = [(await http.get("/l/x")).status_code for _ in range(3)]
    assert answers == [404, 404, 429]


async def test_a_database_that_is_away_is_a_page_that_says_later(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = await public.confirm_link()

    async def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(public.db, "write", away)
    done = await public.post(token, "answer=solved")
    assert (done.status_code, "稍后" in done.text) == (503, True)
    assert done.headers["retry-after"]


async def test_a_process_without_the_pages_has_none(db: Database) -> None:
    transport = httpx.ASGITransport(app=create_app(db, now=lambda: LATER))
    async with httpx.AsyncClient(transport=transport, base_url="https://x") as http:
        assert (await http.get("/l/x")).status_code == 404
