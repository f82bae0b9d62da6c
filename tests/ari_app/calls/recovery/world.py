"""What Asterisk leaves behind, made by hand, and a desk in memory that hears of it."""

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ari_app.calls.recovery.reconcile import Reconciled, Reconciler, Surroundings
from ari_app.calls.recovery.sources import Sources
from desk import journal, recordings, tickets, timeline
from desk.journal import Call, NewCall
from desk.recordings import Recording, Store
from desk.region import locate
from desk.settings import TicketSettings
from desk.tickets import Ticket
from tests.crm_bridge.virtual import MemoryDatabase
from tests.rig.recordings import wav
from tests.rig.samples import NOW

LINE = "4001234567"
TIANJIN_NUMBER = "02253456789"


def call_id(number: int) -> str:
    return f"huisheng-{int(NOW.timestamp())}.{number}"


@dataclass
class World:
    """A state folder, a spool of Asterisk, a desk. `now` is an hour after the calls."""

    folder: Path
    db: MemoryDatabase = field(default_factory=MemoryDatabase)
    now: datetime = NOW + timedelta(hours=1)
    present: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)
    settled: bool = True
    told: int = 0

    def __post_init__(self) -> None:
        self.sources = Sources(
            self.folder / "calls.csv", self.folder / "messages", self.folder / "cdr.csv"
        )
        self.sources.messages.mkdir(exist_ok=True)
        self.store = Store(self.folder / "recordings")

    def reconciler(self) -> Reconciler:
        """As a process has it that has just started."""

        async def present() -> Collection[str]:
            return self.present

        def told() -> None:
            self.told += 1

        around = Surroundings(
            present=present,
            live=lambda: self.live,
            settled=lambda: self.settled,
            locate=lambda number: locate(number, "022"),
            ticket_types=TicketSettings().types,
            told=told,
            now=lambda: self.now,
        )
        database: Any = self.db
        return Reconciler(database, self.store, self.sources, self.folder / "progress", around)

    async def once(self) -> Reconciled:
        return await self.reconciler().once()

    # what Asterisk writes

    def note(self, *lines: str) -> None:
        with self.sources.notes.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def received(self, number: int, caller: str = TIANJIN_NUMBER, at: datetime = NOW) -> str:
        ident = call_id(number)
        epoch = int(at.timestamp())
        self.note(f"received,{epoch},{ident},{LINE},PJSIP%2Fcarrier-{number:08x},{caller}")
        return ident

    def ended(self, ident: str, cause: int = 16, seconds: int = 40) -> None:
        self.note(f"ended,{int(NOW.timestamp()) + seconds},{ident},{cause}")

    def message(self, ident: str, audio: bytes | None = None) -> Path:
        """The caller said something to the dialplan."""
        path = self.sources.messages / f"{ident}.wav"
        path.write_bytes(wav(2.0) if audio is None else audio)
        os.utime(path, (NOW.timestamp() + 30, NOW.timestamp() + 30))
        return path

    def fallback(self, number: int, caller: str = TIANJIN_NUMBER) -> str:
        """A whole call that the dialplan served alone."""
        ident = self.received(number, caller)
        epoch = int(NOW.timestamp())
        self.note(f"fallback,{epoch + 10},{ident}", f"message,{epoch + 39},{ident},{ident}.wav")
        self.ended(ident)
        self.message(ident)
        return ident

    def record(self, ident: str, *, context: str = "huisheng-line", linked: str = "") -> None:
        local = NOW.astimezone()
        start, end = local, local + timedelta(seconds=40)
        fields = [
            ident,
            linked or ident,
            "PJSIP/carrier-1",
            TIANJIN_NUMBER,
            LINE,
            context,
            f"{start:%F %T}",
            f"{start:%F %T}",
            f"{end:%F %T}",
            "40",
            "40",
            "ANSWERED",
        ]
        assert self.sources.call_records is not None
        with self.sources.call_records.open("a") as file:
            file.write(",".join(f'"{value}"' for value in fields) + "\n")

    # what the line itself has journaled

    async def begun(
        self, ident: str, stage: str = "menu", *, over: bool = False, state: Any = None
    ) -> None:
        def work(db: Any) -> None:
            caller = locate(TIANJIN_NUMBER, "022")
            journal.begin(db, NewCall(ident, LINE, TIANJIN_NUMBER, caller), NOW)
            journal.enter_stage(db, ident, stage, state or {}, NOW)
            if over:
                journal.end(db, ident, "hangup", NOW + timedelta(seconds=20))

        await self.db.write(work)

    async def chose(self, ident: str, ticket: str, label: str) -> None:
        body = {"menu": "main", "key": "1", "label": label, "ticket": ticket, "verb": "say"}
        await self.db.write(journal.note, ident, "menu.chosen", body, NOW)

    # what the desk has now

    async def call(self, ident: str) -> Call:
        found = await self.db.read(journal.get, ident)
        assert found is not None
        return found  # type: ignore[no-any-return]

    async def tickets(self) -> list[Ticket]:
        """Oldest first."""
        return (await self.db.read(tickets.search, limit=200))[::-1]  # type: ignore[no-any-return]

    async def recordings(self, ident: str) -> list[Recording]:
        return await self.db.read(recordings.of_call, ident)  # type: ignore[no-any-return]

    async def kinds(self, ident: str) -> list[str]:
        entries = await self.db.read(timeline.entries_after, 0, 1000, call_id=ident)
        return [entry.kind for entry in entries]
