"""We call the customer of a resolved case: only a key pressed by whom it concerns closes it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from ari_app.sip_caller import (
    AgentPlan,
    Answer,
    ExpectBye,
    HangUp,
    Press,
    Speak,
    Step,
    Wait,
    agent_phone,
)
from asterisk_conf.install import Installation
from desk import recordings, surveys, tickets
from desk.outbound import attempts, limits, marks
from desk.region import locate
from tests.crm_bridge.receiver import Receiver
from tests.e2e.line_rig import TestLine, tianjin, tianjin_mobile
from tests.e2e.outbound_rig import HELPER, customer, outbound_line, resolved_case

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

# Questions are prompts of 0.4 s: greeting, identity, the other key; consent; whether it is solved.
ME = (Wait(2.0), Press("1"))
AGREES = (Wait(1.2), Press("1"))
IS_IT = Wait(1.2)
CONTENT = (Wait(1.2), Press("5")) * 4  # until the question how it was has come


def takes(*steps: Step, rings: float = 0.2) -> AgentPlan:
    return AgentPlan(rings=rings, steps=(*steps, ExpectBye(15)))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def line(
    installation: Installation, crm: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestLine]:
    async with outbound_line(tmp_path_factory.mktemp("outbound"), crm.url) as running:
        yield running


async def test_key_one_closes_with_identity_consent_a_recording_of_both_sides_and_a_score(
    line: TestLine,
) -> None:
    number = tianjin_mobile()
    async with customer(line, takes(*ME, *AGREES, IS_IT, Press("1"), *CONTENT)) as phone:
        case = await resolved_case(line, number, name="王先生")
        request = await case.until("done")
        await phone.ended()
        assert f"INVITE sip:{number}@" in phone.messages[0].first_line
    assert (request.outcome, request.attempts) == ("solved", 1)
    assert (await case.now()).status == "closed"
    (call,) = await case.calls()
    (given,) = await case.db.read(tickets.confirmations.of_ticket, case.ticket.id)
    assert (given.source, given.identity, given.call_id) == ("key", "pressed", call.id)
    (kept,) = await case.db.read(recordings.of_call, call.id)
    assert given.recording_id == kept.id
    assert kept.seconds > 1
    await line.quiet()
    (attempt,) = await case.attempts()
    assert (attempt.identity, attempt.consent) == ("pressed", "given")
    assert attempt.identity_at is not None
    assert attempt.consent_at is not None
    evidence = await case.db.read(attempts.recordings_of, [attempt])
    assert evidence == {call.id: (kept.id,)}
    assert attempt.answered_at is not None
    assert (attempt.number, attempt.shown) == (number, "02288880000")
    assert (await case.calls())[0].ticket_id == case.ticket.id
    (asked,) = await case.db.read(surveys.of_ticket, case.ticket.id)
    assert (asked.channel, asked.call_id) == ("key", call.id), "and in the same call how it was"
    assert asked.points == 5
    assert "survey" not in await case.templates()


async def test_key_two_reopens_with_priority_and_the_next_solution_is_asked_about_again(
    line: TestLine,
) -> None:
    async with customer(line, takes(*ME, *AGREES, IS_IT, Press("2"))):
        case = await resolved_case(line, tianjin_mobile())
        request = await case.until("done")
    assert request.outcome == "not_solved"
    reopened = await case.now()
    assert (reopened.status, reopened.cycle) == ("reopened", 2)
    assert reopened.priority > case.ticket.priority
    (said,) = await case.db.read(tickets.confirmations.of_ticket, case.ticket.id)
    assert said.answer == "not_solved"
    await line.quiet()
    async with customer(line, takes(*ME, *AGREES, IS_IT, Press("1"))):
        await case.resolve()
        again = await case.until("waiting", "dialling")
        assert again.id != request.id
        await case.until("done")
    assert (await case.now()).status == "closed"
    await line.quiet()


@pytest.mark.parametrize(
    ("plan", "outcomes"),
    [
        (AgentPlan(rings=0.2, answer=Answer.IS_BUSY), ["busy", "busy"]),
        (AgentPlan(answer=None), ["no_answer", "no_answer"]),
    ],
    ids=["busy", "no answer"],
)
async def test_customer_who_is_not_reached_is_called_again_then_asked_by_sms(
    line: TestLine, plan: AgentPlan, outcomes: list[str]
) -> None:
    async with customer(line, plan):
        case = await resolved_case(line, tianjin_mobile())
        await case.until("asked", way="sms")
    assert [each.outcome for each in await case.attempts()] == outcomes
    assert (await case.now()).status == "resolved"
    assert "confirm" in await case.templates()
    await line.quiet()


async def test_machine_that_talks_closes_nothing_and_hears_nothing_of_the_case(
    line: TestLine,
) -> None:
    talks = takes(Speak("您好,我是智能助理,请问您有什么事情,我会转告机主,请在嘀声后留言"), Wait(3))
    async with customer(line, talks) as phone:
        case = await resolved_case(line, tianjin_mobile())
        await case.until("asked", way="sms")
        assert len(phone.calls()) == 2
    assert [each.outcome for each in await case.attempts()] == ["no_key", "no_key"]
    assert (await case.now()).status == "resolved"
    for call in await case.calls():
        assert "consent" not in call.state["confirm"], "the case comes after identity and consent"
        assert await case.db.read(recordings.of_call, call.id) == []
    await line.quiet()


async def test_keys_before_the_question_are_no_answer_to_it(line: TestLine) -> None:
    early = takes(Press("1"), Wait(8))
    async with customer(line, early):
        case = await resolved_case(line, tianjin_mobile())
        request = await case.until("asked", way="sms")
    assert request.outcome == "unreachable"
    assert (await case.now()).status == "resolved"
    await line.quiet()


async def test_stranger_hears_nothing_gets_no_sms_and_a_person_takes_over(line: TestLine) -> None:
    number = tianjin_mobile()
    async with customer(line, takes(Wait(2.0), Press("2"))):
        case = await resolved_case(line, number)
        await case.until("asked", way="handler")
    (attempt,) = await case.attempts()
    assert (attempt.outcome, attempt.consent) == ("stranger", "")
    assert "confirm" not in await case.templates()
    e164 = locate(number, "022").e164
    assert await case.db.read(marks.of_number, e164) == {"recycled"}
    await line.quiet()


async def test_shared_number_takes_the_ticket_number_and_nothing_else(line: TestLine) -> None:
    number = tianjin_mobile()
    async with customer(line, takes(Wait(1.6), Press("1000 17#".replace(" ", "")), Wait(4))):
        case = await resolved_case(line, number, owners=2)
        await case.until("asked", way="handler")
    assert {each.outcome for each in await case.attempts()} == {"unknown"}
    await line.quiet()
    second = await resolved_case(line, tianjin_mobile(), owners=2)
    keyed = Press(f"{second.ticket.number}#")
    async with customer(line, takes(Wait(1.6), keyed, *AGREES, IS_IT, Press("1"))):
        await second.until("done")
    (given,) = await second.db.read(tickets.confirmations.of_ticket, second.ticket.id)
    assert given.identity == "ticket_number"
    await line.quiet()


async def test_refused_recording_ends_the_call_and_the_question_comes_by_sms(
    line: TestLine,
) -> None:
    async with customer(line, takes(*ME, Wait(1.2), Press("9"))):
        case = await resolved_case(line, tianjin_mobile())
        await case.until("asked", way="sms")
    (attempt,) = await case.attempts()
    assert (attempt.outcome, attempt.consent) == ("refused", "refused")
    assert await case.db.read(recordings.of_call, attempt.id) == []
    await line.quiet()


async def test_key_zero_leads_to_a_person_and_the_talk_belongs_to_the_ticket(
    line: TestLine,
) -> None:
    steps = (*ME, *AGREES, IS_IT, Press("0"), Wait(4), Speak("还有一个问题"), Wait(1.5), HangUp())
    answers = AgentPlan(rings=0.2, steps=(Wait(0.5), Speak("您好"), ExpectBye(30)))
    queue, others = line.running.line.queue, ("8022", "8023", "8024")
    for extension in others:
        queue.busy(extension, "another")
    contact = next(a.contact for a in line.settings.pbx.agents if a.extension == HELPER)
    port = int(str(contact).rpartition(":")[2])
    try:
        async with agent_phone(port, answers, listen=True):
            async with customer(line, AgentPlan(rings=0.2, steps=steps)):
                case = await resolved_case(line, tianjin_mobile(), team="talkers")
                request = await case.until("done")
            await line.quiet()
    finally:
        for extension in others:
            queue.free(extension, "another")
    assert request.outcome == "person"
    (call,) = await case.calls()
    assert call.ticket_id == case.ticket.id
    assert call.state["urgent"]
    kept = {each.party for each in await case.db.read(recordings.of_call, call.id)}
    assert {"caller", f"agent:{HELPER}"} <= kept
    assert (await case.now()).status == "resolved", "the agent asks, and writes down the answer"


async def test_withheld_number_is_not_dialled_but_a_persons_task(line: TestLine) -> None:
    async with customer(line, takes()) as phone:
        case = await resolved_case(line, "", on_file="02287650000000"[:11])
        # The customer's own number on file is called; without one nobody is.
        assert (await case.until("waiting", "dialling", "asked")).identity == "ticket_number"
        await case.until("asked", way="handler")
        nobody = await resolved_case(line, "", on_file="008522345678")
        request = await nobody.until("asked", way="handler")
        assert request.number == ""
        assert len(phone.calls()) == 2
    assert await nobody.attempts() == []
    assert "notice.sent" in await nobody.kinds()
    await line.quiet()


async def test_stop_takes_effect_at_once_and_toll_fraud_goes_nowhere(line: TestLine) -> None:
    db, now = line.running.line.db, line.running.line.now
    await db.write(limits.stop, "盗打演练", now(), actor="token:test")
    async with customer(line, takes()) as phone:
        case = await resolved_case(line, tianjin())
        waiting = await case.until("waiting")
        assert waiting.attempts == 0
        assert await case.attempts() == []
        await db.write(limits.start, "", now(), actor="token:test")
        await case.until("dialling", "asked")
        assert len(await case.attempts()) == 1
        await db.write(limits.stop, "再停", now(), actor="token:test")
        await line.quiet()
        assert len(phone.calls()) <= 1
    await db.write(limits.start, "", now() + timedelta(seconds=1), actor="token:test")
