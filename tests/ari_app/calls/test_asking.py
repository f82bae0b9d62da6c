"""The call in which a customer is asked, key by key in virtual time: what closes, and what never
does; and what a crash leaves behind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import pytest
import pytest_asyncio

from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.outbound import confirm as asking
from ari_app.calls.outbound.settling import settle_attempt
from ari_app.calls.outbound.spoken_name import by_name
from ari_app.calls.serve import serve
from ari_app.survey_policy import survey_policy
from desk import journal, surveys, tickets
from desk.journal import NewCall
from desk.outbound import OutboundSettings, Request, limits, requests
from desk.outbound.attempts import NewAttempt, get
from desk.outbound.outcomes import answer
from desk.region import locate
from desk.surveys import Survey
from desk.tickets import Identity, Ticket
from tests.ari_app.calls.rig import CALL_ID, Desk, FakeChannel, call_on, line_on, settings
from tests.desk.outbound.samples import MOBILE, MORNING, case, look, request_of

pytestmark = pytest.mark.looptime

SETTINGS = OutboundSettings(trunk="carrier")
E164 = f"+86{MOBILE}"


@dataclass
class Asked:
    """A resolved case whose customer has just answered."""

    desk: Desk
    line: Line
    channel: FakeChannel
    call: Call
    ticket: Ticket
    request: Request

    def without_survey(self) -> "Asked":
        """Customers are not asked how it was."""
        surveys = self.line.settings.surveys.model_copy(update={"after_talk": False})
        self.line.settings = self.line.settings.model_copy(update={"surveys": surveys})
        return self

    async def surveys(self) -> list[Survey]:
        await self.line.journal.flush()
        found: list[Survey] = await self.desk.read(surveys.of_ticket, self.ticket.id)
        return found

    async def does(self, *keys: tuple[float, str]) -> "Asked":
        """The customer presses keys ("" hangs up) so many seconds after answering."""
        loop = asyncio.get_running_loop()
        for seconds, key in keys:
            press = self.channel.press if key else lambda _: self.channel.leave()
            loop.call_later(seconds, press, key)
        with self.call.events:
            await serve(self.call, self.line)
        return self

    async def status(self) -> str:
        found = await self.desk.read(tickets.get, self.ticket.id)
        return str(found.status)

    async def outcome(self) -> str:
        """As the end of the attempt finds it."""
        await self.line.journal.flush()
        await self.desk.write(
            settle_attempt, self.request.id, CALL_ID, "hung_up", SETTINGS, UTC, MORNING
        )
        attempt = await self.desk.read(get, CALL_ID)
        return str(attempt.outcome)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk()
    yield opened
    opened.close()


async def asked(desk: Desk, *, identity: str = "pressed", **said: Any) -> Asked:
    await look(desk, MORNING, SETTINGS)  # type: ignore[arg-type]
    ticket = await desk.write(case)
    await look(desk, MORNING, SETTINGS)  # type: ignore[arg-type]
    request = await desk.read(request_of, ticket.id)
    state = {"confirm": {"request": request.id, "identity": identity, **said}}

    def placed(db: Any) -> None:
        new = NewAttempt(
            CALL_ID, "confirm", MOBILE, E164, "02288880000", request.id, ticket_id=ticket.id
        )
        assert limits.begin(db, new, SETTINGS.limits, MORNING) is None
        requests.take(db, requests.for_change(db, request.id), CALL_ID, MORNING)
        caller = locate(E164)
        direction: Any = "outbound"
        journal.begin(db, NewCall(CALL_ID, MOBILE, E164, caller, (), direction, ticket.id), MORNING)
        journal.enter_stage(db, CALL_ID, Stage.CONFIRM, state, MORNING)

    await desk.write(placed)
    line, channel = line_on(desk, settings(outbound=SETTINGS)), FakeChannel()
    call = call_on(line, channel, E164)
    call.stage, call.state, call.journaled = Stage.CONFIRM, state, True
    call.caller, call.ticket_id = locate(E164), ticket.id
    return Asked(desk, line, channel, call, ticket, request)


@pytest.fixture(autouse=True)
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recording needs a real Asterisk; see tests/e2e/test_outbound.py."""

    async def begin(_call: Call, _line: Line) -> None:
        return None

    async def keep(_call: Call, _line: Line) -> str:
        return ""

    async def end(_call: Call, _line: Line) -> None:
        return None

    monkeypatch.setattr(asking, "begin_recording", begin)
    monkeypatch.setattr(asking, "keep_now", keep)
    monkeypatch.setattr(asking, "end_former", end)


