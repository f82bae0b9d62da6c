"""Two lines with an Asterisk each want the same calls placed: one places each, and only that one
says how it ended, whoever dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.outbound.placing import MOST_LED, Placing
from ari_app.calls.system import is_own
from desk import journal
from desk.outbound import NewRequest, OutboundSettings, Request, attempts, outcomes, requests
from desk.outbound.attempts import OPEN_AT_MOST
from desk.tickets import Identity
from tests.ari_app.calls.callback_rig import FakeBoard, FakePbx
from tests.ari_app.calls.rig import Desk, line_on, settings
from tests.desk.outbound.samples import case, dial, look, request_of

pytestmark = pytest.mark.looptime

CALL_SECONDS = 20.0
SETTINGS = OutboundSettings(trunk="carrier")


class AskingBoard(FakeBoard):
    """A switchboard whose calls last a while, and in which nothing is answered."""

    async def _talk(self, call: Call) -> None:
        await asyncio.sleep(CALL_SECONDS)
        self._pbx.end(call.id, 16)
        await self._line.db.write(journal.end, call.id, "completed", self._line.now())


@dataclass
class System:
    """A line with an Asterisk of its own."""

    line: Line
    pbx: FakePbx

    @asynccontextmanager
    async def works(self) -> AsyncIterator[None]:
        """It places calls for the length of the block."""
        board: Any = AskingBoard(self.line, self.pbx)
        task = asyncio.create_task(Placing(self.line, board).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def system(desk: Desk, name: str, *agents: str) -> System:
    """`agents`: whose telephones it has; by default everybody's."""
    plain = settings()
    pbx: Any = FakePbx()
    there = [each for each in plain.pbx.agents if not agents or each.extension in agents]
    pbx_settings = plain.pbx.model_copy(update={"system_name": name, "agents": there})
    line = line_on(desk, plain.model_copy(update={"outbound": SETTINGS, "pbx": pbx_settings}))
    line.ari = pbx
    return System(line, pbx)


async def wanted(desk: Desk, line: Line) -> Request:
    """A customer who is to be asked now."""
    await look(desk, line.now())  # type: ignore[arg-type]
    ticket = await desk.write(case, now=line.now())
    await look(desk, line.now())  # type: ignore[arg-type]
    found: Request = await desk.read(request_of, ticket.id)
    return found


@pytest.mark.parametrize("names", [("north", "south"), ("huisheng", "huisheng-2")])
async def test_customer_who_talks_to_one_line_is_not_called_by_the_other(
    names: tuple[str, str],
) -> None:
    desk = Desk()
    north, south = (system(desk, name) for name in names)
    request = await wanted(desk, north.line)
    async with north.works(), south.works():
        await asyncio.sleep(CALL_SECONDS)  # it rings for some of it
        during = await desk.read(requests.get, request.id)
        await asyncio.sleep(CALL_SECONDS)
        (made,) = await desk.read(attempts.of_request, request.id)
    assert during.state == "dialling"
    assert len(north.pbx.customers_rung + south.pbx.customers_rung) == 1
    assert made.outcome == "hung_up"
    assert made.ended_at - made.placed_at > timedelta(seconds=CALL_SECONDS)
    desk.close()


async def test_call_that_was_answered_before_its_process_died_is_ended_by_the_next_one() -> None:
    """Else it would count among those that go on, and keep others from being placed."""
    desk = Desk()
    north, south = system(desk, "north"), system(desk, "south")
    request = await wanted(desk, north.line)

    def answered(db: Any) -> None:
        dial(db, request, "north-outbound-1-a", north.line.now())
        now, identity = north.line.now(), Identity.PRESSED
        outcomes.answer(db, request.id, "north-outbound-1-a", True, identity, "", now)

    await desk.write(answered)
    async with south.works():
        await asyncio.sleep(60)
        (made,) = await desk.read(attempts.of_request, request.id)
        assert made.ended_at is None, "only its own Asterisk knows"
    async with north.works():
        await asyncio.sleep(60)
        (made,) = await desk.read(attempts.of_request, request.id)
    assert made.ended_at is not None
    assert north.pbx.customers_rung == south.pbx.customers_rung == []
    desk.close()


async def test_customer_is_asked_by_the_other_line_where_one_is_gone_for_good() -> None:
    desk = Desk()
    north, south = system(desk, "north"), system(desk, "south")
    request = await wanted(desk, north.line)
    await desk.write(dial, request, "north-outbound-1-a", north.line.now())
    async with south.works():
        await asyncio.sleep(OPEN_AT_MOST.total_seconds() - 60)
        assert south.pbx.customers_rung == []
        await asyncio.sleep(3 * 3600)  # the next time of day at which customers are called
        first, *others = await desk.read(attempts.of_request, request.id)
    assert first.outcome == "lost"
    assert len(others) == len(south.pbx.customers_rung) >= 1
    desk.close()


@pytest.mark.parametrize(
    ("call_id", "owner"),
    [
        ("huisheng-1795321548.0", "huisheng"),
        ("huisheng-outbound-57-16411584", "huisheng"),
        ("huisheng-callback-9-ab12cd34", "huisheng"),
        ("huisheng-2-1795321548.0", "huisheng-2"),
        ("huisheng-2-outbound-57-16411584", "huisheng-2"),
        ("huisheng-callback-1795321548.0", "huisheng-callback"),
    ],
)
def test_calls_of_a_system_whose_name_begins_alike_are_its_own(call_id: str, owner: str) -> None:
    names = ("huisheng", "huisheng-2", "huisheng-callback", "hui")
    assert [name for name in names if is_own(call_id, name)] == [owner]


async def test_agent_is_rung_by_the_line_that_has_the_telephone_or_by_none() -> None:
    desk = Desk()
    north, south = system(desk, "north", "8001"), system(desk, "south", "8002")

    def click(db: Any) -> Request:
        now = north.line.now()
        new = NewRequest(
            "k", "click", "call", now, number="13820220009", e164="+8613820220009", agent="8002"
        )
        return requests.add(db, new, now, actor="agent:8002")[0]

    request = await desk.write(click)
    async with north.works():
        await asyncio.sleep(30)
        assert (await desk.read(requests.get, request.id)).state == "waiting"
        async with south.works():
            await asyncio.sleep(10)
            assert (await desk.read(requests.get, request.id)).state == "dialling"
    assert north.pbx.rung == []
    assert south.pbx.rung[0][1] == "PJSIP/8002"
    desk.close()


async def test_agents_calls_that_another_line_must_place_keep_nobody_waiting() -> None:
    """The agent's telephone is at the other Asterisk, which is down."""
    desk = Desk()
    south = system(desk, "south")

    def order(db: Any, number: int) -> None:
        new = NewRequest(
            f"k{number}", "scheduled", "call", south.line.now(),
            number="13820220009", e164="+8613820220009", agent="9999",
        )  # fmt: skip
        requests.add(db, new, south.line.now(), actor="agent:9999")

    for number in range(MOST_LED + 1):
        await desk.write(order, number)
    request = await wanted(desk, south.line)
    async with south.works():
        await asyncio.sleep(10)
        assert (await desk.read(requests.get, request.id)).state == "dialling"
        assert {each.state for each in await desk.read(requests.search, agent="9999")} == {
            "waiting"
        }
    desk.close()
