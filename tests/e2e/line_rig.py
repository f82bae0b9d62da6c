"""A whole line for end-to-end tests: real Asterisk, real SQLite, the application, short prompts.

Callers are SIPp. Each test calls from a number of its own, by which it finds its call again.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ari_app.process import Running
from ari_app.settings import Settings, load
from ari_app.sip_caller import CallPlan, CallResult, Step, place_call
from desk import journal, recordings, tickets, timeline
from desk.journal import Call
from desk.recordings import Recording, Transcript
from desk.region import locate
from desk.tickets import Ticket
from desk.timeline import Entry
from tests.rig.asterisk import pbx_settings

CONFIG = Path(__file__).resolve().parents[2] / "config.yaml"
OPEN_HOURS = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Tianjin
CLOSED_HOURS = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)  # 22:00
SETTLE_SECONDS = 10.0
SHORT = "喂"


@dataclass
class Clock:
    """The line's time: real seconds from a moment that a test may choose."""

    at: datetime = OPEN_HOURS
    _set: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.at + (datetime.now(UTC) - self._set)

    def set(self, at: datetime) -> None:
        self.at, self._set = at, datetime.now(UTC)


def line_settings(state_dir: Path, **sections: Any) -> Settings:
    """config.yaml with short prompts, on free ports, its state in `state_dir`."""
    settings = load(CONFIG)
    prompts = {
        name: prompt.model_copy(update={"text": SHORT})
        for name, prompt in settings.ivr.prompts.items()
    }
    menus = {
        name: menu.model_copy(update={"timeout_seconds": min(menu.timeout_seconds, 2.0)})
        for name, menu in settings.ivr.menus.items()
    }
    changed = {
        "state_dir": state_dir,
        "pbx": pbx_settings(ring_seconds=5),
        "ivr": settings.ivr.model_copy(update={"prompts": prompts, "menus": menus}),
        "speech": settings.speech.model_copy(update={"silence_seconds": 2.0}),
        **sections,
    }
    return settings.model_copy(update=changed)


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


@dataclass
class TestLine:
    """A running line and its callers."""

    __test__ = False

    running: Running
    clock: Clock
    _numbers: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.running.settings.pbx.sip.port}"

    def tianjin(self) -> str:
        """A land line in Tianjin that no other test uses."""
        return f"0228{self._numbers():07d}"

    def beijing(self) -> str:
        """A land line in Beijing that no other test uses."""
        return f"0106{self._numbers():07d}"

    async def call(self, caller: str, *steps: Step, **plan: Any) -> Story:
        """One caller from dialling to the last word in the desk."""
        dialled = self.running.settings.pbx.line_numbers[0]
        result = await place_call(CallPlan(caller, dialled, tuple(steps), **plan), self.target)
        return await self.story(caller, result)

    async def story(self, caller: str, result: CallResult) -> Story:
        """Wait until the call of `caller` is over and transcribed, and read it."""
        e164 = locate(caller, self.running.settings.company.home_area_code).e164
        db = self.running.line.db
        with db.subscribe() as commits:
            async with asyncio.timeout(SETTLE_SECONDS):
                while (call := await self._ended(e164)) is None:
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

    async def is_quiet(self) -> bool:
        """Whether nothing of any call is left: in Asterisk, or as a coroutine here."""
        ari = self.running.line.ari
        async with asyncio.timeout(SETTLE_SECONDS):
            while await ari.channels.list() or await ari.bridges.list():
                await asyncio.sleep(0.05)
        return self.running.switchboard.live == 0


__all__ = ["CLOSED_HOURS", "OPEN_HOURS", "Clock", "Story", "TestLine", "line_settings"]