# Greeting, identity and the other key take three seconds, each later question one.
ME, AGREE = (4, "1"), (6, "1")


@pytest.mark.parametrize(
    ("key", "status", "goodbye"),
    [("1", "closed", ["confirm_solved", "confirm_bye"]), ("2", "reopened", ["confirm_reopened"])],
)
async def test_keys_in_their_turn_are_the_answer(
    desk: Desk, key: str, status: str, goodbye: list[str]
) -> None:
    one = (await asked(desk)).without_survey()
    await one.does(ME, AGREE, (9, key))
    assert await one.status() == status
    assert one.channel.heard == [
        *("confirm_greeting", "confirm_identity", "confirm_not_me"),
        *("confirm_consent", "confirm_question", *goodbye),
    ]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ((), "no_key"),
        (((4, "2"),), "stranger"),
        (((4, "5"), (5, "7"), (6, "0")), "no_key"),
        ((ME,), "no_key"),
        ((ME, (6, "9")), "refused"),
        ((ME, AGREE), "no_key"),
        ((ME, AGREE, (9, "3")), "no_key"),
        ((ME, AGREE, (9, "")), "hung_up"),
        (((2, ""),), "hung_up"),
        (((0.1, "1"),), "no_key"),
    ],
)
async def test_everything_else_leaves_the_case_as_it_is(
    desk: Desk, keys: tuple[tuple[float, str], ...], why: str
) -> None:
    one = await asked(desk)
    await one.does(*keys)
    assert await one.status() == "resolved"
    assert await one.outcome() == why


async def test_nothing_of_the_case_is_heard_before_identity_and_consent(desk: Desk) -> None:
    one = await asked(desk)
    await one.does((4, "2"))
    assert set(one.channel.heard) == {
        "confirm_greeting", "confirm_identity", "confirm_not_me", "confirm_bye",
    }  # fmt: skip


async def test_a_key_from_before_a_question_does_not_answer_it(desk: Desk) -> None:
    one = await asked(desk)
    # Pressed twice for "that is me": the second press must not agree to the recording.
    await one.does((4, "1"), (4.1, "1"))
    assert await one.outcome() == "no_key"
    assert one.channel.heard.count("confirm_consent") == SETTINGS.confirm.asks


async def test_the_ticket_number_is_keyed_in_where_a_key_says_too_little(desk: Desk) -> None:
    one = await asked(desk, identity="ticket_number")
    number = [(4 + place / 2, key) for place, key in enumerate(f"{one.ticket.number}#")]
    await one.does(*number, (9.5, "1"), (12.5, "1"))
    assert await one.status() == "closed"


async def test_another_number_is_nobodys_proof(desk: Desk) -> None:
    one = await asked(desk, identity="ticket_number")
    await one.does(*[(4 + place / 2, key) for place, key in enumerate("100022#")])
    assert await one.outcome() == "unknown"
    assert "confirm_consent" not in one.channel.heard


async def test_what_was_pressed_before_a_crash_is_done_by_the_next_process(desk: Desk) -> None:
    one = await asked(desk, identified="pressed", consent="given", answer="1")
    one.call.resumed = True
    one.channel.leave()
    await one.does()
    assert await one.status() == "closed"
    assert await one.outcome() == "solved"


