"""A call in virtual time: what the caller waits for when the desk, or Asterisk, is in trouble."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ari_app.ari import BadRequest, ServerError
from ari_app.calls.call import ENDING_SECONDS, Call, Stage
from ari_app.calls.journal import PATIENCE_SECONDS
from ari_app.calls.line import Line
from ari_app.calls.serve import serve
from ari_app.calls.vault import NothingSaid
from desk import recordings
from desk.errors import DatabaseBusy, SchemaMismatch
from tests.ari_app.calls.rig import CALL_ID, Desk, FakeChannel, call_on, line_on, outcome

pytestmark = pytest.mark.looptime


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk()
    yield opened
    opened.close()


@pytest_asyncio.fixture
async def line(desk: Desk) -> Line:
    return line_on(desk)


@pytest_asyncio.fixture
async def channel() -> FakeChannel:
    return FakeChannel()


async def _serve(line: Line, channel: FakeChannel, *caller: tuple[float, str]) -> Call:
    """Serve a caller who does each thing (a key, "" hangs up) so many seconds after coming."""
    call, loop = call_on(line, channel), asyncio.get_running_loop()
    for seconds, key in caller:
        loop.call_later(seconds, channel.press if key else lambda _: channel.leave(), key)
    with call.events:
        await serve(call, line)
    return call


async def test_complaint_is_told_and_its_number_read_back(
    line: Line, channel: FakeChannel, desk: Desk
) -> None:
    await _serve(line, channel, (1.5, "1"), (8, "#"))
    journaled, ticket = await outcome(desk)
    assert ticket is not None
    assert ticket.type == "complaint"
    digits = [f"digit-{digit}" for digit in ticket.number]
    assert channel.heard == ["main", "tell", "recorded", *digits, "thanks"]
    assert channel.did[-1][1] == "hangup"
    assert journaled.cause == "completed"


class TestSilentCaller:
    @pytest.fixture(autouse=True)
    def nothing_is_said(self, line: Line) -> None:
        async def fetch(*_: object, **__: object) -> None:
            raise NothingSaid("message")

        line.vault.fetch = fetch  # type: ignore[assignment,method-assign]

    async def test_who_says_nothing_hears_so_and_leaves_a_ticket_without_a_message(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        await _serve(line, channel, (1.5, "1"), (8, "#"))
        assert channel.heard == ["main", "tell", "unheard", "thanks"]
        journaled, ticket = await outcome(desk)
        assert ticket is not None
        assert ticket.type == "complaint"
        assert ticket.labels[-1] == "留言:没有声音"
        assert journaled.cause == "completed"
        assert await desk.read(recordings.of_call, CALL_ID) == []

    async def test_who_hangs_up_without_a_word_leaves_what_the_choice_made(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        await _serve(line, channel, (1.5, "1"), (8, ""))
        _, ticket = await outcome(desk)
        assert ticket is not None
        assert ticket.type == "complaint"
        assert await desk.read(recordings.of_call, CALL_ID) == []


class TestLockedDesk:
    async def test_caller_waits_a_moment_for_the_answer_and_goes_on(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        desk.lock(3600)
        call = asyncio.create_task(_serve(line, channel, (8, "1"), (30, "#")))
        await asyncio.sleep(70)
        assert channel.at("answer") == pytest.approx(PATIENCE_SECONDS)
        assert channel.heard[0] == "main"
        assert channel.heard[-1] == "thanks", "served to the end, without a number"
        assert channel.at("hangup") < 40, "nobody is kept on a silent line"
        assert not call.done(), "the wrap-up waits for the desk"
        await call

    async def test_what_was_missed_is_in_the_desk_when_it_is_back(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        desk.lock(600)
        call = await _serve(line, channel, (8, "1"), (30, "#"))
        assert asyncio.get_running_loop().time() >= 600
        journaled, ticket = await outcome(desk)
        assert journaled.cause == "completed"
        assert journaled.caller.area_code == "010"
        assert ticket is not None
        assert (ticket.id, ticket.type) == (call.ticket_id, "complaint")
        (kept,) = await desk.read(recordings.of_call, CALL_ID)
        assert kept.state == "recorded"
        assert line.transcriptions.times >= 1  # type: ignore[attr-defined]

    async def test_caller_who_hangs_up_meanwhile_is_a_ticket_too(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        desk.lock(60)
        await _serve(line, channel, (5, ""))
        journaled, ticket = await outcome(desk)
        assert journaled.cause == "hangup"
        assert ticket is not None
        assert ticket.type == "abandoned"

    async def test_desk_that_fails_at_the_end_is_asked_again(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(2, setattr, desk, "failure", DatabaseBusy("locked"))
        loop.call_later(100, setattr, desk, "failure", None)
        await _serve(line, channel, (3, ""))
        assert loop.time() >= 100
        _, ticket = await outcome(desk)
        assert ticket is not None

    async def test_desk_that_can_never_take_it_is_no_endless_wait(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(2, setattr, desk, "failure", SchemaMismatch("newer"))
        with pytest.raises(SchemaMismatch):
            await _serve(line, channel, (3, ""))
        assert loop.time() < 10


class TestTroubleWithAsterisk:
    async def test_call_that_cannot_be_hung_up_is_a_ticket_all_the_same(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        channel.refuses["hangup"] = ServerError("no answer", ids={"channel_id": CALL_ID})
        await _serve(line, channel, (1.5, "1"), (8, "#"))
        journaled, ticket = await outcome(desk)
        assert journaled.cause == "completed"
        assert ticket is not None

    async def test_caller_who_is_faster_than_our_good_bye_has_hung_up(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        """A prompt that a hang-up cuts off ends before Asterisk tells of the hang-up."""
        await _serve(line, channel, (1.5, "1"), (8, "#"), (9, ""))
        journaled, _ = await outcome(desk)
        assert journaled.cause == "hangup"

    async def test_refusal_is_a_hang_up_if_the_end_of_the_channel_follows(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        """Asterisk sets no variable on a channel that is being hung up: 400."""
        channel.refuses["TIMEOUT(absolute)=25"] = BadRequest(
            "Failed to execute function", ids={"channel_id": CALL_ID}, status=400
        )
        channel.refuses["play"] = channel.refuses["TIMEOUT(absolute)=25"]
        asyncio.get_running_loop().call_later(ENDING_SECONDS / 2, channel.leave)
        await _serve(line, channel)
        journaled, ticket = await outcome(desk)
        assert journaled.cause == "hangup"
        assert ticket is not None
        assert ticket.type == "abandoned"

    async def test_fault_leaves_the_caller_to_the_dialplan_and_a_ticket_to_the_desk(
        self, line: Line, channel: FakeChannel, desk: Desk
    ) -> None:
        channel.refuses["play"] = ServerError("allocation failed", ids={"channel_id": CALL_ID})
        call = await _serve(line, channel)
        assert channel.did[-1][1] == "continue huisheng-fallback,s,1"
        journaled, ticket = await outcome(desk)
        assert (call.stage, journaled.cause) == (Stage.WRAP_UP, "fault")
        assert ticket is not None
        assert ticket.type == "abandoned"
