"""A caller who rings again, in virtual time: what he hears, what his keys do, and what a crash in
the middle of it does not do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.outbound.keys import Question
from ari_app.calls.repeat.state import STATE
from ari_app.calls.serve import serve
from desk import customers, journal, tickets, timeline
from desk.errors import DatabaseBusy
from desk.outbound import marks
from desk.region import locate
from desk.tickets import Status, Ticket, closing, confirmations, progress_calls, steps
from desk.tickets.progress_calls import Outcome
from tests.ari_app.calls.rig import (
    CALL_ID,
    OPEN_HOURS,
    Desk,
    FakeChannel,
    call_on,
    line_on,
    outcome,
    settings,
)
from tests.desk.lifecycle.cases import AGENT
from tests.desk.surveys.policies import resolved

pytestmark = pytest.mark.looptime

NUMBER = "13820221234"
SHARED = f"name,numbers\n王一,{NUMBER}\n王二,{NUMBER}\n"
YESTERDAY = OPEN_HOURS - timedelta(days=1)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk()
    yield opened
    opened.close()


@pytest_asyncio.fixture
async def channel() -> FakeChannel:
    return FakeChannel()


def line_of(desk: Desk) -> Line:
    """A line without surveys, which have tests of their own."""
    plain = settings()
    surveys = plain.surveys.model_copy(update={"after_talk": False})
    return line_on(desk, plain.model_copy(update={"surveys": surveys}))


async def serve_caller(
    line: Line, channel: FakeChannel, *caller: tuple[float, str], number: str = NUMBER
) -> Call:
    """Serve a caller who does each thing (keys, "" hangs up) so many seconds after coming, until
    he waits for a person: there the test looks no further."""
    call, loop = call_on(line, channel, number), asyncio.get_running_loop()
    for seconds, keys in caller:
        for place, key in enumerate(keys or "-"):
            act = channel.press if key != "-" else lambda _: channel.leave()
            loop.call_later(seconds + place * 0.2, act, key)
    with call.events:
        task = asyncio.create_task(serve(call, line))
        while not task.done() and call.stage is not Stage.QUEUE:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.1)
        if not task.done():
            channel.leave()
        await task
    return call


async def open_case(desk: Desk, call_id: str = "old") -> Ticket:
    """A case that somebody works on."""

    def made(db: Connection) -> Ticket:
        ticket = resolved(db, call_id, NUMBER)
        closing.reopen(db, ticket.id, "又坏了", YESTERDAY, by=AGENT, expected_version=3)
        return steps.start(db, ticket.id, YESTERDAY, by=AGENT, expected_version=4)

    ticket: Ticket = await desk.write(made)
    return ticket


async def resolved_case(desk: Desk) -> Ticket:
    """A case that waits for the customer's word."""
    ticket: Ticket = await desk.write(resolved, "old", NUMBER)
    return ticket


async def status(desk: Desk, ticket: Ticket) -> str:
    found = await desk.read(tickets.get, ticket.id)
    return str(found.status)


async def figures(desk: Desk) -> progress_calls.Figures:
    found: progress_calls.Figures = await desk.read(
        progress_calls.figures, datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    )
    return found


def digits(ticket: Ticket) -> list[str]:
    return [f"digit-{digit}" for digit in ticket.number]


