"""A customer rings again, on a real line: told where the case stands, heard when it is solved, and
asked how it was. Asterisk plays, SIPp presses.
"""

import asyncio
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from ari_app.sip_caller import AgentPhone, ExpectBye, HangUp, Press, Step, Wait
from asterisk_conf.install import Installation
from desk import journal, surveys, tickets
from desk.db.engine import Database
from desk.tickets import Status, Ticket, confirmations, progress_calls
from desk.tickets.progress_calls import Outcome
from tests.desk.surveys.policies import resolved
from tests.e2e.line_rig import OPEN_HOURS, TestLine, beijing, tianjin, tianjin_mobile
from tests.e2e.process_rig import new_number, site

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

BEFORE = OPEN_HOURS - timedelta(days=1)
IDENTIFIES: tuple[Step, ...] = (Wait(5), Press("1"), Wait(1))
"""The state has been told: it is he."""


async def case_of(line: TestLine, caller: str, *, solved: bool) -> Ticket:
    """A case that this caller has, as an earlier call left it."""

    def made(db: Connection) -> Ticket:
        ticket = resolved(db, f"before-{caller}", caller, BEFORE)
        journal.end(db, f"before-{caller}", "completed", BEFORE)
        if solved:
            return ticket
        return tickets.closing.reopen(
            db, ticket.id, "又坏了", BEFORE, by=tickets.SYSTEM, expected_version=None
        )

    return await line.running.line.db.write(made)


async def status(line: TestLine, ticket: Ticket) -> str:
    found = await line.running.line.db.read(tickets.get, ticket.id)
    assert found is not None
    return found.status


async def test_an_open_case_is_told_at_once_and_0_leads_to_a_person_who_sees_it(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    caller = tianjin()
    case = await case_of(line, caller, solved=False)
    story = await line.call(caller, Wait(5), Press("0"), Wait(3), HangUp())
    assert story.ticket is not None
    assert story.ticket.id == case.id, "no second ticket"
    first = [kind for kind in story.kinds if kind.startswith(("case.", "agent.", "menu."))]
    assert first[:3] == ["case.told", "case.left", "agent.rung"]
    assert "agent.answered" in first


async def test_a_caller_who_has_heard_enough_needs_no_agent(line: TestLine) -> None:
    caller = tianjin_mobile()
    case = await case_of(line, caller, solved=False)
    story = await line.call(caller, Wait(5), HangUp())
    assert (story.ticket.id if story.ticket else 0) == case.id
    assert "case.told" in story.kinds
    assert "agent.rung" not in story.kinds
    db = line.running.line.db
    found = await db.read(progress_calls.figures, OPEN_HOURS, line.running.line.now())
    assert found.without_agent >= 1
    assert found.outcomes[Outcome.TOLD] >= 1


async def test_identity_then_1_closes_the_case_and_a_key_rates_it(line: TestLine) -> None:
    caller = tianjin_mobile()
    case = await case_of(line, caller, solved=True)
    steps = (*IDENTIFIES, Press("1"), Wait(2), Press("5"), ExpectBye(20))
    story = await line.call(caller, *steps)
    assert story.result.ended_by == "them"
    assert await status(line, case) == Status.CLOSED
    db = line.running.line.db
    (said,) = await db.read(confirmations.of_ticket, case.id)
    assert (said.source, said.identity, said.call_id) == ("key", "pressed", story.call.id)
    (rated,) = await db.read(surveys.of_ticket, case.id)
    assert (rated.points, rated.channel) == (5, "key")
    assert story.kinds.count("ticket.confirmed") == 1


async def test_2_reopens_it_with_priority(line: TestLine) -> None:
    caller = beijing()
    case = await case_of(line, caller, solved=True)
    await line.call(caller, *IDENTIFIES, Press("2"), ExpectBye(20))
    again = await line.running.line.db.read(tickets.get, case.id)
    assert again is not None
    assert (again.status, again.cycle) == (Status.REOPENED, 2)
    assert again.priority > case.priority


async def test_who_does_not_say_that_it_is_he_confirms_nothing(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    caller = tianjin()
    case = await case_of(line, caller, solved=True)
    story = await line.call(caller, Wait(5), Press("7"), Wait(3), HangUp())
    assert await status(line, case) == Status.RESOLVED
    assert "agent.rung" in story.kinds


async def test_a_withheld_number_hears_nothing_before_the_tickets_number_is_keyed_in(
    line: TestLine,
) -> None:
    case = await case_of(line, tianjin_mobile(), solved=True)
    keyed = (Wait(0.3), Press("4"), Wait(1.5), Press(f"{case.number}#"))
    answers = (*IDENTIFIES[:1], Press("1"), ExpectBye(20))
    story = await line.call("anonymous", *keyed, *answers)
    assert (story.ticket.id if story.ticket else 0) == case.id, "no second ticket"
    assert await status(line, case) == Status.CLOSED
    db = line.running.line.db
    (said,) = await db.read(confirmations.of_ticket, case.id)
    assert (said.source, said.identity, said.call_id) == ("key", "ticket_number", story.call.id)
    kinds = [kind for kind in story.kinds if kind.startswith(("menu.", "case.", "ticket.conf"))]
    assert kinds.index("menu.chosen") < kinds.index("case.told") < kinds.index("ticket.confirmed")


async def test_a_caller_whose_agent_hangs_up_is_asked_how_it_was(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    steps = (Wait(0.3), Press("8011"), Wait(5), Press("4"), ExpectBye(20))
    story = await line.call(beijing(), *steps)
    assert story.result.ended_by == "them"
    assert story.ticket is not None
    (rated,) = await line.running.line.db.read(surveys.of_ticket, story.ticket.id)
    assert (rated.points, rated.call_id) == (4, story.call.id)
    kinds = story.kinds
    assert kinds.index("agent.left") < kinds.index("survey.asked") < kinds.index("survey.answered")


async def reaches_question(db: Database) -> None:
    """Wait until the journal says that the caller is asked whether the case is solved."""
    async with asyncio.timeout(30):
        while True:
            calls = await db.read(journal.unfinished)
            if [call.state.get("repeat", {}).get("step") for call in calls] == ["question"]:
                return
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.chaos
async def test_a_process_that_is_killed_between_identity_and_answer_asks_again_and_closes_once(
    tmp_path: Path, installation: Installation
) -> None:
    caller = new_number()
    async with site(tmp_path / "site", lambda c: c["repeat"].update(wait_seconds=25)) as one:
        async with await Database.open(one.settings.database_url) as db:
            case = await db.write(resolved, "before", caller, BEFORE)
            await db.write(journal.end, "before", "completed", BEFORE)
        await one.start()
        steps = (Wait(6), Press("1"), Wait(16), Press("1"), ExpectBye(60))
        calling = asyncio.create_task(one.call(caller, *steps))
        await one.comes({caller: "repeat"})
        async with await Database.open(one.settings.database_url) as db:
            await reaches_question(db)
            one.processes[-1].send(signal.SIGKILL)
            await one.processes[-1].ended()
            await one.start()
            result = await calling
            assert result.ended_by == "them"
            await one.settled()
            (said,) = await db.read(confirmations.of_ticket, case.id)
            assert (said.answer, said.identity) == ("solved", "pressed")
            found = await db.read(tickets.get, case.id)
            assert found is not None
            assert found.status == Status.CLOSED
            assert len(await db.read(tickets.search)) == 1
