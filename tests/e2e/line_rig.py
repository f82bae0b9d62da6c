"""A whole line for end-to-end tests: real Asterisk, real SQLite, the application, short prompts.

Callers are SIPp. Each calls from a number of its own, by which its call is found again.
"""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ari_app.process import Running, running_line
from ari_app.settings import Settings, load
from ari_app.sip_caller import CallPlan, CallResult, Step, place_call
from ari_app.sip_caller.sipp import OnMessage
from desk import journal, outbox, recordings, tickets, timeline
from desk.journal import Call
from desk.recordings import Recording, Transcript
from desk.region import locate
from desk.tickets import Ticket
from desk.timeline import Entry
from tests.rig import ports
from tests.rig.asterisk import pbx_settings
from tests.rig.ports import free_port

CONFIG = Path(__file__).resolve().parents[2] / "config.yaml"
OPEN_HOURS = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Tianjin
CLOSED_HOURS = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)  # 22:00
SETTLE_SECONDS = 20.0
STAGGER_SECONDS = 0.15  # between callers of one batch: their speech is synthesised first
SHORT, LONGER = "喂", "请留言"  # 0.4 and 1.0 s
PROMPT_BEFORE_TONE = ("tell", "nobody", "closed")
RING_SECONDS = 5
TARGET = "crm"
AGENTS = {  # extension: team. What each does with a call: `phones` in conftest.py
    "8001": "tianjin",
    "8002": "tianjin",
    "8003": "national",
    "8011": "others",
    "8012": "others",
    **dict.fromkeys(("8021", "8022", "8023", "8024"), "talkers"),
}


@dataclass
class Clock:
    """The line's time: real seconds from a moment that a test may choose."""

    at: datetime = OPEN_HOURS
    _set: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.at + (datetime.now(UTC) - self._set)

    def set(self, at: datetime) -> None:
        self.at, self._set = at, datetime.now(UTC)


def write_config(folder: Path, webhook_url: str) -> Path:
    """The project's config.yaml with short prompts, on free ports, its state in `folder`."""
    config = load(CONFIG).model_dump(mode="json")
    agents = [
        {
            "extension": extension,
            "name": f"坐席{extension}",
            "team": team,
            "contact": f"sip:{extension}@127.0.0.1:{free_port()}",
        }
        for extension, team in AGENTS.items()
    ]
    pbx = pbx_settings(ring_seconds=RING_SECONDS, agents=agents)
    config["pbx"] = pbx.model_dump(mode="json", exclude_none=True)
    config["state_dir"] = str(folder / "state")
    for name in config["ivr"]["prompts"]:
        config["ivr"]["prompts"][name] = LONGER if name in PROMPT_BEFORE_TONE else SHORT
    for menu in config["ivr"]["menus"].values():
        menu["timeout_seconds"] = min(menu["timeout_seconds"], 2.0)
        for action in (*menu["keys"].values(), menu["failure"]):
            for unset in [verb for verb, value in action.items() if value in (None, False, "")]:
                del action[unset]
    config["queue"] |= {
        "most_wait_seconds": 6,
        "wrap_up_seconds": 0,
        "unanswered_rings": 0,
        "avoid_seconds": 1,
        "rules": {"default": [{"after": 0, "need": ["team"]}]},
    }
    config["speech"]["silence_seconds"] = 2.0
    config["api"] |= {"port": free_port(), "log_level": "error"}
    config["bridge"] |= {
        "targets": [{"kind": "webhook", "name": TARGET, "url": webhook_url, "deadline_seconds": 2}],
        "retry_first_seconds": 0.1,
        "retry_most_seconds": 1,
        "demo_crm_port": 0,
    }
    path = folder / "config.yaml"
    # JSON is YAML; what is unset stays away, as in a file that a person writes.
    path.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Visit:
    """A caller to come: from which number, doing what."""

    caller: str
    steps: tuple[Step, ...]
    plan: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Story:
    """What became of one call: what the caller saw, and what the desk knows."""

    result: CallResult
    call: Call
    ticket: Ticket | None
    entries: list[Entry]
    recordings: list[Recording]
    transcript: Transcript | None

    @property
    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.entries]

    @property
    def choices(self) -> list[str]:
        """The keys that led somewhere, in order."""
        return [e.body["key"] for e in self.entries if e.kind == "menu.chosen" and e.body]


