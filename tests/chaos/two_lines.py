"""Two lines on one desk: two `huisheng run` with an Asterisk each, their customers' telephones, and
what happens to the processes."""

import asyncio
import random
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ari_app.sip_caller import (
    AgentPhone,
    AgentPlan,
    Answer,
    ExpectBye,
    Press,
    SipMessage,
    Wait,
    agent_phone,
)
from desk.messages import State
from tests.e2e.process_rig import Site, site

NAMES = ("north", "south")
WAIT_SECONDS = 4.0
"""So soon the server ends the transaction of a process that was frozen in the middle."""
START_SECONDS = 180.0  # on a machine with a lot of other work
LONG_FREEZE_SECONDS = 1.5 * WAIT_SECONDS
KILLS, LONG, AT_ONCE = 0.4, 0.08, 0.3
"""Shares: of harms that kill; of freezes that last; of new processes that are harmed again before
they serve."""
_DIALLED = re.compile(r"sip:([0-9]+)@")
_EACH = Wait(2.2)

SOLVED = AgentPlan(rings=0.2, steps=(*(_EACH, Press("1")) * 14, ExpectBye(20)))
"""It is me; I agree; it is solved. And again, whatever is asked again."""
NOT_SOLVED = AgentPlan(
    rings=0.2,
    steps=(_EACH, Press("1"), _EACH, Press("1"), *(_EACH, Press("2")) * 12, ExpectBye(20)),
)
BUSY = AgentPlan(rings=0.2, answer=Answer.IS_BUSY)
MOODS = (SOLVED, NOT_SOLVED, BUSY)


def line_config(name: str, database: str) -> Any:
    """What a line is told: the common desk, a name of its own, patience and haste."""

    def change(config: dict[str, Any]) -> None:
        config["database"] |= {"url": database, "wait_seconds": WAIT_SECONDS}
        config["pbx"] |= {"system_name": name, "lease_seconds": 20}
        config["speech"]["live"]["enabled"] = False
        config["outbound"] |= {
            "trunk": "carrier",
            "shown_number": "02288880000",
            "ring_seconds": 10,
            "hours": ["00:00-24:00"],
        }
        config["outbound"]["limits"] |= {
            "most_per_hour": 10_000,
            "most_at_once": 6,
            "most_per_number_per_day": 100,
        }
        config["outbound"]["confirm"] |= {
            "attempts": 3,
            "attempts_per_day": 3,
            "answer_seconds": 8,
            "retry_minutes": 0.02,
            "salutation": None,
        }
        config["messages"] |= {"quiet": None, "per_number_daily": 100}
        config["surveys"]["low"] |= {"then": "alarm"}  # who is solved keeps pressing 1
        config["links"]["base_url"] = "https://hui.example.cn"

    return change


@dataclass(frozen=True)
class Invite:
    """A customer's telephone rang: what Asterisk sent, as the telephone has it."""

    at: float
    number: str
    call_id: str


@dataclass
class Customers:
    """Behind a line's trunk: everybody's telephone, in one mood at a time."""

    port: int
    _former: list[SipMessage] = field(default_factory=list)
    _phone: AgentPhone | None = None
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def are(self, mood: AgentPlan) -> None:
        """Take calls in this mood from now on; those that go on break off."""
        await self.aclose()
        phone = agent_phone(self.port, mood, most_calls=100)
        self._phone = await self._open.enter_async_context(phone)

    async def aclose(self) -> None:
        """Nobody has a telephone any more."""
        if self._phone is not None:
            phone, self._phone = self._phone, None
            await self._open.aclose()
            self._former += phone.messages

    @property
    def invites(self) -> list[Invite]:
        """Each call that has come, once however often it was sent."""
        messages = [*self._former, *(self._phone.messages if self._phone is not None else ())]
        found: dict[str, Invite] = {}
        for message in messages:
            dialled = _DIALLED.search(message.first_line)
            if message.is_request("INVITE") and dialled is not None:
                invite = Invite(message.at, dialled[1], message.call_id)
                found.setdefault(message.call_id, invite)
        return list(found.values())


@dataclass
class TwoLines:
    """The lines, who is called by them, and how often they were harmed."""

    sites: tuple[Site, ...]
    customers: tuple[Customers, ...]
    harmed: Counter[str] = field(default_factory=Counter)

    @property
    def invites(self) -> list[Invite]:
        """Every call that has reached a customer's telephone, oldest first."""
        found = [invite for each in self.customers for invite in each.invites]
        return sorted(found, key=lambda invite: invite.at)

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Every SMS that the provider was given."""
        found = []
        for each in self.sites:
            file = each.settings.state_dir / "messages" / "sms.jsonl"
            if file.is_file():
                found += [orjson.loads(line) for line in file.read_bytes().splitlines()]
        return found

    @property
    def words(self) -> str:
        """What the processes said."""
        return "\n".join(process.words for each in self.sites for process in each.processes)

    async def harm(self, harms: int, chance: random.Random) -> None:
        """Kill (and start anew) and freeze both lines' processes so often, each at its own time."""
        left = iter(range(harms))
        async with asyncio.TaskGroup() as tasks:
            for each in self.sites:
                tasks.create_task(self._harm(each, left, random.Random(chance.random())))  # noqa: S311

    async def _harm(self, one: Site, left: Any, chance: random.Random) -> None:
        for _ in left:
            await asyncio.sleep(chance.uniform(0.2, 2.5))
            process = one.processes[-1]
            assert process.runs, f"ended by itself: {process.words[-3000:]}"
            if chance.random() < KILLS:
                self.harmed["killed"] += 1
                await process.kill()
                process = await one.launch()
                if chance.random() >= AT_ONCE:
                    await process.serves(one.client, START_SECONDS)
                continue
            self.harmed["frozen"] += 1
            process.send(signal.SIGSTOP)
            long = chance.random() < LONG  # longer than anybody waits for it
            await asyncio.sleep(LONG_FREEZE_SECONDS if long else chance.uniform(0.02, 0.8))
            process.send(signal.SIGCONT)

    async def serve(self) -> None:
        """Wait until both lines serve."""
        for each in self.sites:
            await each.processes[-1].serves(each.client, START_SECONDS)


@asynccontextmanager
async def two_lines(folder: Path, database: str) -> AsyncIterator[TwoLines]:
    """Two lines that serve, with customers who say that it is solved."""
    async with AsyncExitStack() as stack:
        sites, phones = [], []
        for name in NAMES:
            one = await stack.enter_async_context(site(folder / name, line_config(name, database)))
            sites.append(one)
            behind = Customers(int(one.settings.pbx.trunks[0].port))
            stack.push_async_callback(behind.aclose)
            await behind.are(SOLVED)
            phones.append(behind)
        for one in sites:
            await one.launch()
        lines = TwoLines(tuple(sites), tuple(phones))
        await lines.serve()
        yield lines


def arrived(row: Any) -> bool:
    """Whether the provider is known to have a message."""
    return bool(row.state == State.SENT.value and row.provider)