class TestOpenCase:
    async def test_its_state_is_the_first_thing_he_hears_and_no_second_ticket_comes_of_it(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        case = await open_case(desk)
        await serve_caller(line_of(desk), channel, (8.5, ""))
        first = ["repeat_open", *digits(case), "repeat_state_in_progress", "repeat_keys"]
        assert channel.heard == first
        call, ticket = await outcome(desk)
        assert ticket is not None
        assert (ticket.id, call.cause) == (case.id, "hangup")
        assert len(await desk.read(tickets.search)) == 1
        found = await figures(desk)
        assert (found.calls, found.without_agent) == (1, 1)

    @pytest.mark.parametrize("key", ["0", "5", ""], ids=["0", "a wrong key", "silence"])
    async def test_he_goes_on_to_a_person_who_sees_it(
        self, desk: Desk, channel: FakeChannel, key: str
    ) -> None:
        case = await open_case(desk)
        call = await serve_caller(line_of(desk), channel, *([(9.0, key)] if key else []))
        assert "connecting" in channel.heard
        journaled = await desk.read(journal.get, CALL_ID)
        assert journaled.ticket_id == case.id == call.ticket_id
        assert (await figures(desk)).outcomes[Outcome.PERSON] == 1
        assert (await figures(desk)).without_agent == 0

    async def test_he_may_ring_about_something_else(self, desk: Desk, channel: FakeChannel) -> None:
        case = await open_case(desk)
        await serve_caller(line_of(desk), channel, (1.5, "9"), (4, "1"), (8, "#"))
        assert "main" in channel.heard or "tianjin" in channel.heard
        _, ticket = await outcome(desk)
        assert ticket is not None
        assert (ticket.id != case.id, ticket.type) == (True, "complaint")
        assert (await figures(desk)).outcomes[Outcome.OTHER] == 1

    async def test_another_case_of_his_is_told_by_its_number(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        await open_case(desk, "older")
        other = await open_case(desk, "old")
        await serve_caller(line_of(desk), channel, (9.0, "8"), (11, f"{other.number}#"), (25, ""))
        assert "repeat_keys_others" in channel.heard
        assert channel.heard.count("repeat_open") == 2
        _, ticket = await outcome(desk)
        assert ticket is not None
        assert ticket.id == other.id

    async def test_out_of_hours_the_menu_takes_his_message_into_the_case(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        case = await open_case(desk)
        line = line_of(desk)
        line.now = lambda: (
            datetime(2026, 11, 18, 14, 0, tzinfo=UTC)
            + timedelta(seconds=asyncio.get_running_loop().time())
        )
        await serve_caller(line, channel, (9, "0"), (20, "#"))
        assert "closed" in channel.heard
        _, ticket = await outcome(desk)
        assert ticket is not None
        assert ticket.id == case.id


class TestResolvedCase:
    async def test_identity_then_1_closes_it_once_by_key(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        case = await resolved_case(desk)
        await serve_caller(line_of(desk), channel, (9.0, "1"), (11.0, "1"))
        assert await status(desk, case) == Status.CLOSED
        (said,) = await desk.read(confirmations.of_ticket, case.id)
        assert (said.source, said.identity, said.call_id) == ("key", "pressed", CALL_ID)
        asked = channel.heard.index("repeat_identity")
        assert channel.heard[asked:] == [
            *("repeat_identity", "repeat_question", "repeat_solved", "repeat_more", "goodbye")
        ]
        assert (await figures(desk)).outcomes[Outcome.SOLVED] == 1

    async def test_2_reopens_it(self, desk: Desk, channel: FakeChannel) -> None:
        case = await resolved_case(desk)
        await serve_caller(line_of(desk), channel, (9.0, "1"), (11.0, "2"))
        assert await status(desk, case) == Status.REOPENED
        (said,) = await desk.read(confirmations.of_ticket, case.id)
        assert said.answer == "not_solved"
        assert "repeat_not_solved" in channel.heard

    async def test_who_asks_for_a_person_after_no_is_served_first(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        await resolved_case(desk)
        call = await serve_caller(line_of(desk), channel, (9.0, "1"), (11.0, "2"), (13.0, "0"))
        assert call.state["urgent"]
        assert "connecting" in channel.heard

    @pytest.mark.parametrize("keys", [["0"], ["7"], ["1", "0"], ["1", "3"], ["1"], []])
    async def test_nothing_but_identity_and_a_key_confirms(
        self, desk: Desk, channel: FakeChannel, keys: list[str]
    ) -> None:
        case = await resolved_case(desk)
        presses = [(9.0 + 2 * place, key) for place, key in enumerate(keys)]
        await serve_caller(line_of(desk), channel, *presses)
        assert await status(desk, case) == Status.RESOLVED
        assert await desk.read(confirmations.of_ticket, case.id) == []
        assert "connecting" in channel.heard, "he goes on to a person"

    async def test_somebody_was_faster(self, desk: Desk, channel: FakeChannel) -> None:
        case = await resolved_case(desk)
        loop = asyncio.get_running_loop()

        def reopened(db: Connection) -> None:
            closing.reopen(db, case.id, "x", OPEN_HOURS, by=AGENT, expected_version=3)

        loop.call_later(10.5, lambda: asyncio.ensure_future(desk.write(reopened)))
        await serve_caller(line_of(desk), channel, (9.0, "1"), (11.5, "1"))
        assert await status(desk, case) == Status.REOPENED
        assert "connecting" in channel.heard


class TestWhoIsHe:
    async def test_of_a_shared_number_nothing_is_told_before_the_tickets_number(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        await desk.write(customers.import_csv, SHARED, OPEN_HOURS)
        case = await resolved_case(desk)
        keyed = (1.5, f"{case.number}#")
        await serve_caller(line_of(desk), channel, keyed, (14.0, "1"))
        assert channel.heard[0] == "repeat_number"
        assert "repeat_identity" not in channel.heard, "the number is the identity"
        (said,) = await desk.read(confirmations.of_ticket, case.id)
        assert said.identity == "ticket_number"
        assert await status(desk, case) == Status.CLOSED

    @pytest.mark.parametrize("mark", ["shared", "recycled", "virtual"])
    async def test_so_it_is_with_numbers_that_are_marked(
        self, desk: Desk, channel: FakeChannel, mark: Any
    ) -> None:
        await resolved_case(desk)
        await desk.write(marks.put, "+8613820221234", mark, "x", OPEN_HOURS, actor="test")
        await serve_caller(line_of(desk), channel, (1.5, "*"), (4.0, ""))
        assert channel.heard[0] == "repeat_number"
        assert not any(name.startswith(("repeat_state", "digit")) for name in channel.heard)

    async def test_a_withheld_number_asks_by_the_menus_key(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        case = await resolved_case(desk)
        presses = ((1.5, "4"), (4.0, f"{case.number}#"), (17.0, "1"))
        await serve_caller(line_of(desk), channel, *presses, number="anonymous")
        assert channel.heard[:2] == ["main", "repeat_number"]
        assert await status(desk, case) == Status.CLOSED
        _, ticket = await outcome(desk)
        assert ticket is not None
        assert ticket.id == case.id

    async def test_who_changes_his_mind_is_back_in_the_menu(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        await serve_caller(
            line_of(desk), channel, (1.5, "4"), (4.0, "*"), (8, ""), number="anonymous"
        )
        assert channel.heard == ["main", "repeat_number", "main"]

    async def test_a_known_customer_is_asked_for_by_name(
        self, desk: Desk, channel: FakeChannel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []

        async def spoken(_: Line, who: str) -> Question:
            asked.append(who)
            return Question(["sound:named"], 1.0)

        monkeypatch.setattr("ari_app.calls.repeat.repeat.by_name", spoken)
        await desk.write(customers.import_csv, f"name,numbers\n王小明,{NUMBER}\n", OPEN_HOURS)
        case = await resolved_case(desk)
        await serve_caller(line_of(desk), channel, (9.0, "1"), (11.0, "1"))
        assert asked == ["王先生或王女士"]
        at = channel.heard.index("named")
        assert channel.heard[at + 1 : at + 3] == ["repeat_keys", "repeat_question"]
        assert await status(desk, case) == Status.CLOSED

    async def test_wrong_numbers_three_times_lead_to_the_menu(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        await desk.write(customers.import_csv, SHARED, OPEN_HOURS)
        await resolved_case(desk)
        wrong = [(1.5 + 5 * n, "111111#") for n in range(3)]
        await serve_caller(line_of(desk), channel, *wrong, (22.0, ""))
        assert channel.heard.count("repeat_wrong") == 3
        assert channel.heard[-1] in ("main", "tianjin", "silence")

    async def test_a_stranger_who_keys_in_a_number_hears_the_state_and_cannot_answer(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        case = await resolved_case(desk)
        line = line_of(desk)
        call = call_on(line, channel, "01062345678")
        call.stage = Stage.REPEAT
        call.state[STATE] = {"step": "number"}
        call.caller = locate("01062345678", "022", table=line.regions)
        await line.journal.begin(call)
        loop = asyncio.get_running_loop()
        for place, key in enumerate(f"{case.number}#"):
            loop.call_later(1.5 + place * 0.1, channel.press, key)
        loop.call_later(13, channel.press, "1")
        loop.call_later(20, channel.leave)
        with call.events:
            await serve(call, line)
        assert "repeat_state_resolved" in channel.heard
        assert "repeat_question" not in channel.heard
        assert await status(desk, case) == Status.RESOLVED


class TestTrouble:
    async def test_a_desk_that_is_away_costs_him_the_comfort_not_the_call(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        await open_case(desk)
        loop = asyncio.get_running_loop()
        desk.failure = DatabaseBusy("locked")
        loop.call_later(20, setattr, desk, "failure", None)
        await serve_caller(line_of(desk), channel, (15, ""))
        assert channel.heard[0] in ("main", "tianjin")

    @pytest.mark.parametrize("dies_after", [10.5, 11.3, 12.0])
    async def test_a_crash_around_the_key_closes_it_once_and_asks_nothing_twice(
        self, desk: Desk, channel: FakeChannel, dies_after: float
    ) -> None:
        case = await resolved_case(desk)
        first = call_on(line_of(desk), channel, NUMBER)
        loop = asyncio.get_running_loop()
        for at, key in ((9.0, "1"), (11.0, "1")):
            loop.call_later(at, channel.press, key)
        with first.events:
            task = asyncio.create_task(serve(first, line_of(desk)))
            await asyncio.sleep(dies_after)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        answered = dies_after > 11
        assert await status(desk, case) == (Status.CLOSED if answered else Status.RESOLVED)

        journaled = await desk.read(journal.get, CALL_ID)
        line = line_of(desk)
        again = FakeChannel()
        call = call_on(line, again, NUMBER)
        call.stage, call.state = Stage(journaled.stage), dict(journaled.state)
        call.caller, call.ticket_id = journaled.caller, journaled.ticket_id
        call.journaled = call.resumed = True
        loop.call_later(3.0, again.press, "1")
        loop.call_later(9.0, again.leave)
        with call.events:
            await serve(call, line)
        assert again.heard[0] == "resumed"
        assert ("repeat_question" in again.heard) is not answered
        assert await status(desk, case) == Status.CLOSED
        assert len(await desk.read(confirmations.of_ticket, case.id)) == 1
        every = await desk.read(timeline.entries_after, 0, 500, ticket_id=case.id)
        kinds = [entry.kind for entry in every]
        assert (kinds.count("ticket.confirmed"), kinds.count("case.told")) == (1, 1)

    async def test_a_call_that_is_lost_with_the_process_belongs_to_the_case(
        self, desk: Desk, channel: FakeChannel
    ) -> None:
        case = await open_case(desk)
        line = line_of(desk)
        first = call_on(line, channel, NUMBER)
        with first.events:
            task = asyncio.create_task(serve(first, line))
            await asyncio.sleep(3)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        journaled = await desk.read(journal.get, CALL_ID)
        lost = replace(call_on(line, FakeChannel(gone=True), NUMBER))
        lost.stage, lost.state, lost.end_cause = Stage.WRAP_UP, dict(journaled.state), "lost"
        lost.caller, lost.journaled = journaled.caller, True
        with lost.events:
            await serve(lost, line)
        _, ticket = await outcome(desk)
        assert ticket is not None
        assert ticket.id == case.id
