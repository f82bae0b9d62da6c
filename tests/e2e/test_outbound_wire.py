"""What reaches a customer's telephone: the number that is shown, the name that is spoken, and the
end of the ringing when calls are stopped.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from ari_app.calls.outbound.spoken_name import by_name
from ari_app.prompts.cache import SUFFIX
from ari_app.sip_caller import AgentPlan, ExpectBye, Press, Wait
from asterisk_conf.install import Installation
from desk.outbound import limits
from tests.crm_bridge.receiver import Receiver
from tests.e2e.line_rig import TestLine, tianjin_mobile
from tests.e2e.outbound_rig import SHOWN, customer, outbound_line, resolved_case

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

PATIENT, RINGS = 20.0, 1.0
FRAME = 160  # bytes of A-law in 20 ms
YES = (*(step for _ in range(3) for step in (Wait(6), Press("1"))), ExpectBye(60))
"""That is me; you may record; it is solved. Late enough for a slow line, which waits `PATIENT`."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def line(
    installation: Installation, crm: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestLine]:
    """A line that waits long for a key and rings long, so that only what is tested ends either."""
    folder = tmp_path_factory.mktemp("wire")
    patient = outbound_line(
        folder, crm.url, ring_seconds=90,
        answer_seconds=PATIENT, salutation="如果您是{who},请按一。",
    )  # fmt: skip
    async with patient as running:
        yield running


class Carrier(asyncio.DatagramProtocol):
    """Takes down the first INVITE as it is on the wire, rings, and is busy."""

    def __init__(self) -> None:
        self.invite: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        head, *lines = data.decode().split("\r\n\r\n")[0].split("\r\n")
        if not head.startswith(("INVITE", "OPTIONS")):
            return
        kept = [each for each in lines if each.split(":")[0] in ("Via", "From", "Call-ID", "CSeq")]
        to = next(each for each in lines if each.startswith("To:"))
        rest = "\r\n".join([*kept, f"{to};tag=carrier", "Content-Length: 0", "", ""])

        def answer(status: str) -> None:
            self._transport.sendto(f"SIP/2.0 {status}\r\n{rest}".encode(), sender)

        if head.startswith("OPTIONS"):
            answer("200 OK")
            return
        answer("180 Ringing")
        asyncio.get_running_loop().call_later(RINGS, answer, "486 Busy Here")
        if not self.invite.done():
            self.invite.set_result("\n".join([head, *lines]))


async def test_customer_sees_the_number_that_is_configured(line: TestLine) -> None:
    loop, port = asyncio.get_running_loop(), int(line.settings.pbx.trunks[0].port)
    transport, carrier = await loop.create_datagram_endpoint(
        Carrier, local_addr=("127.0.0.1", port)
    )
    try:
        case = await resolved_case(line, tianjin_mobile())
        invite = await asyncio.wait_for(carrier.invite, 60)
        await case.until("asked", way="sms")
    finally:
        transport.close()
    shown = next(each for each in invite.splitlines() if each.startswith("From:"))
    assert f"sip:{SHOWN}@" in shown
    assert {each.outcome for each in await case.attempts()} == {"busy"}
    assert {each.shown for each in await case.attempts()} == {SHOWN}
    await line.quiet()


async def test_customer_is_asked_for_by_surname(
    line: TestLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """如果您是王先生,请按一: spoken before anything of the case, and never the whole name."""
    monkeypatch.setattr("ari_app.calls.outbound.spoken_name.SPEAK_SECONDS", 60.0)
    named = await by_name(line.running.line, "王先生")  # synthesised now, and kept
    assert named is not None
    sound = Path(named.media[0].removeprefix("sound:") + SUFFIX).read_bytes()
    answers = AgentPlan(rings=0.2, steps=(Wait(named.seconds), *YES))
    async with customer(line, answers) as phone:
        case = await resolved_case(line, tianjin_mobile(), name="王先生")
        request = await case.until("done")
        await phone.ended()
        (rung,) = phone.calls()
    assert request.outcome == "solved"
    heard = rung.heard or b""
    frames = [sound[at : at + 2 * FRAME] for at in range(0, len(sound), 2 * FRAME)]
    loud = [each for each in frames if len(each) == 2 * FRAME and len(set(each)) > 40]
    assert len(loud) > 10
    assert sum(each in heard for each in loud) > len(loud) / 2, "the name is heard"
    (attempt,) = await case.attempts()
    assert (attempt.identity, attempt.consent) == ("pressed", "given")
    kinds = [kind for kind in await case.kinds() if kind in TOLD]
    assert kinds == list(TOLD), "in this order, as evidence"
    await line.quiet()


TOLD = ("outbound.dialling", "outbound.identity", "outbound.consent", "ticket.confirmed")


async def test_stopping_hangs_up_on_a_telephone_that_rings_and_costs_no_attempt(
    line: TestLine,
) -> None:
    db, now = line.running.line.db, line.running.line.now
    async with customer(line, AgentPlan(answer=None)) as phone:
        case = await resolved_case(line, tianjin_mobile())
        await phone.rang()
        await db.write(limits.stop, "盗打演练", now(), actor="token:test")
        try:
            assert (await phone.ended()).is_request("CANCEL")
            request = await case.until("waiting")
            assert (request.outcome, request.way) == ("stopped", "call")
        finally:
            await db.write(limits.start, "查清", now(), actor="token:test")
    (attempt,) = await case.attempts()
    assert (attempt.outcome, attempt.answered_at) == ("stopped", None)
    await line.quiet()


async def test_stopping_lets_who_has_answered_say_what_he_has_to_say(line: TestLine) -> None:
    db, now = line.running.line.db, line.running.line.now
    async with customer(line, AgentPlan(rings=0.2, steps=YES)) as phone:
        case = await resolved_case(line, tianjin_mobile())
        await phone.answered()
        await db.write(limits.stop, "盗打演练", now(), actor="token:test")
        try:
            request = await case.until("done")
        finally:
            await db.write(limits.start, "查清", now(), actor="token:test")
    assert request.outcome == "solved"
    assert (await case.now()).status == "closed"
    await line.quiet()
