"""The other end: telephones that ring and are answered, refused or left ringing."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from ari_app.sip_caller.ears import Ears
from ari_app.sip_caller.errors import PortsTakenError
from ari_app.sip_caller.media import raw_sockets_allowed, texts_of, write_media
from ari_app.sip_caller.plan import CallPlan, ExpectBye, Step
from ari_app.sip_caller.ports import CALLS_TO_REPEAT, free_media_port
from ari_app.sip_caller.scenario import agent_scenario
from ari_app.sip_caller.sipp import OnMessage, Sipp, is_bound, sipp
from ari_app.sip_caller.timeline import PACKET_SECONDS
from ari_app.sip_caller.trace import CallResult, SipMessage, result_of
from ari_app.sip_caller.voice import spoken

MOST_SECONDS = 3600.0
"""A telephone that nobody closes ends by itself."""
TALK_SECONDS = 60.0
_LISTENED = 50
_phones = count(1)


class Answer(IntEnum):
    """What the agent does with a call, as the final status."""

    TAKES = 200
    IS_AWAY = 480
    IS_BUSY = 486
    DECLINES = 603


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """An agent at a telephone.

    rings: seconds until the final answer. answer: that answer; None never answers.
    steps: what the agent does once the call is taken; by default waits for the hang-up.
    """

    rings: float = 0.5
    answer: Answer | None = Answer.TAKES
    steps: tuple[Step, ...] = (ExpectBye(TALK_SECONDS),)


class AgentPhone:
    """A telephone that is switched on. Its contact is `sip:anything@address:port`."""

    def __init__(self, port: int, child: Sipp, ears: Ears, plan: CallPlan) -> None:
        self.port = port
        self._child = child
        self._ears = ears
        self._plan = plan

    @property
    def messages(self) -> tuple[SipMessage, ...]:
        """Every SIP message so far."""
        return tuple(self._child.messages)

    async def rang(self) -> SipMessage:
        """Wait for the first INVITE, past or to come."""
        return await self._child.first(lambda m: m.is_request("INVITE"))

    async def answered(self) -> SipMessage:
        """Wait until a call is taken: our 200 to an INVITE."""
        return await self._child.first(lambda m: m.status == Answer.TAKES and m.method == "INVITE")

    async def ended(self) -> SipMessage:
        """Wait until a call ends: a BYE or CANCEL of either side."""
        return await self._child.first(lambda m: m.is_request("BYE") or m.is_request("CANCEL"))

    async def acknowledged(self) -> SipMessage:
        """Wait until our final answer to a call was taken note of (ACK)."""
        return await self._child.first(lambda m: m.is_request("ACK"))

    def calls(self) -> tuple[CallResult, ...]:
        """The calls so far, in the order in which they rang."""
        call_ids = dict.fromkeys(m.call_id for m in self.messages if m.is_request("INVITE"))
        return tuple(
            result_of(self._plan, call_id, self.messages, self._ears.heard(number))
            for number, call_id in enumerate(call_ids)
        )


@asynccontextmanager
async def agent_phone(
    port: int,
    plan: AgentPlan | None = None,
    *,
    address: str = "127.0.0.1",
    listen: bool = False,
    most_calls: int = CALLS_TO_REPEAT,
    on_message: OnMessage | None = None,
) -> AsyncIterator[AgentPhone]:
    """A telephone at `address`:`port` for the length of the block.

    It is listening when the block begins. `listen` keeps what the agent hears.
    most_calls: media ports for so many calls one after the other are kept clear of others' ports.
    Raises SippMissingError, PortsTakenError, PromptError.
    """
    agent = plan or AgentPlan()
    if is_bound(address, port):
        raise PortsTakenError(f"UDP port {port} of {address} is in use")
    talk = CallPlan(caller="", dialled="", steps=agent.steps)
    privileged = raw_sockets_allowed()
    sounds = await asyncio.to_thread(spoken, texts_of(talk))
    listened = _LISTENED if listen and privileged else 0
    base = free_media_port(address, most_calls, listened=listened)
    with TemporaryDirectory(prefix="huisheng-sipp-") as name:
        folder = Path(name)
        media = await asyncio.to_thread(write_media, talk, sounds, folder, privileged=privileged)
        scenario = agent_scenario(
            talk,
            media,
            rings=agent.rings if agent.answer is not None else MOST_SECONDS,
            answer=agent.answer or Answer.IS_AWAY,
        )
        arguments: list[str | bytes | Path] = [
            *("-i", address, "-mi", address, "-bind_local"),
            *("-p", str(port), "-mp", str(base)),
            *("-timer_resol", "1", "-timeout", str(round(MOST_SECONDS))),
        ]
        run = f"agent-{next(_phones)}-{secrets.token_hex(4)}"
        most = round(TALK_SECONDS / PACKET_SECONDS)
        async with (
            Ears(address, base, listened, most) as ears,
            sipp(run, scenario, arguments, folder, on_message) as child,
        ):
            await child.bound(address, port)
            yield AgentPhone(port, child, ears, talk)