async def test_what_was_pressed_is_done_even_if_nobody_led_the_call_to_its_end(
    desk: Desk,
) -> None:
    one = await asked(desk, identified="pressed", consent="given", answer="2")
    assert await one.outcome() == "not_solved"
    assert await one.status() == "reopened"


async def test_the_question_that_was_open_is_put_again_after_a_crash(desk: Desk) -> None:
    one = await asked(desk, identified="pressed", consent="given")
    one.call.resumed = True
    await one.without_survey().does((3, "1"))
    assert one.channel.heard == ["resumed", "confirm_question", "confirm_solved", "confirm_bye"]
    assert await one.status() == "closed"


# After "solved" at 9: thanks for a second, then how it was, from 10 on.
SOLVED = (9, "1")


async def test_who_says_that_it_is_solved_is_asked_in_the_same_call_how_it_was(desk: Desk) -> None:
    one = await asked(desk)
    await one.does(ME, AGREE, SOLVED, (11.5, "4"))
    (rated,) = await one.surveys()
    assert (rated.channel, rated.call_id, rated.points, rated.cycle) == ("key", CALL_ID, 4, 1)
    assert one.channel.heard[-4:] == [
        "confirm_solved", "survey_ask", "survey_thanks", "confirm_bye",
    ]  # fmt: skip
    assert await one.status() == "closed"
    assert await one.outcome() == "solved"


async def test_who_hangs_up_after_his_answer_is_not_taken_for_asked(desk: Desk) -> None:
    one = await asked(desk)
    await one.does(ME, AGREE, SOLVED, (9.5, ""))
    assert await one.surveys() == [], "he gets a link"
    assert await one.status() == "closed"


async def test_who_says_that_it_is_not_solved_is_not_asked_how_it_was(desk: Desk) -> None:
    one = await asked(desk)
    await one.does(ME, AGREE, (9, "2"))
    assert await one.surveys() == []


async def test_a_low_key_in_our_call_opens_the_case_again(desk: Desk) -> None:
    one = await asked(desk)
    await one.does(ME, AGREE, SOLVED, (11.5, "1"))
    (rated,) = await one.surveys()
    assert rated.effect == "reopened"
    assert await one.status() == "reopened"
    assert await one.outcome() == "solved"


@pytest.mark.parametrize("stage", [Stage.CONFIRM, Stage.SURVEY])
async def test_a_crash_between_answer_and_survey_asks_how_it_was_once(
    desk: Desk, stage: Stage
) -> None:
    one = await asked(desk, identified="pressed", consent="given", answer="1")
    if stage is Stage.SURVEY:  # the answer is in the desk, and so is the question
        await desk.write(answer, one.request.id, CALL_ID, True, Identity.PRESSED, "", MORNING)
        await desk.write(surveys.ask_by_key, CALL_ID, survey_policy(one.line.settings), MORNING)
    one.call.stage, one.call.resumed = stage, True
    await one.does((3, "5"))
    (rated,) = await one.surveys()
    assert rated.points == 5
    assert one.channel.heard.count("survey_ask") == 1
    assert await one.status() == "closed"


async def test_a_fault_in_the_survey_of_our_call_queues_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(_call: Call, _line: Line) -> bool:
        raise RuntimeError("a fault")

    monkeypatch.setattr("ari_app.calls.survey.may_ask", breaks)
    one = await asked(desk)
    await one.does(ME, AGREE, SOLVED)
    assert not any(what.startswith("continue") for _, what in one.channel.did)
    assert await one.status() == "closed"


async def test_a_name_is_spoken_as_surname_and_only_by_a_speaking_voice(
    desk: Desk, tmp_path: Any
) -> None:
    plain = settings(outbound=SETTINGS, state_dir=tmp_path)
    (tmp_path / "prompts").mkdir()
    line = line_on(desk, plain)
    question = await by_name(line, "王先生")
    assert question is not None
    assert question.seconds > 0.5
    assert await by_name(line, "") is None
