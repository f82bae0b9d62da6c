"""A customer is asked once for each occasion, not too often, and his answer does what it says."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from desk import journal, messages, surveys, tickets, timeline
from desk.chores import catch_up
from desk.db.engine import Database
from desk.journal import NewCall
from desk.outbound import marks
from desk.region import locate
from desk.surveys import Effect, Survey, survey_chores
from desk.tickets import Status, Ticket, closing, steps
from desk.timeline import Entry
from tests.desk.lifecycle.cases import AGENT, LATER, SUPERVISOR, SYSTEM, key
from tests.desk.surveys.policies import (
    BASE,
    MOBILE,
    POLICY,
    closed,
    closed_in_call,
    customer,
    linked,
    policy,
    resolved,
    token_sent,
)
from tests.rig.samples import NOW, count


def score(db: Connection) -> float:
    found: float = db.execute(text("SELECT score FROM customers")).scalar_one()
    return found


def state(db: Connection, ticket_id: int) -> Ticket:
    found = tickets.get(db, ticket_id)
    assert found is not None
    return found


def entries(db: Connection, ticket_id: int, kind: str) -> list[Entry]:
    every = timeline.entries_after(db, 0, 500, ticket_id=ticket_id)
    return [one for one in every if one.kind == kind]


class TestByLink:
    async def test_a_close_sends_one_link_by_sms_and_no_secret_to_the_timeline(
        self, db: Database
    ) -> None:
        def asked(c: Connection) -> tuple[Survey, list[messages.Message]]:
            ticket = closed(c)
            first = surveys.ask_by_link(c, ticket.id, POLICY, LATER)
            assert surveys.ask_by_link(c, ticket.id, POLICY, LATER) is None
            assert first is not None
            return first, messages.of_ticket(c, ticket.id)

        first, (sent,) = await db.write(asked)
        assert first.channel == "link"
        assert sent.secret.startswith(f"{BASE}/l/")
        assert sent.secret in sent.text
        (told,) = await db.read(entries, first.ticket_id, "survey.asked")
        assert told.body == {
            "survey_id": first.id, "channel": "link", "number": first.number
        }  # fmt: skip
        every = await db.read(timeline.entries_after, 0, 500)
        assert sent.secret not in str(every)

    async def test_a_customer_without_a_mobile_is_asked_by_email(self, db: Database) -> None:
        def asked(c: Connection) -> list[messages.Message]:
            customer(c, "02253456789", "wang@example.cn")
            ticket = closed(c, number="02253456789")
            assert surveys.ask_by_link(c, ticket.id, POLICY, LATER) is not None
            return messages.of_ticket(c, ticket.id)

        (sent,) = await db.write(asked)
        assert (sent.channel, sent.to) == ("email", "wang@example.cn")

    async def test_who_cannot_be_reached_is_not_asked(self, db: Database) -> None:
        def asked(c: Connection) -> None:
            unreachable = closed(c, "c1", "02253456789")
            assert surveys.ask_by_link(c, unreachable.id, POLICY, LATER) is None
            reachable = closed(c, "c2")
            assert surveys.ask_by_link(c, reachable.id, policy(""), LATER) is None
            still_open = resolved(c, "c3")
            assert surveys.ask_by_link(c, still_open.id, POLICY, LATER) is None

        await db.write(asked)
        assert await db.read(count, "surveys") == 0

    async def test_an_answer_is_in_timeline_ticket_and_score_once(self, db: Database) -> None:
        await db.write(customer)
        ticket, token = await db.write(linked)
        assert await db.write(surveys.answer_by_link, token, 4, " 很快 ", POLICY.settings, LATER)
        assert not await db.write(surveys.answer_by_link, token, 1, "", POLICY.settings, LATER)
        (found,) = await db.read(surveys.of_ticket, ticket.id)
        assert (found.points, found.comment, found.effect) == (4, "很快", Effect.NONE)
        (told,) = await db.read(entries, ticket.id, "survey.answered")
        assert told.body is not None
        assert (told.body["points"], told.body["customer_score"]) == (4, 4.0)
        assert await db.read(score) == 4.0
        assert (await db.read(state, ticket.id)).status == Status.CLOSED

    async def test_points_beyond_the_scale_leave_the_link_good(self, db: Database) -> None:
        _, token = await db.write(linked)
        for points in (0, 6):
            with pytest.raises(ValueError, match="1 to 5"):
                await db.write(surveys.answer_by_link, token, points, "", POLICY.settings, LATER)
        assert await db.write(surveys.answer_by_link, token, 5, "", POLICY.settings, LATER)

    async def test_a_chore_asks_after_a_customers_close_not_after_an_override(
        self, db: Database
    ) -> None:
        chores = survey_chores(POLICY)
        await catch_up(db, chores, lambda: NOW)  # begins at the present end
        ticket = await db.write(closed)
        other = await db.write(resolved, "c2")
        await db.write(
            closing.override, other.id, "王主管", "联系不上", LATER, by=SUPERVISOR,
            expected_version=other.version,
        )  # fmt: skip
        await catch_up(db, chores, lambda: LATER)
        await catch_up(db, chores, lambda: LATER)
        assert len(await db.read(surveys.of_ticket, ticket.id)) == 1
        assert await db.read(surveys.of_ticket, other.id) == []

    async def test_what_was_closed_while_it_was_off_is_never_asked_about(
        self, db: Database
    ) -> None:
        on, off = survey_chores(POLICY), survey_chores(policy(after_close=False))
        await catch_up(db, on, lambda: NOW)
        before = await db.write(closed)
        await catch_up(db, off, lambda: LATER)
        await catch_up(db, on, lambda: LATER)
        assert await db.read(surveys.of_ticket, before.id) == []
        after = await db.write(closed, "c2")
        await catch_up(db, on, lambda: LATER)
        assert len(await db.read(surveys.of_ticket, after.id)) == 1

    async def test_no_link_goes_to_a_number_that_is_somebody_elses_too(self, db: Database) -> None:
        def asked(c: Connection) -> Survey | None:
            marks.put(c, f"+86{MOBILE}", "shared", "两家共用", NOW, actor="test")
            return surveys.ask_by_link(c, closed(c).id, POLICY, LATER)

        assert await db.write(asked) is None


class TestByKey:
    async def test_a_caller_is_asked_and_answers_once(self, db: Database) -> None:
        await db.write(resolved)
        asked = await db.write(surveys.ask_by_key, "c1", POLICY, LATER)
        assert asked is not None
        assert await db.write(surveys.ask_by_key, "c1", POLICY, LATER) == asked, "after a crash"
        assert await db.write(surveys.answer_by_key, "c1", 5, POLICY.settings, LATER)
        assert not await db.write(surveys.answer_by_key, "c1", 1, POLICY.settings, LATER)
        assert await db.write(surveys.ask_by_key, "c1", POLICY, LATER) is None
        assert len(await db.read(entries, asked.ticket_id, "survey.answered")) == 1

    async def test_a_call_without_a_ticket_is_not_asked_about(self, db: Database) -> None:
        assert await db.write(surveys.ask_by_key, "none", POLICY, LATER) is None
        assert not await db.write(surveys.answer_by_key, "none", 5, POLICY.settings, LATER)

    async def test_who_answered_in_the_call_is_not_asked_again_by_sms(self, db: Database) -> None:
        def answered(c: Connection) -> Survey | None:
            ticket = closed(c)
            surveys.ask_by_key(c, "c1", POLICY, LATER)
            surveys.answer_by_key(c, "c1", 5, POLICY.settings, LATER)
            return surveys.ask_by_link(c, ticket.id, POLICY, LATER)

        assert await db.write(answered) is None


class TestOneWay:
    """A close is asked about in one way, whatever happens in which order."""

    async def test_a_call_that_goes_on_may_ask_by_key_before_a_link_is_sent(
        self, db: Database
    ) -> None:
        chores = survey_chores(POLICY)
        await catch_up(db, chores, lambda: NOW)
        ticket = await db.write(closed_in_call)
        await catch_up(db, chores, lambda: LATER)
        assert await db.read(surveys.of_ticket, ticket.id) == []
        assert await db.write(surveys.ask_by_key, "c1", POLICY, LATER) is not None
        await db.write(journal.end, "c1", "hangup", LATER)
        await catch_up(db, chores, lambda: LATER)
        (only,) = await db.read(surveys.of_ticket, ticket.id)
        assert (only.channel, only.points) == ("key", None), "silence is an answer too"

    async def test_a_call_that_ended_without_asking_is_followed_by_a_link(
        self, db: Database
    ) -> None:
        chores = survey_chores(POLICY)
        await catch_up(db, chores, lambda: NOW)
        ticket = await db.write(closed_in_call)
        await catch_up(db, chores, lambda: LATER)
        await db.write(journal.end, "c1", "hangup", LATER)
        for _ in range(2):
            await catch_up(db, chores, lambda: LATER)
        (only,) = await db.read(surveys.of_ticket, ticket.id)
        assert only.channel == "link"
        assert await db.write(surveys.ask_by_key, "c1", POLICY, LATER) is None

    async def test_who_rated_the_cycle_before_is_not_asked_in_the_call_that_closes(
        self, db: Database
    ) -> None:
        def asked(c: Connection) -> Survey | None:
            ticket = resolved(c)
            surveys.ask_by_key(c, "c1", POLICY, LATER)
            surveys.answer_by_key(c, "c1", 4, POLICY.settings, LATER)
            journal.begin(c, NewCall("c2", MOBILE, MOBILE, locate(MOBILE), ()), LATER)
            tickets.join(c, "c2", ticket.id, LATER)
            closing.confirm(c, ticket.id, key("c2"), LATER, by=SYSTEM, expected_version=None)
            return surveys.ask_by_key(c, "c2", POLICY, LATER)

        assert await db.write(asked) is None


class TestLimit:
    async def test_a_customer_is_asked_so_often_in_a_month_of_the_company(
        self, db: Database
    ) -> None:
        twice = policy(most_per_month=2)
        end = datetime(2026, 11, 30, 15, 59, tzinfo=UTC)  # 23:59 in Tianjin

        def asked(c: Connection, call_id: str, at: datetime) -> Survey | None:
            resolved(c, call_id)
            return surveys.ask_by_key(c, call_id, twice, at)

        await db.write(customer)
        assert await db.write(asked, "c1", end)
        assert await db.write(asked, "c2", end)
        assert await db.write(asked, "c3", end) is None
        assert await db.write(asked, "c4", end + timedelta(minutes=1))

    async def test_two_at_once_do_not_share_the_last_place(self, db: Database) -> None:
        once = policy(most_per_month=1)
        await db.write(customer)
        for number in range(6):
            await db.write(resolved, f"c{number}")
        found = await asyncio.gather(
            *(db.write(surveys.ask_by_key, f"c{n}", once, LATER) for n in range(6))
        )
        assert sum(one is not None for one in found) == 1


class TestLowScore:
    async def test_it_reopens_the_ticket_and_tells_the_supervisor(self, db: Database) -> None:
        ticket, token = await db.write(linked)
        await db.write(surveys.answer_by_link, token, 1, "还是不制冷", POLICY.settings, LATER)
        again = await db.read(state, ticket.id)
        assert (again.status, again.cycle) == (Status.REOPENED, 2)
        (why,) = await db.read(entries, ticket.id, "ticket.reopened")
        assert why.body is not None
        assert "还是不制冷" in why.body["reason"]
        (notice,) = await db.read(entries, ticket.id, "notice.sent")
        assert notice.body is not None
        assert notice.body["to"] == "role:supervisor"

    async def test_however_often_it_is_closed_and_rated_low_it_reopens_once(
        self, db: Database
    ) -> None:
        ticket, token = await db.write(linked)
        effects = []
        for _ in range(4):
            await db.write(surveys.answer_by_link, token, 1, "", POLICY.settings, LATER)
            effects.append((await db.read(surveys.of_ticket, ticket.id))[-1].effect)
            if (await db.read(state, ticket.id)).status == Status.CLOSED:
                break
            token = await db.write(closed_again, ticket.id)
        assert effects == [Effect.REOPENED, Effect.ALARMED]

    async def test_a_low_answer_about_an_open_ticket_alarms(self, db: Database) -> None:
        ticket = await db.write(resolved)
        await db.write(surveys.ask_by_key, "c1", POLICY, LATER)
        await db.write(surveys.answer_by_key, "c1", 2, POLICY.settings, LATER)
        (found,) = await db.read(surveys.of_ticket, ticket.id)
        assert found.effect is Effect.ALARMED
        assert (await db.read(state, ticket.id)).status == Status.RESOLVED

    async def test_an_answer_about_an_earlier_close_does_not_reopen_the_later_one(
        self, db: Database
    ) -> None:
        ticket, token = await db.write(linked)

        def lived_on(c: Connection) -> None:
            closing.reopen(c, ticket.id, "又坏了", LATER, by=SYSTEM, expected_version=None)
            closed_again(c, ticket.id)

        await db.write(lived_on)
        await db.write(surveys.answer_by_link, token, 1, "", POLICY.settings, LATER)
        assert (await db.read(state, ticket.id)).status == Status.CLOSED

    async def test_it_may_do_nothing(self, db: Database) -> None:
        _, token = await db.write(linked)
        quiet = policy(low={"then": "nothing"})
        await db.write(surveys.answer_by_link, token, 1, "", quiet.settings, LATER)
        assert await db.read(count, "notices") == 0


def closed_again(c: Connection, ticket_id: int) -> str:
    """A reopened ticket is solved and closed once more; the token of its new survey, if any."""
    ticket = state(c, ticket_id)
    steps.start(c, ticket_id, LATER, by=AGENT, expected_version=ticket.version)
    closing.resolve(c, ticket_id, "再修", LATER, by=AGENT, expected_version=ticket.version + 1)
    closing.confirm(c, ticket_id, key("c1"), LATER, by=SYSTEM, expected_version=None)
    surveys.ask_by_link(c, ticket_id, POLICY, LATER)
    return token_sent(c, ticket_id)


async def test_of_answers_at_once_the_score_counts_all(db: Database) -> None:
    await db.write(customer)
    for number in range(3):
        await db.write(resolved, f"c{number}")
        await db.write(surveys.ask_by_key, f"c{number}", POLICY, LATER)
    await asyncio.gather(
        *(db.write(surveys.answer_by_key, f"c{n}", n + 3, POLICY.settings, LATER) for n in range(3))
    )
    assert await db.read(score) == 4.0
    explained = await db.read(surveys.explain, 1, POLICY.settings.score)
    assert explained.value == 4.0
    assert len(explained.parts) == 3