async def until(true: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> None:
    """Wait for what no event tells."""
    last = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < last, "it does not come about"
        await asyncio.sleep(0.02)


_number = itertools.count(1).__next__


def tianjin() -> str:
    """A land line in Tianjin that no other caller has."""
    return f"0228{_number():07d}"


def tianjin_mobile() -> str:
    """A mobile of Tianjin that no other caller has."""
    return f"1382022{_number():04d}"


def beijing() -> str:
    """A land line in Beijing that no other caller has."""
    return f"0106{_number():07d}"


@dataclass
class TestLine:
    """A running line and its callers."""

    __test__ = False

    running: Running
    clock: Clock
    config: Path
    source: str = "127.0.0.1"  # where callers call from

    @property
    def settings(self) -> Settings:
        return self.running.settings

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.settings.pbx.sip.port}"

    @property
    def dialled(self) -> str:
        return self.settings.pbx.line_numbers[0]

    async def visits(self, visits: Mapping[str, Visit]) -> dict[str, Story]:
        """All callers at about the same time; the story of each by its name."""
        async with asyncio.TaskGroup() as group:
            tasks = {
                name: group.create_task(self._visit(visit, number * STAGGER_SECONDS), name=name)
                for number, (name, visit) in enumerate(visits.items())
            }
        return {name: task.result() for name, task in tasks.items()}

    async def _visit(self, visit: Visit, delay: float) -> Story:
        await asyncio.sleep(delay)
        return await self.call(visit.caller, *visit.steps, **visit.plan)

    async def call(
        self, caller: str, *steps: Step, on_message: OnMessage | None = None, **plan: Any
    ) -> Story:
        """One caller from dialling to the last word in the desk."""
        planned = self.plan(caller, *steps, **plan)
        result = await place_call(planned, self.target, source=self.source, on_message=on_message)
        return await self.story(caller, result)

    def plan(self, caller: str, *steps: Step, **plan: Any) -> CallPlan:
        return CallPlan(caller, self.dialled, tuple(steps), **plan)

    async def story(self, caller: str, result: CallResult) -> Story:
        """Wait until the call of `caller` is over and transcribed, and read it."""
        e164 = locate(caller, self.settings.company.home_area_code).e164
        if result.plan.privacy:
            e164 = ""  # one such call at a time
        db = self.running.line.db
        last = time.monotonic() + SETTLE_SECONDS
        with db.subscribe() as commits:
            while (call := await self._ended(e164)) is None:
                assert time.monotonic() < last, (caller, result.messages[-3:])
                await commits.wait(0.5)
        ticket = await db.read(tickets.get, call.ticket_id) if call.ticket_id else None
        found = await db.read(recordings.of_call, call.id)
        transcript = await db.read(recordings.transcript_of, found[0].id) if found else None
        return Story(
            result=result,
            call=call,
            ticket=ticket,
            entries=await db.read(timeline.entries_after, 0, 200, call_id=call.id),
            recordings=found,
            transcript=transcript,
        )

    async def _ended(self, e164: str) -> Call | None:
        db = self.running.line.db
        calls = await db.read(journal.search, e164=e164)
        if not calls or calls[0].ended_at is None:
            return None
        waiting = await db.read(recordings.of_call, calls[0].id)
        return calls[0] if all(r.state != "recorded" for r in waiting) else None

    async def quiet(self) -> None:
        """Wait until nothing of any call is left: in Asterisk, as a coroutine, or in the desk."""
        last = time.monotonic() + SETTLE_SECONDS
        while left := await self._left():
            assert time.monotonic() < last, left
            await asyncio.sleep(0.05)

    async def _left(self) -> dict[str, Any]:
        line = self.running.line
        counts = (await line.db.read(outbox.counts)).get(TARGET)
        left = {
            "channels": await line.ari.channels.list(),
            "bridges": await line.ari.bridges.list(),
            "coroutines": self.running.switchboard.call_ids,
            "unfinished": await line.db.read(journal.unfinished),
            "untranscribed": await line.db.read(recordings.untranscribed, limit=1),
            "undelivered": counts.pending if counts else 0,
            "requests": line.ari.in_flight,
            "listeners": dict(line.ari.exchange.channels) | dict(line.ari.exchange.bridges),
        }
        return {name: what for name, what in left.items() if what}


@asynccontextmanager
async def own_line(
    folder: Path, webhook_url: str, change: Callable[[dict[str, Any]], None], **line: Any
) -> AsyncIterator[TestLine]:
    """A line of one's own, after a change of its configuration."""
    clock = Clock()
    path = write_config(folder, webhook_url)
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    ports.keep()
    settings = load(path)
    async with running_line(settings, config=path, own_lifetime=True, now=clock) as running:
        yield TestLine(running, clock, path, **line)
